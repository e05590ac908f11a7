"""Step 3: the ladder with what each method costs here, the budget, and a drawer for experts."""

from __future__ import annotations

import dataclasses
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from tunewell import registry
from tunewell.errors import ConfigError, UserError
from tunewell.serve.web import asked, forms, jobs, shelf
from tunewell.serve.web.costs import BUDGETS, closest, costs, in_words
from tunewell.serve.web.looking import SAID_OF_ROWS
from tunewell.serve.web.showing import step
from tunewell.serve.web.start import Form, go, texts
from tunewell.tell.pages import choose_it

router = APIRouter()
ELSEWHERE = {*asked.OURS, *SAID_OF_ROWS, "methods", "budget"} - {"backbone", "max_length"}
"""Options that other fields of the page ask for."""


@router.get("/runs/{name}/methods")
def look(request: Request, name: str) -> HTMLResponse:
    """The methods, what they cost here, and every option."""
    kept = shelf.find(request.app.state.home, name)
    values = asked.read_asked(kept)
    return step(request, "methods", kept, values, **_context(kept, values))


@router.post("/runs/{name}/methods/costs")
def look_at_costs(request: Request, name: str, form: Form) -> dict[str, Any]:
    """What the ticked methods cost within the budget that is set, for the script."""
    kept = shelf.find(request.app.state.home, name)
    try:
        values = _typed(texts(form), asked.read_asked(kept))
        asked.resolved(values)
        told = costs(kept, values, asked.methods_of(values))
    except UserError as error:  # half typed, or nothing ticked as yet
        return {"problem": error.found}
    return {
        **dataclasses.asdict(told),
        "budget": in_words(str(values["budget"])),
        "command": asked.as_command(values),
        "yaml": asked.as_yaml(values),
    }


@router.post("/runs/{name}/methods")
def choose(request: Request, name: str, form: Form) -> RedirectResponse:
    """Keep the settings, and start the run if that button was pressed."""
    kept = shelf.find(request.app.state.home, name)
    jobs.refuse_going(kept)
    typed = texts(form)
    values = _typed(typed, asked.read_asked(kept))
    asked.resolved(values)
    asked.write_asked(kept, values)
    if typed.get("go") == "measure":
        jobs.start(kept, "costs")
    if typed.get("go") != "start":
        return go(f"/runs/{kept.name}/methods")
    jobs.stop(kept, "costs")
    jobs.start(kept, "compare")
    return go(f"/runs/{kept.name}/run")


def _typed(typed: dict[str, str], before: dict[str, Any]) -> dict[str, Any]:
    """What was asked before with what the form says."""
    able = asked.methods_of({n: v for n, v in before.items() if n != "methods"})
    ticked = [name for name in typed.get("methods", "").split(",") if name in able]
    if not ticked:
        raise ConfigError("No method is ticked.", "", "Tick one at least.")
    number = typed.get("budget_step", "")
    if number.isdecimal() and int(number) < len(BUDGETS):
        typed = {**typed, "budget": BUDGETS[int(number)]}
    given = {**typed, "methods": "" if ticked == able else ",".join(ticked)}
    values = asked.taken(given, before)
    values["budget"] = typed.get("budget") or str(before.get("budget", "30m"))
    return values


def _context(kept: shelf.Kept, values: dict[str, Any]) -> dict[str, Any]:
    values = {"budget": "30m", **values}
    able = asked.methods_of({n: v for n, v in values.items() if n != "methods"})
    chosen = asked.methods_of(values)
    known = asked.known()
    general = [forms.field(o, values) for n, o in known.items() if _general(n)]
    task = asked.task_of(values).name
    sections = {
        name: [forms.field(o, values) for n, o in known.items() if n.startswith(name + ".")]
        for name in (task, *able)
    }
    others = [run for run in jobs.running(kept.folder.parent) if run != kept.name]
    return {
        "ladder": [registry.method(name) for name in able],
        "choose_it": choose_it,
        "chosen": chosen,
        "costs": costs(kept, values, chosen),
        "budgets": [in_words(budget) for budget in BUDGETS],
        "budget_step": closest(str(values["budget"])),
        "budget": in_words(str(values["budget"])),
        "general": general,
        "sections": {name: fields for name, fields in sections.items() if fields},
        "changed": sum(bool(f.value) for fields in (general, *sections.values()) for f in fields),
        "others": others,
        "going": jobs.state(kept)["state"] in jobs.GOING,
    }


def _general(name: str) -> bool:
    return "." not in name and name not in ELSEWHERE

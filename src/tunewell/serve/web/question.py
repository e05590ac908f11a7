"""Step 2: what should be predicted, and what counts as right, in plain words."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from tunewell import kinds, registry
from tunewell.errors import ConfigError
from tunewell.serve.web import asked, jobs, preview, roles, shelf
from tunewell.serve.web.data import locked
from tunewell.serve.web.looking import SAID_OF_ROWS, Found
from tunewell.serve.web.showing import step
from tunewell.serve.web.start import Form, go, texts
from tunewell.tell.rows import metric_meaning, metric_name
from tunewell.values import fingerprint

router = APIRouter()
MOST_NAMED = 40
"""Answers that can be given a name in the form."""
FIELDS = ("task", "metric")


@router.get("/runs/{name}/question")
def look(request: Request, name: str) -> HTMLResponse:
    """What should be predicted."""
    kept = shelf.find(request.app.state.home, name)
    values = asked.read_asked(kept)
    found: Found = request.app.state.looker.look(values)
    task = asked.task_of(values)
    answers = found.looked.answers if found.looked else ()
    learnt = found.checked.task if found.checked else task()
    return step(
        request,
        "question",
        kept,
        values,
        found=found,
        plain=lambda sentence: preview.plain(sentence, values),
        checked=found.checked,
        task=task,
        tasks=registry.tasks().values(),
        metrics=list(learnt.metrics.values()),
        metric_meaning=metric_meaning,
        metric=values.get("metric", ""),
        metric_name=metric_name,
        asks=kinds.WORDS[learnt.answers],
        taken=roles.taken(found.checked.columns, values) if found.checked else [],
        word=roles.word,
        answers=answers,
        most=max((count for _, count in answers), default=1),
        named=_names(values),
        nameable=len(answers) <= MOST_NAMED,
        locked=bool(jobs.state(kept)["state"]),
    )


@router.post("/runs/{name}/question")
def answer(request: Request, name: str, form: Form) -> RedirectResponse:
    """Keep what is asked, begin to measure what the methods cost, and go on to them."""
    kept = shelf.find(request.app.state.home, name)
    if jobs.state(kept)["state"]:
        locked(kept)
    values, typed = asked.read_asked(kept), texts(form)
    values = asked.taken({n: typed[n] for n in FIELDS if n in typed}, values)
    if values.get("task") != asked.read_asked(kept).get("task"):
        # Another kind of question reads other columns and has other scores.
        kept_names = values.keys() - {"input", "target", "columns", "metric", "label_names"}
        asked.write_asked(kept, {name: values[name] for name in kept_names})
        return go(f"/runs/{kept.name}/data")
    found: Found = request.app.state.looker.look(values)
    answers = found.looked.answers[:MOST_NAMED] if found.looked else ()
    fields = {label: typed.get(f"name-{number}") for number, (label, _) in enumerate(answers)}
    if any(given is not None for given in fields.values()):
        names = {label: given.strip() for label, given in fields.items() if (given or "").strip()}
        values.pop("label_names", None)
        if names:
            values["label_names"] = json.dumps(names, ensure_ascii=False)
    asked.resolved(values)
    if found.error:
        raise ConfigError(found.error.found, found.error.expected, found.error.remedy)
    asked.write_asked(kept, values)
    about = fingerprint({n: v for n, v in values.items() if n in SAID_OF_ROWS})
    if jobs.state(kept, "costs").get("about") != about or not _measured(kept):
        jobs.start(kept, "costs", about)
    return go(f"/runs/{kept.name}/methods")


def _measured(kept: shelf.Kept) -> bool:
    return jobs.state(kept, "costs")["state"] in (*jobs.GOING, jobs.SUCCEEDED)


def _names(values: dict[str, Any]) -> dict[str, str]:
    given = str(values.get("label_names", ""))
    return dict(json.loads(given)) if given.startswith("{") else {}

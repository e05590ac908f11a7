"""Step 1: the rows, what was guessed, what is wrong; a column is changed with one click."""

from __future__ import annotations

import shutil
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from tunewell.errors import DataError, UserError
from tunewell.read.files import files_of
from tunewell.serve.web import asked, forms, jobs, preview, roles, shelf
from tunewell.serve.web.looking import Found
from tunewell.serve.web.showing import show, step
from tunewell.serve.web.start import Form, go, texts

router = APIRouter()
FIELDS = ("rows", "test_rows", "seed")
_ORDER = ("error", "warning", "note")
_CLICK = "Say what the columns are with the buttons under their names, below."
_ONE_COLUMN = (
    "Write the right answer beside each text, in a column of its own, and choose it again."
)


@router.get("/runs/{name}/data")
def look(request: Request, name: str) -> HTMLResponse:
    """The rows, and what was found in them."""
    kept = shelf.find(request.app.state.home, name)
    values = asked.read_asked(kept)
    return step(request, "data", kept, values, **_context(request, values, kept))


@router.get("/runs/{name}/data/found")
def found(request: Request, name: str) -> HTMLResponse:
    """The part of the page that `check` fills, for the script that waits for it."""
    kept = shelf.find(request.app.state.home, name)
    values = asked.read_asked(kept)
    return show(request, "found.j2", kept=kept, **_context(request, values, kept))


@router.post("/runs/{name}/data")
def change(request: Request, name: str, form: Form) -> RedirectResponse:
    """Take a column for something else, choose a table, or use fewer rows."""
    kept = shelf.find(request.app.state.home, name)
    locked(kept)
    values, typed = asked.read_asked(kept), texts(form)
    if "use" in typed:
        looked: Found = request.app.state.looker.look(values)
        named = looked.checked.columns.named if looked.checked else {}
        columns = preview.preview(values, ()).columns
        values = roles.taken_for(values, typed["use"], columns, named)
    elif "table" in typed:
        tables = preview.preview(values, ()).tables
        if typed["table"] in tables:
            values["data"] = f"{values['data']}#{typed['table']}"
    else:
        values = asked.taken({n: typed[n] for n in FIELDS if n in typed}, values)
        asked.resolved(values)
    asked.write_asked(kept, values)
    return go(f"/runs/{kept.name}/data")


@router.post("/runs/{name}/remove")
def remove(request: Request, name: str) -> RedirectResponse:
    """Delete what came in for a run that has not begun."""
    kept = shelf.find(request.app.state.home, name)
    locked(kept)
    if not kept.fresh:
        raise UserError(
            f"The run {kept.name} is not removed: its folder holds results.",
            "Only what has not begun is removed here.",
            f"Delete the folder {kept.folder} yourself.",
        )
    jobs.stop(kept, "costs")
    shutil.rmtree(kept.folder)
    return go("/")


def locked(kept: shelf.Kept) -> None:
    """A ConfigError where a run on these rows has begun: they and the question stay as they are."""
    if jobs.state(kept)["state"]:
        raise UserError(
            f"The run {kept.name} has begun, so its rows and its question stay as they are.",
            "Otherwise its results could not be compared with each other.",
            "Make a copy of it with other settings.",
        )


def _context(request: Request, values: dict[str, Any], kept: shelf.Kept) -> dict[str, Any]:
    looked: Found = request.app.state.looker.look(values)
    checked = looked.checked
    faults = sorted(
        checked.faults if checked else (), key=lambda fault: _ORDER.index(fault.severity)
    )
    error, shown = looked.error, None
    try:
        shown = preview.preview(values, faults)
    except UserError as problem:
        error = error or problem
    columns = shown.columns if shown else ()
    if error and "--input" in error.remedy:  # what the command line types, the page clicks
        error = DataError(error.found, error.expected, _CLICK if len(columns) > 1 else _ONE_COLUMN)
    return {
        "found": looked,
        "error": error,
        "problems": [f for f in faults if f.severity != "note"],
        "notes": [f for f in faults if f.severity == "note" and f.kind != "columns"],
        "checked": checked,
        "preview": shown,
        "uses": roles.uses(columns, values, checked.columns if checked else None),
        "taken": roles.taken(checked.columns, values) if checked else [],
        "task": asked.task_of(values),
        "word": roles.word,
        "says": roles.says,
        "files": _files(values),
        "plain": lambda sentence: preview.plain(sentence, values),
        "locked": bool(jobs.state(kept)["state"]),
        "fields": [forms.field(asked.known()[name], values) for name in FIELDS],
    }


def _files(values: dict[str, Any]) -> dict[str, str]:
    """What each file is used for, where there are several."""
    from tunewell.read import Source

    try:
        return {part: path.name for part, path in files_of(Source(str(values["data"]))).items()}
    except UserError:
        return {}

"""Pages from templates: those of the page itself, and those that the report has as well."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from tunewell.serve.web import asked, jobs
from tunewell.serve.web.shelf import Kept

if TYPE_CHECKING:
    from jinja2 import Environment

STEPS = {
    "data": "Data",
    "question": "Question",
    "methods": "Methods",
    "run": "Run",
    "result": "Result and use",
}
"""The five steps: the last part of the address -> what it is called."""
STATES = {
    "": "not started",
    jobs.QUEUED: "waiting for its turn",
    jobs.RUNNING: "running",
    jobs.SUCCEEDED: "finished",
    jobs.FAILED: "failed",
    jobs.CANCELLED: "stopped",
}
STATIC = Path(__file__).parent / "static"


@cache
def templates() -> Environment:
    """The report's environment with the page's own templates before its."""
    from jinja2 import ChoiceLoader, PackageLoader

    from tunewell.tell.report import environment

    theirs = environment()
    assert theirs.loader is not None
    return theirs.overlay(loader=ChoiceLoader([PackageLoader(__package__), theirs.loader]))


def show(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, or a piece of one, as an answer."""
    text = templates().get_template(template).render(request=request, **context)
    return HTMLResponse(text, status)


def step(
    request: Request,
    name: str,
    kept: Kept,
    values: Mapping[str, Any],
    **context: Any,
) -> HTMLResponse:
    """One of the five steps of a run, with the command and the YAML that do the same."""
    state = jobs.state(kept)
    told = {
        "steps": [(key, title, _open(key, kept, state["state"])) for key, title in STEPS.items()],
        "here": name,
        "kept": kept,
        "state": state,
        "state_words": STATES[state["state"]],
        "command": asked.as_command(values),
        "yaml": asked.as_yaml(values),
        "notice": request.query_params.get("done", ""),
    }
    return show(request, f"{name}.html.j2", **{**told, **context})


def _open(key: str, kept: Kept, state: str) -> bool:
    """Whether a step has something to show."""
    if key == "run":
        return state != ""
    if key == "result":
        return (kept.folder / "comparison.json").exists() and state not in jobs.GOING
    return (kept.page / "asked.yaml").exists()

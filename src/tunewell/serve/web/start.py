"""The first page: choose a file or an example, or go on with a run."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile

from tunewell.serve.web import arriving, jobs, shelf
from tunewell.serve.web.showing import STATES, show
from tunewell.values import read_json

router = APIRouter()
_MOST_FILES = 4


async def form(request: Request) -> FormData:
    """The fields of a form, with files kept on disk while they come in."""
    return await request.form(max_files=_MOST_FILES, max_fields=1000)


Form = Annotated[FormData, Depends(form)]


def texts(form: FormData) -> dict[str, str]:
    """Fields by name; those given several times joined with commas."""
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def go(address: str) -> RedirectResponse:
    """Go on to another page after a form was taken."""
    return RedirectResponse(address, 303)


@router.get("/")
def first(request: Request) -> HTMLResponse:
    """Choose a file, or go on with a run."""
    home = request.app.state.home
    runs = [_line(kept) for kept in shelf.all_kept(home)]
    return show(
        request,
        "start.html.j2",
        runs=runs,
        examples=shelf.examples(),
        endings=",".join(shelf.endings()),
        comparable=sum(run["step"] == "result" for run in runs) > 1,
    )


@router.post("/files")
def take_files(request: Request, form: Form) -> RedirectResponse:
    """A new run with the files that came with the form."""
    files = [item for item in form.getlist("files") if isinstance(item, UploadFile)]
    return go(f"/runs/{arriving.take_files(request.app.state.home, files).name}/data")


@router.post("/examples")
def take_example(request: Request, form: Form) -> RedirectResponse:
    """A new run on an example."""
    name = texts(form).get("name", "")
    return go(f"/runs/{arriving.take_example(request.app.state.home, name).name}/data")


def _line(kept: shelf.Kept) -> dict[str, Any]:
    """A run in the list: its name, how it is, where to go on, what came of it."""
    state = jobs.state(kept)["state"]
    path = kept.folder / "comparison.json"
    done = path.exists() and state not in jobs.GOING
    why = read_json(path)["why"] if done else ""
    step = "result" if done else "run" if state else "data"
    removable = not state and kept.fresh
    told = {"name": kept.name, "state": state, "words": STATES[state], "step": step, "why": why}
    return {**told, "removable": removable}

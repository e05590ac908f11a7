"""Step 5: what came of it in one sentence, then pictures, then something to do with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, StreamingResponse
from starlette.datastructures import UploadFile

from tunewell import registry
from tunewell.errors import DataError
from tunewell.read.asked import to_type
from tunewell.serve.web import arriving, asked, shelf, using
from tunewell.serve.web.showing import show, step
from tunewell.serve.web.start import Form, go, texts
from tunewell.tell.report import read_view

router = APIRouter()
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The report is one file with its style inside; it has no script, and may have none."""


@router.get("/runs/{name}/result")
def look(request: Request, name: str) -> HTMLResponse:
    """The result."""
    return _page(request, _finished(request, name))


@router.post("/runs/{name}/result")
def ask(request: Request, name: str, form: Form) -> HTMLResponse:
    """The result, with the answer to a text."""
    kept = _finished(request, name)
    return _page(request, kept, using.answer(kept, texts(form)), texts(form))


@router.post("/runs/{name}/answer")
def answer(request: Request, name: str, form: Form) -> HTMLResponse:
    """The answer alone, for the script."""
    return show(request, "answer.j2", told=using.answer(_finished(request, name), texts(form)))


@router.post("/runs/{name}/answers")
def answers(request: Request, name: str, form: Form) -> StreamingResponse:
    """A table with an answer to each of its rows, to be kept."""
    kept = _finished(request, name)
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise DataError("No file was chosen.", "", "Choose a table with texts to be answered.")
    own = shelf.plain_name(file.filename)
    arriving.refuse_unknown(own)
    folder = Path(tempfile.mkdtemp(prefix="answers-", dir=kept.page))
    try:
        arriving.copy_in(file, folder / own)
        pieces = using.answered_file(kept, folder / own)
    except BaseException:
        shutil.rmtree(folder)
        raise
    called = f"{own.split('.')[0]}-answers.csv"
    told = {"content-disposition": f"attachment; filename*=UTF-8''{quote(called)}"}
    return StreamingResponse(_then_removed(pieces, folder), 200, told, "text/csv; charset=utf-8")


@router.get("/runs/{name}/report")
def report(request: Request, name: str) -> FileResponse:
    """The whole report, as it can be kept and sent."""
    kept = _finished(request, name)
    headers = {"content-security-policy": REPORT_POLICY}
    return FileResponse(kept.folder / "report.html", media_type="text/html", headers=headers)


@router.post("/runs/{name}/again")
def again(request: Request, name: str, form: Form) -> RedirectResponse:
    """A copy of a run on the same rows, with its settings to be changed."""
    home = request.app.state.home
    kept = shelf.find(home, name)
    return go(f"/runs/{arriving.take_again(home, kept, asked.read_asked(kept)).name}/data")


def _page(
    request: Request,
    kept: shelf.Kept,
    told: using.Told | None = None,
    typed: dict[str, str] | None = None,
) -> HTMLResponse:
    view = read_view(kept.folder)
    values = asked.read_asked(kept)
    usable = view["chosen"] is not None
    context: dict[str, Any] = {
        **view,
        "told": told,
        "typed": typed or {},
        "questions": using.questions(kept) if usable else [],
        "folder": kept.folder,
        "to_type": to_type(registry.task(view["comparison"]["task"])()),
    }
    return step(request, "result", kept, values, **context)


def _finished(request: Request, name: str) -> shelf.Kept:
    kept = shelf.find(request.app.state.home, name)
    if not (kept.folder / "comparison.json").exists():
        raise shelf.Missing(
            f"The run {kept.name} has no result yet.", "", "Step 4 says how far it is."
        )
    return kept


def _then_removed(pieces: Iterator[bytes], folder: Path) -> Iterator[bytes]:
    try:
        yield from pieces
    finally:
        shutil.rmtree(folder)

"""The web page: FastAPI with pages made on the server, real forms, and a little script."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse
from starlette.types import ASGIApp

from tunewell.errors import UserError
from tunewell.serve.web import beside, data, live, methods, question, result, start
from tunewell.serve.web.guard import Guard, names_of
from tunewell.serve.web.looking import Looker
from tunewell.serve.web.shelf import Missing
from tunewell.serve.web.showing import STATIC, show
from tunewell.tell import report as tell_report

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class WebOptions:
    """How the page is served."""

    home: Path = Path("runs")
    """Where runs are kept."""
    host: str = "127.0.0.1"
    port: int = 8000
    largest_upload: int = 500_000_000
    """Bytes of the largest file that is taken."""
    password: str | None = None
    """What visitors must give; compulsory beyond loopback."""


def application(options: WebOptions) -> ASGIApp:
    """The page behind its guard."""
    looker = Looker()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        looker.warm_up()
        yield
        looker.close()

    app = FastAPI(title="Tunewell", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.home, app.state.looker = options.home, looker
    for part in (start, data, question, methods, live, result, beside):
        app.include_router(part.router)
    app.add_api_route("/static/{name}", static, methods=["GET"])
    app.add_exception_handler(UserError, told)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(404, refused)
    app.add_exception_handler(Exception, crashed)
    return Guard(app, names_of(options.host), options.password, options.largest_upload)


def static(name: str) -> FileResponse:
    """A style sheet, the script or the picture; the report's style sheet is shared."""
    files = {path.name: path for path in STATIC.iterdir()}
    files["report.css"] = Path(tell_report.__file__).parent / "templates" / "report.css"
    if name not in files:
        raise HTTPException(404)
    return FileResponse(files[name], media_type=TYPES[files[name].suffix])


def told(request: Request, error: Exception) -> HTMLResponse:
    """What a user can mend: what was found, what was expected, what to do."""
    assert isinstance(error, UserError)
    status = 404 if isinstance(error, Missing) else 400
    return show(request, "error.html.j2", status, error=error)


def refused(request: Request, error: Exception) -> HTMLResponse:
    """No such page, or something too large."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    found = "There is no such page." if status == 404 else str(getattr(error, "detail", error))
    kind = UserError(found, "", "Go back, or begin from the first page.")
    return show(request, "error.html.j2", status, error=kind)


def crashed(request: Request, error: Exception) -> HTMLResponse:
    """Our mistake: its traceback goes to whoever runs the server, not to the visitor."""
    traceback.print_exception(error)
    kind = UserError(
        f"Something went wrong inside Tunewell ({type(error).__name__}).",
        "This is a mistake in the program, not in your data.",
        "The terminal where the page was started shows the traceback: please report it.",
    )
    return show(request, "error.html.j2", 500, error=kind)

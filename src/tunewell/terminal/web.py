"""The command that opens the web page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import tyro

from tunewell.convert import convert, parse_bytes
from tunewell.errors import ConfigError
from tunewell.options import together
from tunewell.terminal import show
from tunewell.terminal.syntax import JSON, faults, parse


@dataclass(frozen=True)
class Page:
    """Open the web page: everything without typing commands.

    It is on this computer alone unless --host says otherwise; a password is then read from the
    environment variable TUNEWELL_KEY. Runs go on when the page is closed.
    """

    folder: Annotated[str, tyro.conf.arg(metavar="PATH")] = "runs"
    """Where runs are kept, those of the command line too."""
    host: Annotated[str, tyro.conf.arg(metavar="NAME")] = "127.0.0.1"
    """The address to be reached at; 0.0.0.0 is every address of this computer."""
    port: Annotated[str, tyro.conf.arg(metavar="INT")] = "8000"
    """The port; 0 is any that is free."""
    upload: Annotated[str, tyro.conf.arg(metavar="SIZE")] = "500MB"
    """The largest file that is taken."""
    quiet: bool = False
    """Do not open a browser."""
    json: Annotated[bool, JSON] = False


def web(argv: Sequence[str]) -> int:
    """Open the web page, where everything is done without typing commands."""
    asked, left = parse(Page, "web", argv)
    mistakes = faults(left, "web", [field.name for field in fields(Page)])
    if mistakes:
        raise together(mistakes)
    from tunewell.serve.web import server
    from tunewell.serve.web.app import WebOptions

    options = WebOptions(
        home=Path(asked.folder),
        host=asked.host,
        port=_port(asked.port),
        largest_upload=parse_bytes(asked.upload),
        password=os.environ.get(server.KEY) or None,
    )

    def tell(address: str) -> None:
        if asked.json:
            show.show_json({"address": address})
        else:
            show.say(f"The page is at {address} (Ctrl-C ends it; runs go on).")

    server.start(options, not asked.quiet, tell)
    return 0


def _port(typed: str) -> int:
    try:
        port = int(convert(typed, int))
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise ConfigError(f"--port is {typed!r}.", "A whole number from 0 to 65535 is expected.")
    return port

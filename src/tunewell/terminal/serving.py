"""The commands that put a run's model to use elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.errors import ConfigError
from tunewell.fields import options_of
from tunewell.options import resolve
from tunewell.serve.settings import ServeOptions
from tunewell.terminal import show
from tunewell.terminal.syntax import parse, taking, typed

_RUNS = "The runs' folders, each served under its own name, or as NAME=FOLDER under another."


def serve(argv: Sequence[str]) -> int:
    """Answer requests over HTTP with the models of runs."""
    options = list(options_of(ServeOptions).values())
    doc = "Answer requests over HTTP with the models of runs."
    asked, left = parse(taking(doc, _RUNS, options, "RUN"), "serve", argv)
    chosen = resolve(ServeOptions, typed(asked, left, "serve", options, ())).options
    if not asked.data:
        raise ConfigError("Which run?", "Name its folder: `tunewell serve runs/reviews`.")
    from tunewell.serve import server

    def tell(address: str, names: list[str]) -> None:
        if asked.json:
            show.show_json({"address": address, "models": names})
        else:
            show.say(f"Serving {', '.join(names)} on {address}. Ctrl-C stops it.")

    try:
        server.serve(asked.data, chosen, tell)
    except KeyboardInterrupt:  # as it should end: what was under way has been answered
        show.say("stopped.")
    return 0

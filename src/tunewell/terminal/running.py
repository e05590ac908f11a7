"""The commands that take a data file and the options of a run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.errors import ConfigError
from tunewell.fields import Option, options_of
from tunewell.options import Layer, over_yaml, resolve, run_options
from tunewell.read import Source
from tunewell.terminal import listing, show
from tunewell.terminal.syntax import parse, taking, typed, wants_help

if TYPE_CHECKING:
    from tunewell.run import Comparison

METHOD = Option("method", str, None, "The method to fit; `tunewell methods` lists them.")
IDLE = {"fit": ("methods", "trials"), "plan": ("prefer", "margin")}
"""Options of a run that would do nothing for a command."""
CHECKED = (*options_of(Source), "metric", "seed", "backbone", "max_length")
"""The only options that `check` has a use for, beside those of tasks."""


def compare(argv: Sequence[str]) -> int:
    """Run every method on your data, side by side, and say which to choose."""
    given = _given("compare", compare.__doc__, argv)
    from tunewell import run
    from tunewell.terminal.progress import watching

    with watching(given.bar) as watch:
        comparison = run.compare(given.options, watch, given.origins, given.command)
    return _end(comparison, given.json)


def fit(argv: Sequence[str]) -> int:
    """Fit one method with the options given, without a search, and keep its model."""
    given = _given("fit", fit.__doc__, argv)
    methods: tuple[str, ...] = given.options.methods or ()
    if len(methods) != 1:
        raise ConfigError(
            "fit takes one method.",
            "Name it: `tunewell fit reviews.csv --method lora`.",
            "`tunewell methods` lists what there is.",
        )
    from tunewell import run
    from tunewell.terminal.progress import watching

    with watching(given.bar) as watch:
        comparison = run.fit(given.options, methods[0], watch, given.origins, given.command)
    return _end(comparison, given.json)


def check(argv: Sequence[str]) -> int:
    """Say what is in the data, what is wrong with it, and what would be done about it."""
    given = _given("check", check.__doc__, argv)
    from tunewell import run

    checked = run.check(given.options)
    if given.json:
        show.show_json(checked)
    else:
        show.show_check(checked)
    return 0


def plan(argv: Sequence[str]) -> int:
    """Say what compare would run, for how long and in how much memory; nothing is run."""
    given = _given("plan", plan.__doc__, argv)
    from tunewell import run
    from tunewell.terminal.progress import watching

    with watching(given.bar) as watch:
        rows = run.plan(given.options, watch)
    if given.json:
        show.show_json(show.plan_json(rows))
    else:
        show.show_plan(rows)
    return 0


def _end(comparison: Comparison, json: bool) -> int:
    if json:
        show.show_json({**comparison.data, "folder": comparison.folder})
    else:
        show.show_comparison(comparison)
    if comparison.interrupted:
        return 130
    return 0 if comparison.data["recommended"] is not None else 1


@dataclass(frozen=True)
class _Given:
    """What a command was given."""

    options: Any
    origins: dict[str, str]
    json: bool
    command: str
    """As it was typed, so that it can be typed again."""

    @property
    def bar(self) -> bool:
        """Whether progress is a bar."""
        return sys.stderr.isatty() and not self.json


def _given(command: str, doc: str | None, argv: Sequence[str]) -> _Given:
    """The options of a command, resolved; a YAML file may stand in the place of the data."""
    known = options_of(run_options())
    options = [o for name, o in known.items() if name != "data" and _offered(command, name)]
    if command == "fit":
        options.insert(0, METHOD)
    shown = [o for o in options if "." not in o.name or not wants_help(argv)]
    try:
        asked, left = parse(taking(doc or "", known["data"].help, shown), command, argv)
    except SystemExit:
        if len(shown) < len(options):
            print(listing.options_epilog(o.name for o in options))
        raise
    layers = with_data(typed(asked, left, command, options, known), asked.data)
    resolved = resolve(run_options(), *layers)
    as_typed = shlex.join(["tunewell", command, *argv])
    return _Given(resolved.options, resolved.origins, asked.json, as_typed)


def _offered(command: str, name: str) -> bool:
    """Whether an option does something for a command."""
    if command == "check":
        return name in CHECKED or name.partition(".")[0] in registry.task_options()
    return name not in IDLE.get(command, ())


def with_data(layer: Layer, data: Sequence[str]) -> list[Layer]:
    """The layers of a command line: what is typed lies over the YAML file that it names."""
    values = {("methods" if name == "method" else name): v for name, v in layer.values.items()}
    mistakes = layer.mistakes
    if len(data) > 1 and not mistakes:
        mistake = ConfigError(
            f"More than one data file is named: {', '.join(data)}.",
            "One file or folder is expected; lists take commas, as in --methods features,lora.",
        )
        mistakes = (mistake,)
    if data:
        values["data"] = data[0]
    return over_yaml(Layer(layer.origin, values, mistakes=mistakes))

"""What was asked for on the page: options as typed, kept as YAML, shown as a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.convert import convert
from tunewell.errors import ConfigError
from tunewell.fields import Option, options_of
from tunewell.options import Layer, Resolved, resolve, run_options, spelt
from tunewell.serve.web.shelf import Kept
from tunewell.yaml_file import read_yaml, write_yaml

ORIGIN = "web page"
OURS = ("data", "validation", "test", "out", "label_names")
"""Options that name files; the page sets them itself and no form does."""
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_FILE = "asked.yaml"


def known() -> dict[str, Option]:
    """Every option of a run by dotted name."""
    return options_of(run_options())


def read_asked(kept: Kept) -> dict[str, Any]:
    """The options of a run as typed; those of its run.yaml where it was not begun on the page."""
    for path in (kept.page / _FILE, kept.folder / "run.yaml"):
        if path.exists():
            return {name: value for name, value in read_yaml(path).items() if value is not None}
    raise ConfigError(f"{kept.name} has no options.", "", "Begin again from the file.")


def write_asked(kept: Kept, values: Mapping[str, Any]) -> None:
    """Keep what was asked for, whole or not at all."""
    path = kept.page / _FILE
    path.parent.mkdir(exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_text(as_yaml(values), encoding="utf-8")
    aside.replace(path)


def resolved(values: Mapping[str, Any]) -> Resolved:
    """The options of the run, or every mistake at once as a ConfigError."""
    return resolve(run_options(), Layer(ORIGIN, dict(values)))


def taken(form: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked before with what a form says; what is empty or the default is left out.

    Raises:
        ConfigError: a field would name a file or a folder of this machine.
    """
    values = dict(before)
    for name, option in known().items():
        if name not in form or name in OURS:
            continue
        typed = form[name].strip()
        if name == "backbone" and typed:
            _refuse_path(typed)
        if typed and not _is_default(typed, option):
            values[name] = typed
        else:
            values.pop(name, None)
    chosen = values.get("methods")
    chosen = chosen.split(",") if isinstance(chosen, str) else chosen
    return {
        name: value
        for name, value in values.items()
        if "." not in name
        or chosen is None
        or name.partition(".")[0] in (*chosen, *registry.task_options())
    }


def as_yaml(values: Mapping[str, Any]) -> str:
    """The options as YAML, sections last, each with where it came from."""
    order = {name: number for number, name in enumerate(known())}
    names = sorted(values, key=lambda name: ("." in name, order.get(name, len(order))))
    return write_yaml(
        {name: _plain(name, values[name]) for name in names}, dict.fromkeys(names, ORIGIN)
    )


def as_command(values: Mapping[str, Any], verb: str = "compare") -> str:
    """The command line that asks for the same."""
    words = ["tunewell", verb, str(values["data"])]
    order = {name: number for number, name in enumerate(known())}
    for name in sorted(values, key=lambda name: order.get(name, len(order))):
        if name != "data":
            value = values[name]
            typed = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            words += [spelt(name, "command line"), typed]
    return shlex.join(words)


def methods_of(values: Mapping[str, Any]) -> list[str]:
    """The methods that are asked for, in the order of the ladder: all of the task unless given."""
    given = values.get("methods")
    if given is not None:
        names = given.split(",") if isinstance(given, str) else list(given)
        return [name for name in registry.methods() if name in names]
    asks = task_of(values)().answers
    return [
        n for n, cls in registry.methods().items() if cls.answers is None or asks in cls.answers
    ]


def task_of(values: Mapping[str, Any]) -> type[Any]:
    """The task that is asked for."""
    return registry.task(str(values.get("task", known()["task"].default)))


def _plain(name: str, value: Any) -> Any:
    """A value as its option's type, so that YAML shows 8 and not '8'."""
    option = known().get(name)
    if option is None or not isinstance(value, str):
        return value
    try:
        read = convert(value, option.hint)
    except ValueError:
        return value
    return list(read) if isinstance(read, tuple) else read


def _is_default(typed: str, option: Option) -> bool:
    try:
        return bool(convert(typed, option.hint) == option.default)
    except ValueError:
        return False


def _refuse_path(typed: str) -> None:
    for name in (part.strip() for part in typed.split(",")):
        if not HUB_NAME.fullmatch(name) or Path(name).exists():
            raise ConfigError(
                f"The backbone {name!r} is not the name of a model on the Hub.",
                "On this page it is written owner/model; folders can be named on the command line.",
                "Leave the field empty for the usual one.",
            )

"""What methods and tasks there are, as tables and as JSON."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunewell import registry
from tunewell.convert import metavar
from tunewell.fields import Option, options_of
from tunewell.tell.pages import choose_it
from tunewell.terminal.show import table
from tunewell.values import Column, to_json

if TYPE_CHECKING:
    from rich.table import Table


def methods_json(name: str = "") -> list[dict[str, Any]]:
    """Every method, or the one of that name, cheapest first."""
    chosen = {name: registry.method(name)} if name else registry.methods()
    return [
        {
            "name": cls.name,
            "summary": cls.summary,
            "choose": choose_it(cls),
            "needs_backbone": cls.needs_backbone,
            "answers": list(cls.answers) if cls.answers is not None else None,
            "options": [_option_json(o) for o in options_of(cls, cls.name + ".").values()],
        }
        for cls in chosen.values()
    ]


def tasks_json(name: str = "") -> list[dict[str, Any]]:
    """Every task, or the one of that name."""
    chosen = [registry.task(name)] if name else registry.tasks().values()
    return [
        {
            "name": cls.name,
            "summary": cls.summary,
            "also_called": [a for a, own in registry.TASK_ALIASES.items() if own == cls.name],
            "columns": [_column_json(column) for column in cls.columns],
            "methods": [m for m, c in registry.methods().items() if _may_do(c, cls)],
            "options": [
                _option_json(option) for option in options_of(cls.Options, cls.name + ".").values()
            ]
            if hasattr(cls, "Options")
            else [],
        }
        for cls in chosen
    ]


def _may_do(method: type[Any], task: type[Any]) -> bool:
    return method.answers is None or task().answers in method.answers


def _column_json(column: Column) -> dict[str, Any]:
    keys = ("name", "says", "needed", "several", "target")
    return {key: getattr(column, key) for key in keys}


def methods_table() -> Table:
    """Methods for the terminal, with what moves and when to choose each."""
    return table(
        ("method", "what moves", "choose it"),
        [(m["name"], m["summary"], m["choose"]) for m in methods_json()],
    )


def tasks_table() -> Table:
    """Tasks for the terminal."""
    rows = [(t["name"], t["summary"], ", ".join(t["also_called"])) for t in tasks_json()]
    return table(("task", "what goes in and comes out", "also called"), rows)


def page(cls: type[Any]) -> str:
    """All that a class says about itself: its name, its docstring."""
    return f"{cls.name}: {cls.summary}\n\n{inspect.getdoc(cls)}\n"


def columns_table(cls: type[Any]) -> Table:
    """What a task reads of a row, as it is named with --columns."""
    rows = [
        (
            column.name,
            column.says + (" Several columns may fill it." if column.several else ""),
            ", ".join(column.usual),
        )
        for column in cls.columns
    ]
    return table(("column", "what is in it", "usual names"), rows)


def options_table(cls: type[Any], name: str) -> Table:
    """The options of a method or a task as they are typed, with their defaults and docs."""
    options = options_of(cls, name + ".").values()
    rows = [
        (f"--{o.name} {metavar(o.hint)}", _default(o), o.help.replace("`", "")) for o in options
    ]
    return table(("option", "default", "what it does"), rows)


def options_epilog(names: Iterable[str]) -> str:
    """The options of tasks and methods by name, for the end of a command's help.

    Args:
        names: those that the command takes; the ones without a section are left out.
    """
    sections: dict[str, list[str]] = {}
    for name in names:
        if "." in name:
            sections.setdefault(name.partition(".")[0], []).append(f"--{name}")
    of_tasks = {name: sections.pop(name) for name in registry.task_options() if name in sections}
    lines = ["", "Options of the tasks; `tunewell tasks classify` explains those of classify:"]
    lines += _listed(of_tasks)
    if sections:
        lines += ["", "Options of the methods; `tunewell methods lora` explains those of lora:"]
        lines += _listed(sections)
    lines.append("All options can stand in a YAML file instead: `tunewell compare run.yaml`.")
    return "\n".join(lines)


def _listed(sections: Mapping[str, Sequence[str]]) -> list[str]:
    return [
        line
        for name, options in sections.items()
        for line in textwrap.wrap(
            f"  {name:<13}{'  '.join(options)}", 100, subsequent_indent=" " * 15
        )
    ]


def _option_json(option: Option) -> dict[str, Any]:
    default = None if option.default is dataclasses.MISSING else to_json(option.default)
    return {
        "name": option.name,
        "value": metavar(option.hint),
        "default": default,
        "help": option.help,
    }


def _default(option: Option) -> str:
    return "chosen" if option.default is None else str(option.default)

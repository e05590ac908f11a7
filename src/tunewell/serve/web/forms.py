"""Options as fields of a form: a label, a control that fits the type, the option's own help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from tunewell.convert import expected
from tunewell.fields import Option
from tunewell.tell import units
from tunewell.tell.text import capital


@dataclass(frozen=True)
class Field:
    """One option as a form shows it."""

    name: str
    """Dotted, as everywhere."""
    label: str
    kind: Literal["choice", "number", "text"]
    choices: tuple[str, ...]
    value: str
    """What was typed; empty where nothing was."""
    default: str
    """What holds where nothing is typed, in words."""
    help: str

    @property
    def id(self) -> str:
        """The name as an HTML id."""
        return self.name.replace(".", "-")


def field(option: Option, values: Mapping[str, Any]) -> Field:
    """The field of an option with what was typed for it so far."""
    hint = _bare(option.hint)
    choices: tuple[str, ...] = ()
    kind: Literal["choice", "number", "text"] = "text"
    if get_origin(hint) is Literal or hint is bool:
        kind = "choice"
        choices = ("true", "false") if hint is bool else tuple(map(str, get_args(hint)))
    elif hint in (int, float):
        kind = "number"
    value = values.get(option.name, "")
    typed = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    chosen = option.default is None or option.default is dataclasses.MISSING
    default = "chosen for you" if chosen else units.option(option.default)
    own = option.name.rpartition(".")[2]
    return Field(
        name=option.name,
        label=capital(own.replace("_", " ")),
        kind=kind,
        choices=choices,
        value=typed,
        default=default,
        help=option.help.replace("`", ""),
    )


def says_what(option: Option) -> str:
    """What may be typed, in words."""
    return expected(option.hint)


def _bare(hint: Any) -> Any:
    """The type without `None`."""
    if get_origin(hint) in (Union, UnionType):
        return next(kind for kind in get_args(hint) if kind is not type(None))
    return hint

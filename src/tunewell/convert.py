"""A value as typed -> the type that a field's hint asks for, strictly."""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Callable, Container
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from tunewell.errors import ConfigError

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_BYTES = {unit + "B": 1000**power for power, unit in enumerate(["", "K", "M", "G", "T"])}
_BYTES |= {unit + "iB": 1024**power for power, unit in enumerate(["K", "M", "G", "T"], start=1)}
_BOOLS = {"true": True, "yes": True, "false": False, "no": False}


def convert(value: Any, hint: Any) -> Any:
    """The value as the hint's type; a text is read as one would type it.

    >>> convert("1e-4", float), convert("features, lora", tuple[str, ...])
    (0.0001, ('features', 'lora'))

    Raises:
        ValueError: the value is none; `expected(hint)` says what would be.
    """
    if optional(hint):
        return None if value is None else convert(value, _inner(hint))
    if value is None:
        raise ValueError(value)
    if get_origin(hint) is Literal:
        return _one_of(value, get_args(hint))
    if get_origin(hint) is tuple:
        return _items(value, get_args(hint)[0])
    return _SCALARS[hint](value)


def optional(hint: Any) -> bool:
    """Whether None is among what the hint allows."""
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def expected(hint: Any) -> str:
    """What the hint asks for, in words: `a whole number`, `one of mean, cls, last`."""
    if optional(hint):
        return expected(_inner(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return (
            "names separated by commas"
            if get_args(hint)[0] is str
            else "values separated by commas"
        )
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(hint, "a text")


def metavar(hint: Any) -> str:
    """What stands for a value in help: `INT`, `mean|cls|last`, `A,B`."""
    if optional(hint):
        return metavar(_inner(hint))
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        return "A,B"
    return {bool: "true|false", int: "INT", float: "NUMBER", Path: "PATH"}.get(hint, "TEXT")


def parse_duration(text: str) -> float:
    """Seconds in a text such as `900`, `90s`, `15m`, `1h30m`; a bare number is seconds.

    >>> parse_duration("1h30m")
    5400.0
    """
    number = r"(\d+(?:\.\d+)?)"
    typed = text.strip().lower()
    if re.fullmatch(number, typed):
        typed += "s"
    parts = re.findall(number + "([dhms])", typed)
    seconds = sum(float(amount) * _SECONDS[unit] for amount, unit in parts)
    if "".join(amount + unit for amount, unit in parts) != typed or seconds <= 0:
        raise ConfigError(f"{text!r} is no length of time.", "Write it as 90s, 15m, 2h or 1h30m.")
    return seconds


def parse_bytes(text: str) -> int:
    """Bytes in a text such as `8GB` (10^9) or `512MiB` (2^20).

    >>> parse_bytes("8GB")
    8000000000
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+)", text.strip(), re.IGNORECASE)
    units = {unit.lower(): size for unit, size in _BYTES.items()}
    size = units.get(match[2].lower()) if match else None
    if match is None or size is None or float(match[1]) == 0:
        raise ConfigError(f"{text!r} is no amount of memory.", "Write it as 8GB or 512MB.")
    return int(float(match[1]) * size)


def joined(values: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    """Options by dotted name, where a mapping given for one option is a text as one would type it.

    >>> joined({"label_names.0": "bad", "label_names.1": "good"}, {"label_names"})
    {'label_names': '0=bad,1=good'}
    """
    found: dict[str, Any] = {}
    mappings: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        owner, _, key = name.partition(".")
        if key and owner in known:
            mappings.setdefault(owner, {})[key] = str(value)
        else:
            found[name] = value
    return found | {owner: _pairs(mapping) for owner, mapping in mappings.items()}


def _pairs(mapping: dict[str, str]) -> str:
    """`0=bad,1=good`; JSON where a comma or an equals sign would divide it in the wrong place."""
    if any("," in key + value or "=" in key for key, value in mapping.items()):
        return json.dumps(mapping, ensure_ascii=False)
    return ",".join(f"{key}={value}" for key, value in mapping.items())


def _inner(hint: Any) -> Any:
    return next(kind for kind in get_args(hint) if kind is not type(None))


def _one_of(value: Any, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if type(value) in (str, type(choice)) and str(choice) == str(value):
            return choice
    raise ValueError(value)


def _items(value: Any, kind: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError(value)
    return tuple(convert(item, kind) for item in value)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, Path, Real)):
        raise ValueError(value)
    return str(value)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLS:
        return _BOOLS[value.lower()]
    raise ValueError(value)


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, Integral)):
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        raise ValueError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    bool: _bool,
    int: _int,
    float: _float,
    Path: lambda value: Path(_text(value)),
}

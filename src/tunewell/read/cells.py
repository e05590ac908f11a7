"""Cells as text: what a JSON or Parquet value becomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Nested(str):
    """Stands for a value that is no text, such as a list; the string says what it is."""

    __slots__ = ("value",)
    value: Any
    """The list or object itself; numbers in it are the texts that they were written as."""

    def __new__(cls, what: str, value: Any = None) -> Nested:
        """`what` it is, and itself."""
        made = super().__new__(cls, what)
        made.value = value
        return made


def content(cell: str) -> Any:
    """A cell's text, or the list or object that it stands for."""
    return cell.value if isinstance(cell, Nested) else cell


def plain(value: Any) -> Any:
    """A value of another format as JSON has it here, with numbers as texts.

    >>> plain({"at": [1, 2.5], "sure": True, "no": None})
    {'at': ['1', '2.5'], 'sure': True, 'no': None}
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, str)) else str(value)


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def cell(value: Any) -> str:
    """A JSON value as the text it is; null is "", a list or an object is `Nested`.

    Numbers are expected as their source text already, so that `7.0` and `1e3` stay as they are.

    >>> cell(None), cell(True), cell("7.0"), cell([1])
    ('', 'true', '7.0', 'a list')
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return Nested("a list" if isinstance(value, list) else "an object", value)

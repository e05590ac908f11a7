"""Cells as text: what a JSON or Parquet value becomes."""

from __future__ import annotations

from typing import Any


class Nested(str):
    """Stands for a value that is no text, such as a list; the string says what it is."""

    __slots__ = ()


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
    return Nested("a list" if isinstance(value, list) else "an object")

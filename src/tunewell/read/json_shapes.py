"""What a JSON file holds: a table, in one of the ways to write one, or several by name."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewell.errors import DataError
from tunewell.read.json_text import JsonText
from tunewell.read.opening import state_of
from tunewell.read.tables import file_and_table
from tunewell.read.text import open_text
from tunewell.read.words import columns_listed

Form = Literal["rows", "columns", "named rows", "object"]
"""A list of objects; an object of lists; an object of objects; one object that is a row."""
Kind = Literal["rows", "columns", "list", "numbered", "object", "value"]


@dataclass(frozen=True)
class Shape:
    """What a document holds."""

    form: Form | None
    """How the whole is a table; None where tables stand in it by name."""
    tables: dict[str, Form]
    """Name -> how the table of that name is written."""
    lines: bool = False
    """Whether it is no document, since more follows a first line that is an object."""


def shape_of(path: Path) -> Shape:
    """What the object is that a file holds; a list is not looked into.

    Raises:
        DataError: it is no JSON, or some of its values are columns and others are not.
    """
    file, _ = file_and_table(path)
    return _shape(file, state_of(file))


@functools.lru_cache(maxsize=16)
def _shape(path: Path, _state: tuple[int, ...]) -> Shape:
    with open_text(path) as file:
        text = JsonText(path, file)
        if text.peek() == "[":
            return Shape("rows", {})
        kinds: dict[str, Kind] = {name: _kind(text) for name in text.members()}
        if text.in_first_line and text.peek():
            return Shape(None, {}, lines=True)
        text.end()
    tables: dict[str, Form] = {
        name: "rows" if kind == "rows" else "columns"
        for name, kind in kinds.items()
        if kind in ("rows", "columns")
    }
    if tables:
        return Shape(None, tables)
    found = set(kinds.values())
    if found in ({"list"}, {"numbered"}):
        return Shape("columns", {})
    if found == {"object"}:
        return Shape("named rows", {})
    if "list" in found:
        lists = [name for name, kind in kinds.items() if kind == "list"]
        others = [name for name in kinds if name not in lists]
        raise DataError(
            f"{path}: {columns_listed(lists)} {'is a list' if len(lists) == 1 else 'are lists'}, "
            f"{columns_listed(others)} {'is' if len(others) == 1 else 'are'} not.",
            "An object of columns was expected, each a list of the same length.",
            "Leave out what is no column, or write a list of objects.",
        )
    return Shape("object", {})


def _kind(text: JsonText) -> Kind:
    """Read over a value; what it may be in a table."""
    if text.peek() == "[":
        first: list[Any] = []
        for item in text.items():
            first = first or [item]
        return "rows" if first and isinstance(first[0], dict) else "list"
    value = text.value()
    if not isinstance(value, dict):
        return "value"
    if value and all(isinstance(each, list) for each in value.values()):
        return "columns"
    if value and all(name.isdigit() for name in value):
        return "numbered"
    return "object"


def columns_of(path: Path, value: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns of an object of lists, or of objects with a number for each row.

    Raises:
        DataError: they have not the same length.
    """
    columns = {
        name: list(each.values()) if isinstance(each, dict) else each
        for name, each in value.items()
    }
    sizes = {name: len(each) for name, each in columns.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name!r} has {size:,}" for name, size in list(sizes.items())[:5])
        raise DataError(
            f"{path}: the columns are not of the same length: {listed}.",
            "An object of columns was expected, each a list of the same length.",
            "Leave out what is no column, or write a list of objects.",
        )
    return columns

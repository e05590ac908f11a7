"""JSON Lines (an object a line) and JSON (a list of objects); which of them, the content says."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewell.errors import DataError
from tunewell.read.cells import cell
from tunewell.read.text import odd_character, odd_character_error, text_lines
from tunewell.read.words import shown

SUFFIXES = (".jsonl", ".ndjson", ".json")
EXPECTED = 'One object a line, {"text": …, "label": …}, or a list of such objects, was expected.'


class _DuplicateKeyError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _DuplicateKeyError(f"the name {shown(twice)} stands twice in one object")
    return value


# Numbers stay the text they are; NaN is no JSON and means a missing value where it is written.
_parse = functools.partial(
    json.loads,
    parse_int=str,
    parse_float=str,
    parse_constant=lambda _: None,
    object_pairs_hook=_object,
)


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The objects as rows: numbered by line, or from 1 in a list."""
    first = next((line for line in text_lines(path) if line.strip()), "")
    numbered = _items(path) if first.lstrip().startswith("[") else _lines(path)
    empty = True
    for row, value in numbered:
        if not isinstance(value, dict):
            raise DataError(f"{path}, row {row}: this is no object.", EXPECTED)
        cells = {name: cell(each) for name, each in value.items()}
        for name, text in cells.items():
            if what := odd_character(text) or odd_character(name):
                raise odd_character_error(f"{path}, row {row}, column {shown(name)}", what)
        empty = False
        yield row, cells
    if empty:
        raise DataError(f"{path} has no rows.", EXPECTED)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield number, _parsed(path, line, number)


def _items(path: Path) -> Iterator[tuple[int, Any]]:
    yield from enumerate(_parsed(path, "".join(text_lines(path)), None), start=1)


def _parsed(path: Path, text: str, line: int | None) -> Any:
    """The value of a text; `line` is its line in the file, None for the whole file."""
    try:
        return _parse(text)
    except json.JSONDecodeError as error:
        place = f"{path}, line {line or error.lineno}, character {error.colno}"
        if what := odd_character(text[error.pos : error.pos + 1]):
            raise odd_character_error(place, what) from error
        raise DataError(f"{place}: not valid JSON ({error.msg}).", EXPECTED) from error
    except (_DuplicateKeyError, RecursionError) as error:
        endless = isinstance(error, RecursionError)
        place = f"{path}, line {line}" if line else str(path)
        found = "objects inside objects without end" if endless else str(error)
        raise DataError(f"{place}: {found}.", EXPECTED) from error

"""JSON Lines (an object a line) and JSON: a list of objects, an object of columns, or tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewell.errors import DataError
from tunewell.read.cells import cell
from tunewell.read.json_shapes import Form, columns_of, shape_of
from tunewell.read.json_text import DECODER, EXPECTED, DuplicateKeyError, JsonText
from tunewell.read.records import Rows, Tell
from tunewell.read.squad import is_article, questions_of
from tunewell.read.stems import plain_question
from tunewell.read.tables import file_and_table, no_such_table, several_tables
from tunewell.read.text import (
    odd_character,
    odd_character_error,
    open_text,
    text_lines,
    with_guess_told,
)
from tunewell.read.words import shown

SUFFIXES = (".jsonl", ".ndjson", ".json")
JSON_NAMED = re.compile(r"\.json(\.gz|\.xz)?$", re.IGNORECASE)


def rows(path: Path, tell: Tell) -> Rows:
    """The objects as rows: numbered by line in JSON Lines, else from 1."""
    return with_guess_told(path, _rows(path), tell)


def tables(path: Path) -> list[str]:
    """The names of the tables in a file that holds some by name."""
    return list(shape_of(path).tables) if _is_document(path) else []


def _rows(path: Path) -> Rows:
    empty = True
    for row, value in _flat(_values(path)):
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


def _flat(values: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """The values, their questions as texts; articles of SQuAD as questions counted from 1."""
    questions = 0
    for row, value in values:
        if not is_article(value):
            yield row, plain_question(value)
            continue
        for question in questions_of(value):
            questions += 1
            yield questions, question


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    file, table = file_and_table(path)
    names = tables(file)
    if table and table not in names:
        raise no_such_table(path, names)
    if len(names) > 1 and not table:
        raise several_tables(path, names)
    if not _is_document(file):
        return _lines(file)
    known, name = shape_of(file), table or next(iter(names), "")
    form = known.tables[name] if name else known.form
    return enumerate(_document(path, name, form), start=1)


def _document(path: Path, name: str, form: Form | None) -> Iterator[Any]:
    """The rows of a table; one that is a list is never held as a whole."""
    with open_text(path) as file:
        text = JsonText(path, file)
        if name:
            for each in text.members():
                if each == name:
                    break
                text.value()
        if form == "rows":
            yield from text.items()
        elif form == "named rows":
            yield from (text.value() for _ in text.members())
        elif form == "columns":
            columns = columns_of(path, text.value())
            for values in zip(*columns.values(), strict=True):
                yield dict(zip(columns, values, strict=True))
        else:
            yield text.value()
        if not name:
            text.end()


def _is_document(path: Path) -> bool:
    """Whether the whole file is one value, and not an object a line."""
    with open_text(path) as file:
        first = JsonText(path, file).peek()
    if first == "[":
        return True
    return first == "{" and bool(JSON_NAMED.search(path.name)) and not shape_of(path).lines


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield number, _parsed(path, line, number)


def _parsed(path: Path, text: str, line: int) -> Any:
    """The value of a line."""
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"{path}, line {line}, character {error.colno}"
        if what := odd_character(text[error.pos : error.pos + 1]):
            raise odd_character_error(place, what) from error
        raise DataError(f"{place}: not valid JSON ({error.msg}).", EXPECTED) from error
    except (DuplicateKeyError, RecursionError) as error:
        endless = isinstance(error, RecursionError)
        found = "objects inside objects without end" if endless else str(error)
        raise DataError(f"{path}, line {line}: {found}.", EXPECTED) from error

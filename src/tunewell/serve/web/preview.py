"""The rows of a file as the page shows them: the first ones, and those with something wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.errors import UserError
from tunewell.read import Fault, Source, read_rows
from tunewell.read.files import files_of
from tunewell.read.formats import tables_in
from tunewell.tell import text

FIRST_ROWS = 8
MARKED_ROWS = 12
_FARTHEST_ROW = 50_000
"""Rows beyond are not looked for: their numbers stand in the sentences."""
_CHARACTERS = 240


@dataclass(frozen=True)
class Line:
    """One row of the preview."""

    row: int
    cells: tuple[str, ...]
    marks: tuple[str, ...]
    """What is wrong with it, in a word or two each."""


@dataclass(frozen=True)
class Preview:
    """A file's first rows and marked ones."""

    file: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    tables: tuple[str, ...]
    """Names of the tables in the file, where it holds several and none is chosen."""


def preview(values: dict[str, Any], faults: Iterable[Fault]) -> Preview:
    """The rows of the training table; DataError where it cannot be read at all."""
    path = table_of(values)
    tables = tables_in(path)
    if len(tables) > 1:
        return Preview(path.name, (), (), tuple(tables))
    marks = _marks(faults, str(path))
    lines: list[Line] = []
    columns: dict[str, None] = {}
    found = 0
    for number, (row, cells) in enumerate(read_rows(path)):
        columns |= dict.fromkeys(cells)
        told = tuple(marks.get(row, ()))
        if number < FIRST_ROWS or (told and found < MARKED_ROWS):
            found += bool(told)
            shown = tuple(text.shorten(text.visible(str(c)), _CHARACTERS) for c in cells.values())
            lines.append(Line(row, shown, told))
        missing = found < min(MARKED_ROWS, len(marks))
        if number >= FIRST_ROWS and (not missing or number > _FARTHEST_ROW):
            break
    return Preview(path.name, tuple(columns), tuple(lines), ())


def table_of(values: dict[str, Any]) -> Path:
    """The table that is shown: the training rows."""
    names = ("data", "validation", "test")
    source = Source(**{name: values[name] for name in names if name in values})
    try:
        return files_of(source)["train"]
    except UserError:
        path = Path(source.data)
        if path.is_dir():
            raise
        return path


def plain(sentence: str, values: dict[str, Any]) -> str:
    """A sentence about the rows with files by their names alone."""
    data = Path(str(values["data"]))
    folder = data if data.is_dir() else data.parent
    return sentence.replace(f"{folder}/", "").replace(str(folder), "the files")


def _marks(faults: Iterable[Fault], path: str) -> dict[int, list[str]]:
    marks: dict[int, list[str]] = {}
    for fault in faults:
        if fault.severity != "note" or fault.kind.endswith("duplicates"):
            for row in fault.rows if fault.source in ("", path) else ():
                marks.setdefault(row, []).append(fault.kind.replace("_", " "))
    return marks

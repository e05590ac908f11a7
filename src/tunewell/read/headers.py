"""The first row of a table: column names, or a refusal that says what is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.names import INPUT, TARGET, VAGUE, name_weight, numbered
from tunewell.read.words import shown

NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
LONGEST_COLUMN_NAME = 100
WORDS_OF_A_SENTENCE = 6


@dataclass(frozen=True)
class Header:
    """The names of the columns, and which of them are ours."""

    names: list[str]
    unnamed: list[str]
    """Those that the file leaves empty: `column_3`."""
    alike: list[str]
    """Those that the file gives twice: `text (column 1)`."""

    @property
    def needed(self) -> int:
        """Cells that a row has at least: up to the last column that the file names."""
        ours = set(self.unnamed)
        return max((n for n, name in enumerate(self.names, 1) if name not in ours), default=0)


def header_of(
    path: Path, row: int, cells: Sequence[str], sample: Sequence[Sequence[str]]
) -> Header:
    """Column names without the spaces around them.

    `sample` is the header and the rows below it: they tell whether row 1 is data itself.
    """
    given = [cell.strip() for cell in cells]
    evidence = _looks_like_data(given, sample[1:])
    if evidence:
        raise DataError(
            f"{path}, row {row} looks like data, not like column names: {evidence}.",
            "The first row was expected to name the columns, such as: text,label",
            "Put a row with names on top of the file.",
        )
    if _is_title(given, sample[1:]):
        raise DataError(
            f"{path}, row {row} looks like a title, not like column names: only its first cell is "
            "filled, and more are below.",
            "The first row was expected to name the columns, such as: text,label",
            "Delete the rows above the names of the columns.",
        )
    return name_columns(f"{path}, row {row}", given)


def name_columns(place: str | Path, given: Sequence[str]) -> Header:
    """The names as given; one that is empty or given twice gets the column's number."""
    count = Counter(given)
    names, unnamed, alike = [], [], []
    for number, name in enumerate(given, start=1):
        if not name:
            names.append(f"column_{number}")
            unnamed.append(names[-1])
        elif count[name] > 1:
            names.append(numbered(name, number))
            alike.append(names[-1])
        else:
            names.append(name)
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise DataError(
            f"{place}: a column is called {shown(twice)}, and so is one without a name of its own.",
            "Each column needs a name of its own.",
            "Rename one of them.",
        )
    return Header(names, unnamed, alike)


def _is_title(names: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether only the first of three or more columns has a name although others are filled."""
    if len(names) < 3 or not names[0] or any(names[1:]):
        return False
    return any(sum(bool(cell.strip()) for cell in cells) > 1 for cells in below[:1])


def _looks_like_data(names: Sequence[str], below: Sequence[Sequence[str]]) -> str:
    """What speaks against row 1 being a header; "" if nothing does, or a name is a usual one."""
    if any(_is_usual(name) for name in names):
        return ""
    for number, name in enumerate(names):
        if NUMBER.fullmatch(name):
            return f"{shown(name)} is a number"
        if len(name) > LONGEST_COLUMN_NAME or len(name.split()) >= WORDS_OF_A_SENTENCE:
            return f"{shown(name)} is a text"
        if name and any(number < len(cells) and cells[number].strip() == name for cells in below):
            return f"{shown(name)} stands in the rows below as well"
    return ""


def _is_usual(name: str) -> bool:
    """Whether a column may well be called so; words with spaces between may be a text."""
    return " " not in name and any(name_weight(name, usual) >= VAGUE for usual in (INPUT, TARGET))

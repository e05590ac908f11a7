"""The first row of a table: column names, or a refusal that says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.names import INPUT, TARGET, VAGUE, name_weight
from tunewell.read.words import shown

NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
LONGEST_COLUMN_NAME = 100
WORDS_OF_A_SENTENCE = 6


def header_of(
    path: Path, row: int, cells: Sequence[str], sample: Sequence[Sequence[str]]
) -> list[str]:
    """Column names without the spaces around them.

    `sample` is the header and the rows below it: they tell whether row 1 is data itself.
    """
    names = [cell.strip() for cell in cells]
    evidence = _looks_like_data(names, sample[1:])
    if evidence:
        raise DataError(
            f"{path}, row {row} looks like data, not like column names: {evidence}.",
            "The first row was expected to name the columns, such as: text,label",
            "Put a row with names on top of the file.",
        )
    for number, name in enumerate(names, start=1):
        if not name:
            raise DataError(
                f"{path}, row {row}: column {number} has no name.",
                "Each column needs a name in the first row.",
                "Name it, or delete the column.",
            )
        if name in names[: number - 1]:
            raise DataError(
                f"{path}, row {row}: columns {names.index(name) + 1} and {number} "
                f"are both called {shown(name)}.",
                "Each column needs a name of its own.",
                "Rename one of them.",
            )
    return names


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

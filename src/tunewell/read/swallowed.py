"""Rows that a stray quote has drawn into one cell, although the file is formally right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tunewell.errors import DataError


def labels_inside(cells: Mapping[str, str], target: str) -> list[str]:
    """If the lines of a row's cells could each be a whole row: the cells in the target's place.

    >>> labels_inside({"text": "good,1\\nbad,0\\na 7 inch", "label": "1"}, "label")
    ['1', '0', '1']
    >>> labels_inside({"text": "Hello!\\nBye, all.", "label": "1"}, "label")
    []
    """
    for delimiter in ",;\t|":
        rows = [line.split(delimiter) for line in delimiter.join(cells.values()).splitlines()]
        if target in cells and all(len(row) == len(cells) for row in rows):
            return [row[list(cells).index(target)].strip().strip('"') for row in rows]
    return []


def refuse_swallowed(path: Path, found: dict[int, list[str]], labels: set[str]) -> None:
    """A DataError for the first row whose lines all hold a known label in the label's place."""
    for row, inside in found.items():
        if labels.issuperset(inside):
            raise DataError(
                f"{path}, row {row}: one cell holds {len(inside)} lines, "
                "and each of them looks like a row of its own.",
                "A quote at the beginning of a cell was probably never closed.",
                "Close or remove that quote.",
            )

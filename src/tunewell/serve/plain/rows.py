"""Reading the rows of a table by their numbers."""

from __future__ import annotations

import csv
import json
from pathlib import Path


def numbers(text: str) -> list[int]:
    """Row numbers in the order in which they stand: "7 2-4" is 7, 2, 3, 4."""
    found: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def csv_rows(
    file: str, encoding: str, delimiter: str, text: str, label: str
) -> dict[int, tuple[str, str]]:
    """Text and label of every row, by its number as a spreadsheet shows it: the header is row 1."""
    with Path(file).open(encoding=encoding, newline="") as lines:
        reader = csv.DictReader(lines, delimiter=delimiter)
        return {number: (row[text], row[label]) for number, row in enumerate(reader, start=2)}


def json_rows(file: str) -> dict[int, tuple[str, str]]:
    """Text and label of every line, by its number."""
    with Path(file).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {number: (row["text"], row["label"]) for number, row in enumerate(rows, start=1)}

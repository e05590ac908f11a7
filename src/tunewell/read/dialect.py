"""How a CSV file is written: its delimiter, and whether spaces stand before its quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
TAB_NAMED = re.compile(r"\.(tsv|tab)(\.gz)?$", re.IGNORECASE)
DECLARED = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)
"""The first line with which Excel says the delimiter; it shows it as no row."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    delimiter: str
    declared: bool = False
    """Whether the first line says the delimiter and is no row."""
    spaced: bool = False
    """Whether spaces after a delimiter belong to no cell, because quotes follow them."""
    unquoted: bool = False
    """Whether quotes are characters like others."""

    @property
    def name(self) -> str:
        """The delimiter in words."""
        return DELIMITERS[self.delimiter]

    def reader(self, lines: Iterable[str]) -> Any:
        """The rows of lines, strictly after RFC 4180, or as they stand where they are unquoted."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            skipinitialspace=self.spaced,
            quoting=csv.QUOTE_NONE if self.unquoted else csv.QUOTE_MINIMAL,
            strict=True,
        )


def find_dialect(sample: Sequence[str], file_name: str) -> tuple[Dialect, list[list[str]]]:
    """The dialect in which most rows have as many cells as the header, and the rows in it.

    Two cells at least. A tie goes to the delimiter that gives more columns, then to the one that
    the name implies. `sample` are the lines at the beginning; rows after the first that cannot be
    read are not given.
    """
    if sample and (declared := DECLARED.fullmatch(sample[0])):
        return _with_spaces(Dialect(declared[1], declared=True), sample[1:])
    first = "\t" if TAB_NAMED.search(file_name) else ","
    best, best_score = (Dialect(first), _records(Dialect(first), sample)[0]), (0.0, 0)
    for delimiter in sorted(DELIMITERS, key=lambda each: each != first):
        dialect, records = _with_spaces(Dialect(delimiter), sample)
        columns = len(records[0]) if records else 0
        if columns < 2:
            continue
        fitting = sum(len(cells) == columns for cells in records) / len(records)
        if (fitting, columns) > best_score:
            best, best_score = (dialect, records), (fitting, columns)
    return best


def without_quotes(lines: Iterable[str]) -> bool:
    """Whether a table with tabs was written without quotes around cells, as GLUE's are.

    Then each line has as many cells as the first, and in some a quote stands that closes nothing.
    """
    tabs, stray = None, False
    for line in lines:
        if not line.strip():
            continue
        tabs = line.count("\t") if tabs is None else tabs
        if not tabs or line.count("\t") != tabs:
            return False
        stray = stray or ('"' in line and not _quoted(line, tabs + 1))
    return stray


def _quoted(line: str, cells: int) -> bool:
    """Whether the quotes of a line with tabs are those around its cells."""
    try:
        return len(next(Dialect("\t").reader([line]))) == cells
    except csv.Error:
        return False


def _with_spaces(plain: Dialect, sample: Sequence[str]) -> tuple[Dialect, list[list[str]]]:
    """The dialect with spaces before quotes, if there are such and every row then fits."""
    records, _ = _records(plain, sample)
    cells = (cell for record in records for cell in record)
    if any(cell[:1] == " " and cell.lstrip(" ")[:1] == '"' for cell in cells):
        spaced = Dialect(plain.delimiter, plain.declared, spaced=True)
        others, all_read = _records(spaced, sample)
        if all_read and len({len(record) for record in others}) == 1:
            return spaced, others
    return plain, records


def in_dialect(dialect: Dialect, sample: Sequence[str]) -> tuple[Dialect, list[list[str]]]:
    """A dialect with the rows of a sample in it."""
    return dialect, _records(dialect, sample[int(dialect.declared) :])[0]


def _records(dialect: Dialect, sample: Sequence[str]) -> tuple[list[list[str]], bool]:
    """The rows up to the first that cannot be read, and whether only the end stopped it."""
    found = []
    reader = dialect.reader(sample)
    try:
        for cells in reader:
            if cells:
                found.append(cells)
    except csv.Error:
        return found, reader.line_num == len(sample)  # the sample may end inside of quotes
    return found, True

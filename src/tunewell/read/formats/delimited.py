"""CSV and TSV, strictly (RFC 4180): a row that does not fit the header is refused, not repaired."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.headers import header_of
from tunewell.read.text import empty_file, odd_character, odd_character_error, text_lines
from tunewell.read.words import columns_listed, many, shown

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
DELIMITERS = (",", ";", "\t")
TAB_NAMED = re.compile(r"\.(tsv|tab)(\.gz)?$", re.IGNORECASE)
LARGEST_CELL = 2**31 - 1
SAMPLE_LINES = 1000
SAMPLE_CHARACTERS = 4_000_000


def rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header; blank rows are passed over but counted."""
    csv.field_size_limit(LARGEST_CELL)
    sample = _beginning(path)
    delimiter = _find_delimiter(sample, first="\t" if TAB_NAMED.search(path.name) else ",")
    header: list[str] = []
    raw: list[str] = []
    row = 0
    reader = csv.reader(_kept(text_lines(path), raw), delimiter=delimiter, strict=True)
    filled = False
    try:
        for cells in reader:
            row += 1
            whole = raw[0] if len(raw) == 1 else "".join(raw)
            if "\0" in whole or not whole.isascii():
                _refuse_odd(path, row, header, cells)
            raw.clear()
            if not cells or (len(cells) == 1 and not cells[0].strip() and len(header) != 1):
                continue
            if not header:
                header = header_of(path, row, cells, _records(sample, delimiter))
                continue
            if len(cells) != len(header):
                raise _ragged(path, row, header, cells, delimiter)
            filled = True
            yield row, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise _quote_error(path, row + 1, header, "".join(raw), delimiter) from error
    if not header:
        raise empty_file(path)
    if not filled:
        raise DataError(f"{path} has a header and no rows.", "At least one row was expected.")


def _kept(lines: Iterator[str], raw: list[str]) -> Iterator[str]:
    """The lines; those of the row that is being read stand in `raw`."""
    for line in lines:
        raw.append(line)
        yield line


def _beginning(path: Path) -> list[str]:
    sample, characters = [], 0
    for line in text_lines(path):
        sample.append(line)
        characters += len(line)
        if len(sample) == SAMPLE_LINES or characters > SAMPLE_CHARACTERS:
            break
    return sample


def _records(sample: list[str], delimiter: str) -> list[list[str]]:
    """The rows of the sample, up to the first that cannot be read."""
    records = []
    try:
        for cells in csv.reader(sample, delimiter=delimiter, strict=True):
            if cells:
                records.append(cells)
    except csv.Error:
        return records
    return records


def _find_delimiter(sample: list[str], first: str) -> str:
    """The delimiter with which most rows have as many cells as the header, two at least.

    A tie goes to the one that gives more columns, then to `first`.
    """
    best, best_score = first, (0.0, 0)
    for delimiter in sorted(DELIMITERS, key=lambda each: each != first):
        records = _records(sample, delimiter)
        columns = len(records[0]) if records else 0
        if columns < 2:
            continue
        fitting = sum(len(cells) == columns for cells in records) / len(records)
        if (fitting, columns) > best_score:
            best, best_score = delimiter, (fitting, columns)
    return best


def _refuse_odd(path: Path, row: int, header: list[str], cells: list[str]) -> None:
    """A DataError for the cell that holds a byte which no text has."""
    for number, text in enumerate(cells):
        if what := odd_character(text):
            raise odd_character_error(_place(path, row, header, number), what)


def _place(path: Path, row: int, header: list[str], number: int) -> str:
    column = shown(header[number]) if number < len(header) else str(number + 1)
    return f"{path}, row {row}, column {column}"


def _ragged(path: Path, row: int, header: list[str], cells: list[str], delimiter: str) -> DataError:
    name = {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
    if len(cells) < len(header):
        missing = f"there is none for column {shown(header[len(cells)])}"
    else:
        missing = f"the one too many holds {shown(cells[len(header)])}"
    return DataError(
        f"{path}, row {row}: {many(len(cells), 'cell')}, but the header has {len(header)}; "
        f"{missing}.",
        f"Columns: {columns_listed(header)}.",
        f"A text with a {name} in it needs double quotes around it.",
    )


def _quote_error(path: Path, row: int, header: list[str], text: str, delimiter: str) -> DataError:
    """What is wrong with the quotes of the row that `text` begins with."""
    number, after = _bad_quote(text, delimiter)
    place = _place(path, row, header, number)
    if not after:
        found = f"{place}: a quote is opened and never closed."
    else:
        found = f"{place}: after the closing quote comes {after!r}, not the end of the cell."
    return DataError(
        found,
        'A cell that begins with " ends with ", and a " inside it is written twice.',
        "Close or double the quote in that row, or in one just above it.",
    )


def _bad_quote(text: str, delimiter: str) -> tuple[int, str]:
    """Number of the cell whose quotes are wrong, and what follows its end ("": it has none)."""
    number, position = 0, 0
    while position < len(text):
        if text[position] == '"':
            end = position + 1
            while (end := text.find('"', end)) >= 0 and text[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                return number, ""
            after = text[end + 1 : end + 2]
            if after not in (delimiter, "\r", "\n", ""):
                return number, after
            position = end + 1
        else:
            while position < len(text) and text[position] not in (delimiter, "\r", "\n"):
                position += 1
        if text[position : position + 1] != delimiter:
            break
        number, position = number + 1, position + 1
    return number, ""

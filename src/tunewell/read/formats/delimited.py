"""CSV and TSV, strictly (RFC 4180): a row that does not fit the header is refused, not repaired."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.dialect import Dialect, find_dialect, in_dialect, without_quotes
from tunewell.read.headers import Header, header_of
from tunewell.read.irregular import tell_alike, tell_empty_cells, tell_unnamed
from tunewell.read.opening import empty_file, state_of
from tunewell.read.quotes import bad_quote
from tunewell.read.records import Fault, Rows, Tell
from tunewell.read.text import odd_character, odd_character_error, text_lines, with_guess_told
from tunewell.read.words import columns_listed, many, shown

SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
LARGEST_CELL = 1 << 26
"""Characters; more are rows that a quote has swallowed, and would fill the memory."""
SAMPLE_LINES = 1000
SAMPLE_CHARACTERS = 4_000_000


def rows(path: Path, tell: Tell) -> Rows:
    """The rows below the header; blank rows are passed over but counted."""
    return with_guess_told(path, _rows(path, tell), tell)


def _rows(path: Path, tell: Tell) -> Rows:
    csv.field_size_limit(LARGEST_CELL)
    dialect, sample = _dialect(path, state_of(path))
    header: Header | None = None
    names: list[str] = []
    raw: list[str] = []
    longer: list[int] = []
    shorter: list[int] = []
    used: list[int] = []
    row = filled = 0
    lines = _below(text_lines(path), dialect)
    try:
        for cells in dialect.reader(_kept(lines, raw)):
            row += 1
            whole = raw[0] if len(raw) == 1 else "".join(raw)
            if "\0" in whole or not whole.isascii():
                _refuse_odd(path, row, names, cells)
            raw.clear()
            if not cells or (len(cells) == 1 and not cells[0].strip() and len(names) != 1):
                continue
            if header is None:
                if any(cell.strip() for cell in cells):
                    header = header_of(path, row, cells, _from(cells, sample))
                    names = header.names
                continue
            if len(cells) != len(names) and not _fitted(cells, header, row, longer, shorter):
                raise _ragged(path, row, names, cells, dialect)
            filled += 1
            read = dict(zip(names, cells, strict=True))
            if header.unnamed and any(read[name].strip() for name in header.unnamed):
                used.append(row)
            yield row, read
    except csv.Error as error:
        raise _not_csv(path, row + 1, names, "".join(raw), dialect, str(error)) from error
    if header is None:
        raise empty_file(path)
    if not filled:
        raise DataError(f"{path} has a header and no rows.", "At least one row was expected.")
    if dialect.spaced:
        sentence = f"{path}: spaces between a {dialect.name} and a quote are left out."
        tell(Fault("spaces_before_quotes", "note", sentence, source=str(path)))
    if dialect.unquoted:
        sentence = f"{path}: quotes are read as part of the texts, as some of them close nothing."
        tell(Fault("plain_quotes", "note", sentence, source=str(path)))
    tell_alike(path, header.alike, tell)
    tell_unnamed(path, header.unnamed, used, filled, tell)
    tell_empty_cells(path, longer, shorter, tell)


def _kept(lines: Iterator[str], raw: list[str]) -> Iterator[str]:
    """The lines; those of the row that is being read stand in `raw`."""
    for line in lines:
        raw.append(line)
        yield line


@functools.lru_cache(maxsize=4)
def _dialect(path: Path, _state: tuple[int, ...]) -> tuple[Dialect, list[list[str]]]:
    """How the file is written, and the rows at its beginning."""
    sample, characters = [], 0
    for line in text_lines(path):
        sample.append(line)
        characters += len(line)
        if len(sample) == SAMPLE_LINES or characters > SAMPLE_CHARACTERS:
            break
    dialect, records = find_dialect(sample, path.name)
    if dialect.delimiter == "\t" and without_quotes(_below(text_lines(path), dialect)):
        return in_dialect(replace(dialect, spaced=False, unquoted=True), sample)
    return dialect, records


def _below(lines: Iterator[str], dialect: Dialect) -> Iterator[str]:
    """The lines that are rows."""
    return islice(lines, int(dialect.declared), None)


def _from(header: list[str], records: list[list[str]]) -> list[list[str]]:
    """The rows from the header on."""
    return records[records.index(header) :] if header in records else []


def _fitted(
    cells: list[str], header: Header, row: int, longer: list[int], shorter: list[int]
) -> bool:
    """Whether a row fits without empty cells at its end, or with those that have no name."""
    width = len(header.names)
    if len(cells) > width and not "".join(cells[width:]).strip():
        longer.append(row)
        del cells[width:]
    elif header.needed <= len(cells) < width:
        shorter.append(row)
        cells += [""] * (width - len(cells))
    return len(cells) == width


def _refuse_odd(path: Path, row: int, names: list[str], cells: list[str]) -> None:
    """A DataError for the cell that holds a byte which no text has."""
    for number, text in enumerate(cells):
        if what := odd_character(text):
            raise odd_character_error(_place(path, row, names, number), what)


def _place(path: Path, row: int, names: list[str], number: int) -> str:
    column = shown(names[number]) if number < len(names) else str(number + 1)
    return f"{path}, row {row}, column {column}"


def _ragged(
    path: Path, row: int, names: list[str], cells: list[str], dialect: Dialect
) -> DataError:
    if len(cells) < len(names):
        missing = f"there is none for column {shown(names[len(cells)])}"
    else:
        missing = f"the one too many holds {shown(cells[len(names)])}"
    return DataError(
        f"{path}, row {row}: {many(len(cells), 'cell')}, but the header has {len(names)}; "
        f"{missing}.",
        f"Columns: {columns_listed(names)}.",
        f"A text with a {dialect.name} in it needs double quotes around it.",
    )


def _not_csv(
    path: Path, row: int, names: list[str], text: str, dialect: Dialect, error: str
) -> DataError:
    """What is wrong with the row that `text` begins with."""
    number, after = bad_quote(text, dialect.delimiter)
    place = _place(path, row, names, number)
    if "limit" in error:
        found = f"{place}: over {LARGEST_CELL:,} characters; a quote is probably never closed."
    elif not after:
        found = f"{place}: a quote is opened and never closed."
    else:
        found = f"{place}: after the closing quote comes {after!r}, not the end of the cell."
    return DataError(
        found,
        'A cell that begins with " ends with ", and a " inside it is written twice.',
        "Close or double the quote in that row, or in one just above it.",
    )

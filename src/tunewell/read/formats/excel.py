"""Excel workbooks: cells as Excel stores them, formulas by the value that it last computed."""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewell.errors import DataError
from tunewell.read.cells import Nested
from tunewell.read.excel_cells import cell_text, marks_of
from tunewell.read.headers import header_of
from tunewell.read.irregular import tell_alike, tell_unnamed
from tunewell.read.opening import empty_file, open_bytes, whole_file
from tunewell.read.records import Fault, Rows, Tell
from tunewell.read.tables import file_and_table, no_such_table, several_tables
from tunewell.read.words import names_listed

SUFFIXES = (".xlsx", ".xlsm")
MOST_ROWS = 1 << 20
"""What a sheet can hold."""
MOST_BYTES = 1 << 30
"""Unpacked size of a workbook; its texts are held in memory."""
SAMPLE_ROWS = 200
OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, SyntaxError, EOFError, OSError, RuntimeError,
    ValueError, KeyError, IndexError, TypeError, AttributeError,
)  # fmt: skip
"""What openpyxl raises on a file that is no workbook, or a broken one; XML that is wrong is a
SyntaxError to both parsers that it may use."""


def rows(path: Path, tell: Tell) -> Rows:
    """The rows below the first that is filled, numbered as Excel does."""
    with _workbook(path) as book:
        sheet = _sheet(path, book)
        with _damage_told(path):
            # The only way to the XML of a sheet while streaming.
            formulas, merged = marks_of(book._archive, sheet._worksheet_path)
        if not formulas:
            yield from _below_header(path, _texts(path, sheet), tell)
        else:
            with _workbook(path, formulas=True) as written:
                texts = _computed(path, sheet, written[sheet.title])
                yield from _below_header(path, texts, tell)
    if merged:
        sentence = (
            f"{path}: cells are merged in {names_listed(merged)}; the first cell of each holds the "
            "value, the others are empty."
        )
        remedy = "Undo the merging and fill in each cell."
        tell(Fault("merged_cells", "warning", sentence, (), len(merged), remedy, str(path)))


def tables(path: Path) -> list[str]:
    """The names of the sheets with something in them, where there are several."""
    with _workbook(path) as book:
        names = _filled(path, book)
    return names if len(names) > 1 else []


def _below_header(path: Path, texts: Iterator[list[str]], tell: Tell) -> Rows:
    numbered = ((row, cells) for row, cells in enumerate(texts, start=1) if cells)
    row, first = next(numbered, (0, []))
    if not first:
        raise empty_file(path)
    sample = list(itertools.islice(numbered, SAMPLE_ROWS))
    widest = max([len(first), *(len(cells) for _, cells in sample)])
    given = first + [""] * (widest - len(first))
    header = header_of(path, row, given, [given, *(cells for _, cells in sample)])
    if not sample:
        raise DataError(f"{path} has a header and no rows.", "At least one row was expected.")
    names, unnamed = header.names, dict.fromkeys(header.unnamed, False)
    used: list[int] = []
    total = 0
    for row, cells in itertools.chain(sample, numbered):
        total += 1
        for number in range(len(names), len(cells)):
            names.append(f"column_{number + 1}")
            unnamed[names[-1]] = False
        read = dict(itertools.zip_longest(names, cells, fillvalue=""))
        filled = [name for name in unnamed if read[name]]
        if filled:
            unnamed |= dict.fromkeys(filled, True)
            used.append(row)
        yield row, read
    tell_alike(path, header.alike, tell)
    tell_unnamed(path, [name for name, holds in unnamed.items() if holds], used, total, tell)


def _texts(path: Path, sheet: Any) -> Iterator[list[str]]:
    """The rows as texts, without empty cells at their ends."""
    for cells in _cells(path, sheet):
        yield _without_end(_as_texts(path, cells))


def _computed(path: Path, sheet: Any, written: Any) -> Iterator[list[str]]:
    """The rows as texts; a formula that no program has computed is no text."""
    for values, formulas in zip(_cells(path, sheet), _cells(path, written), strict=True):
        texts = _as_texts(path, values)
        for number, each in enumerate(formulas):
            if each.data_type == "f" and not texts[number]:
                texts[number] = Nested("a formula without a stored value")
        yield _without_end(texts)


def _cells(path: Path, sheet: Any) -> Iterator[tuple[Any, ...]]:
    with _damage_told(path):
        for row, cells in enumerate(sheet.iter_rows(), start=1):
            if row > MOST_ROWS:
                raise _damaged(path)
            yield cells


def _as_texts(path: Path, cells: tuple[Any, ...]) -> list[str]:
    with _damage_told(path):  # a cell looks its format up when it is asked
        return [cell_text(each) for each in cells]


def _without_end(texts: list[str]) -> list[str]:
    while texts and not texts[-1].strip():
        texts.pop()
    return texts


def _sheet(path: Path, book: Any) -> Any:
    """The sheet that the path names, or the only one with something in it."""
    _, name = file_and_table(path)
    by_name = {sheet.title: sheet for sheet in book.worksheets}
    if name and name not in by_name:
        raise no_such_table(path, list(by_name))
    names = [name] if name else _filled(path, book)
    if len(names) > 1:
        raise several_tables(path, names)
    if not names:
        raise empty_file(path)
    return by_name[names[0]]


def _filled(path: Path, book: Any) -> list[str]:
    """The names of the sheets that are shown and hold something."""
    return [
        sheet.title
        for sheet in book.worksheets
        if sheet.sheet_state == "visible"
        and any(each.value not in (None, "") for cells in _cells(path, sheet) for each in cells)
    ]


@contextlib.contextmanager
def _workbook(path: Path, formulas: bool = False) -> Iterator[Any]:
    """The workbook, read as a stream; with `formulas`, those instead of their values."""
    import openpyxl

    file, _ = file_and_table(path)
    with open_bytes(file) as raw, whole_file(file):
        content = raw if isinstance(raw, io.BufferedReader) else io.BytesIO(raw.read())
        head = content.read(len(OLD_OR_LOCKED))
        content.seek(0)
        if not head:
            raise empty_file(path)
        if head == OLD_OR_LOCKED:
            raise DataError(
                f"{file} is an old Excel file, or one with a password.",
                "An .xlsx file without a password was expected.",
                "Save it as .xlsx or as 'CSV UTF-8'.",
            )
        with _damage_told(file), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and the like, which are not read
            with zipfile.ZipFile(content) as archive:
                if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                    raise DataError(
                        f"{file} holds more than {MOST_BYTES >> 30} GB once unpacked.",
                        remedy="Save the sheet as 'CSV UTF-8'.",
                    )
            book = openpyxl.load_workbook(
                content, read_only=True, data_only=not formulas, keep_links=False
            )
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what a file says of its size may be wrong
        with contextlib.closing(book):
            yield book


@contextlib.contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> DataError:
    return DataError(
        f"{path} is no Excel workbook, or it is damaged or cut short.",
        remedy="Open it in Excel and save it again as .xlsx, or as 'CSV UTF-8'.",
    )

"""What the cells of an Excel sheet become as text, and what its XML says beside them."""

from __future__ import annotations

import datetime
import re
import zipfile
from typing import Any

from tunewell.read.cells import Nested, cell

EXACT = 1e15
"""Excel keeps 15 digits; greater numbers are not whole for certain."""
ZEROS = re.compile(r"0{2,}")
"""A number format that fills up with zeros, as for postal codes."""
FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+\d+:[A-Z]+\d+)"')
PIECE_BYTES = 1 << 20
LONGEST_TAG = 200


def cell_text(stored: Any) -> str:
    """The text of a cell of openpyxl: 7 for 7.0, dates after ISO 8601, errors as `Nested`."""
    value = stored.value
    if value is None:
        return ""
    if stored.data_type == "e":
        return Nested(f"the error {value}")
    if isinstance(value, str):
        return value.replace("_x000D_", "\r")
    if isinstance(value, bool):
        return cell(value)
    if isinstance(value, (int, float)):
        text = _number(value)
        filled = ZEROS.fullmatch(stored.number_format or "")
        return text.zfill(len(filled[0])) if filled else text
    if isinstance(value, datetime.datetime):
        whole_day = value.time() == datetime.time()
        return value.date().isoformat() if whole_day else value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def _number(value: float) -> str:
    """A number with the digits that Excel shows.

    >>> _number(7.0), _number(0.1 + 0.2), _number(12)
    ('7', '0.3', '12')
    """
    if isinstance(value, int) or (abs(value) < EXACT and value.is_integer()):
        return str(int(value))
    return f"{value:.15g}"


def marks_of(archive: zipfile.ZipFile, member: str) -> tuple[bool, list[str]]:
    """Whether a sheet has formulas, and its merged ranges; openpyxl does not say when streaming."""
    formulas, merged, before = False, [], b""
    with archive.open(member) as xml:
        while piece := xml.read(PIECE_BYTES):
            text = before + piece
            formulas = formulas or FORMULA.search(text) is not None
            merged += [found[1].decode() for found in MERGED.finditer(text)]
            before = text[text.rfind(b"<", -LONGEST_TAG) :] if b"<" in text[-LONGEST_TAG:] else b""
    return formulas, list(dict.fromkeys(merged))

"""Word files (DOCX): paragraphs, tables and headings, in their order."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from tunewell.documents.document import Document, Unreadable, under_headings

MOST_BYTES = 512 * 2**20
"""Unpacked; python-docx holds all of it in memory."""
HEADING = re.compile(r"(?:heading (\d)|title)$", re.IGNORECASE)


def read_docx(path: Path) -> Document:
    """The body of a Word file; headers, footers, notes and text boxes are not read.

    Raises:
        Unreadable: unpacked it would fill the memory.
    """
    import docx

    with zipfile.ZipFile(path) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > MOST_BYTES:
        raise Unreadable(f"unpacked it would take {size / 2**20:.0f} MB")
    parts: list[str] = []
    headings: list[tuple[int, int, int, str]] = []
    length = 0
    for block in docx.Document(str(path)).iter_inner_content():
        words = block.text if hasattr(block, "text") else _table(block)
        found = HEADING.match(_style(block))
        if found and words.strip():
            said = " ".join(words.split())
            headings.append((length, length + len(words), int(found[1] or 1), said))
        parts.append(words + "\n\n")
        length += len(words) + 2
    text = "".join(parts)
    return Document(text, under_headings(text, headings))


def _style(block: Any) -> str:
    return (block.style.name or "") if block.style is not None else ""


def _table(table: Any) -> str:
    """A table with a line a row; a cell that spans several columns comes once."""
    from docx.table import _Cell

    rows = [[_Cell(cell, table).text for cell in row.tc_lst] for row in table._tbl.tr_lst]
    return "\n".join(" | ".join(" ".join(cell.split()) for cell in row) for row in rows)

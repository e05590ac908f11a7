"""PDF files: the text of their pages."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from tunewell.documents.document import Document, Unreadable, under_headings

BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_A-Z])")
"""A word that is hyphenated at a line's end."""


def read_pdf(path: Path) -> Document:
    """A PDF page by page; words broken at a line's end are made whole.

    Raises:
        Unreadable: it is locked with a password, or holds pictures alone.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(path)
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("it is locked with a password")
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for page in reader.pages:
        words = BROKEN_WORD.sub("", page.extract_text().replace("\r", "\n")).strip()
        starts.append(length)
        parts.append(words + "\n\n")
        length += len(words) + 2
    text = "".join(parts)
    if not text.strip():
        raise Unreadable("its pages hold no text, only pictures; text recognition (OCR) adds it")
    return Document(text, under_headings(text, []), pages=tuple(starts))

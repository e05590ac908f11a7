"""CoNLL columns: a token a line with its tags, sentences apart by an empty line.

Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task" (2003).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.cells import Nested
from tunewell.read.records import Rows, Tell
from tunewell.read.text import odd_character, odd_character_error, text_lines, with_guess_told

SUFFIXES = (".conll", ".iob", ".iob2", ".bio", ".train", ".testa", ".testb")
NEW_DOCUMENT = "-DOCSTART-"
EXPECTED = "A token and its tags were expected, with spaces or tabs between: Rosa B-PER"


def rows(path: Path, tell: Tell) -> Rows:
    """The sentences: `tokens`, `tags` (the last column), `column_2` …, and `document`.

    Row numbers are those of the sentence's first line. `document` is "" where none is marked.
    """
    return with_guess_told(path, _rows(path), tell)


def _rows(path: Path) -> Rows:
    document, width, found = 0, 0, False
    for first, lines in _sentences(path):
        if lines[0][0] == NEW_DOCUMENT:
            document, lines = document + 1, lines[1:]
            first += 1
        if not lines:
            continue
        width = width or len(lines[0])
        for number, parts in enumerate(lines, start=first):
            if len(parts) != width or width < 2:
                raise DataError(
                    f"{path}, line {number}: {len(parts)} "
                    f"{'column' if len(parts) == 1 else 'columns'} where others have {width}."
                    if width > 1
                    else f"{path}, line {number}: a token without a tag.",
                    EXPECTED,
                    "Correct the line; where a token holds a space, separate with tabs.",
                )
        names = ["tokens", *(f"column_{n}" for n in range(2, width)), "tags"]
        columns = zip(names, zip(*lines, strict=True), strict=True)
        cells: dict[str, str] = {name: Nested("a list", list(cells)) for name, cells in columns}
        cells["document"] = f"document {document}" if document else ""
        found = True
        yield first, cells
    if not found:
        raise DataError(f"{path} has no rows.", EXPECTED)


def _sentences(path: Path) -> Iterator[tuple[int, list[list[str]]]]:
    """The number of each sentence's first line, and its lines in their columns."""
    lines: list[list[str]] = []
    first = 1
    for number, line in enumerate(text_lines(path), start=1):
        if what := odd_character(line):
            raise odd_character_error(f"{path}, line {number}", what)
        text = line.strip("\r\n")
        if not text.strip():
            if lines:
                yield first, lines
            lines = []
            continue
        first = first if lines else number
        # A token may be a character that Python takes for space, so only these two part columns.
        parts = text.split("\t") if "\t" in text else [part for part in text.split(" ") if part]
        lines.append([part.strip(" ") for part in parts])
    if lines:
        yield first, lines

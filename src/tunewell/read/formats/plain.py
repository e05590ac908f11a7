"""Plain text, named `book.txt#text`: a paragraph a row, or a line where no empty lines are.

By its ending alone a text cannot be told from a table, so it is read where a task asks for texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tunewell.read.opening import empty_file
from tunewell.read.records import Rows, Tell
from tunewell.read.tables import file_and_table
from tunewell.read.text import odd_character, odd_character_error, text_lines, with_guess_told

TABLE = "text"
"""What stands behind the `#`, and what the only column is called."""
ENDINGS = (".txt", ".md")


def as_text(path: Path) -> Path:
    """A `.txt` as the text that it holds; other files, and what has a `#` already, as they are."""
    file, table = file_and_table(path)
    if table or not file.name.lower().removesuffix(".gz").endswith(".txt"):
        return path
    return path.with_name(f"{path.name}#{TABLE}")


def rows(path: Path, tell: Tell) -> Rows:
    """The paragraphs, each under the number of its first line, with its line ends as `\\n`."""
    return with_guess_told(path, _rows(path), tell)


def _rows(path: Path) -> Rows:
    found = False
    for number, lines in _paragraphs(path) if _has_gaps(path) else _lines(path):
        text = "\n".join(line.rstrip() for line in lines).strip()
        if what := odd_character(text):
            raise odd_character_error(f"{path}, line {number}", what)
        found = True
        yield number, {TABLE: text}
    if not found:
        raise empty_file(path)


def _has_gaps(path: Path) -> bool:
    """Whether there is an empty line between others."""
    begun = gap = False
    for line in text_lines(path):
        if line.strip():
            if gap:
                return True
            begun = True
        else:
            gap = begun
    return False


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            yield number, [line]


def _paragraphs(path: Path) -> Iterator[tuple[int, list[str]]]:
    first, lines = 1, []
    for number, line in enumerate(text_lines(path), start=1):
        if line.strip():
            first = first if lines else number
            lines.append(line)
        elif lines:
            yield first, lines
            lines = []
    if lines:
        yield first, lines

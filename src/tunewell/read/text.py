"""Files as lines of text, with what is no character handed on so that its place can be told."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.encodings import SAVE_AS_UTF8, UNDECODABLE, Encoding, encoding_of
from tunewell.read.opening import open_bytes, whole_file
from tunewell.read.records import Fault, Rows, Tell
from tunewell.read.western import makes_no_sense
from tunewell.read.words import shown

BEYOND_ASCII = re.compile(r"\S*[^\x00-\x7f]\S*")


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """The file as text with its line ends as they are (`\\n`, `\\r\\n` or `\\r`).

    A byte that is no character comes as one of U+DC80 to U+DCFF (PEP 383), half a character of
    UTF-16 as itself: see `odd_character`.
    """
    encoding = encoding_of(path)
    with (
        open_bytes(path) as raw,
        whole_file(path),
        io.TextIOWrapper(raw, encoding.codec, errors=encoding.errors, newline="") as text,
    ):
        yield text


def text_lines(path: Path) -> Iterator[str]:
    """The lines of a file, with their ends."""
    with open_text(path) as text:
        yield from text


def odd_character(text: str) -> str:
    """What is wrong with the characters of a text, "" if nothing is.

    >>> odd_character("naïve"), odd_character("nul" + chr(0))
    ('', 'a NUL byte')
    """
    if "\0" in text:
        return "a NUL byte"
    if text.isascii():
        return ""
    found = UNDECODABLE.search(text)
    if found is None:
        return ""
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"the byte 0x{code - 0xDC00:02X}, which is not UTF-8"
    return f"half of a character (U+{code:04X})"


def odd_character_error(place: str, what: str) -> DataError:
    """The refusal of a character that `odd_character` found."""
    return DataError(f"{place}: {what}.", "UTF-8 text was expected.", SAVE_AS_UTF8)


def with_guess_told(path: Path, rows: Rows, tell: Tell) -> Rows:
    """The rows; where the encoding was guessed, the first word that shows it is told.

    Raises:
        DataError: at the first row that makes no sense, where that puts the guess in doubt.
    """
    encoding = encoding_of(path)
    return _with_guess_told(path, rows, tell, encoding) if encoding.guess else rows


def _with_guess_told(path: Path, rows: Rows, tell: Tell, encoding: Encoding) -> Rows:
    told = False
    for row, cells in rows:
        if encoding.doubt and makes_no_sense(" ".join([*cells, *cells.values()])):
            word, place = _first_beyond_ascii(row, cells)
            raise DataError(
                f"{path}, {place}: it is not UTF-8; read as {encoding.guess} this is {word}, but "
                f"{encoding.doubt}.",
                "UTF-8 text was expected.",
                SAVE_AS_UTF8,
            )
        if not told and not all(text.isascii() for text in (*cells, *cells.values())):
            told = True
            word, place = _first_beyond_ascii(row, cells)
            sentence = (
                f"{path} is not UTF-8 and does not say what it is; it was read as "
                f"{encoding.guess}. The first word that shows it is {word} ({place})."
            )
            remedy = "Where that word looks wrong, save the file as UTF-8."
            tell(Fault("encoding", "note", sentence, (row,), 1, remedy, str(path)))
        yield row, cells


def _first_beyond_ascii(row: int, cells: dict[str, str]) -> tuple[str, str]:
    """The first word with a character beyond ASCII, and where it stands."""
    for name, text in cells.items():
        for place, each in ((f"row {row}, column {shown(name)}", text), ("a column's name", name)):
            if found := BEYOND_ASCII.search(each):
                return shown(found[0]), place
    raise AssertionError("there is none")

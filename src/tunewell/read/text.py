"""Files as lines of text: UTF-8 with or without its mark, gzipped or not, or a plain refusal."""

from __future__ import annotations

import difflib
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.words import names_listed

SAVE_AS_UTF8 = "Save it as UTF-8 (in a spreadsheet program: 'CSV UTF-8') and try again."
HEAD_BYTES = 4096
BINARY_SHARE = 0.05
"""A file with NUL bytes and more control bytes than this in its head is no text."""
KNOWN_BEGINNINGS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"SQLite format 3": "a database",
}
CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
UNDECODABLE = re.compile("[\ud800-\udfff]")


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """The bytes of a file, unpacked if they are gzip, whatever its name says."""
    if path.is_dir():
        raise DataError(f"{path} is a folder.", "A file was expected.")
    if not path.exists():
        raise no_such_file(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        return gzip.open(path) if packed else path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}.") from error


@contextmanager
def whole_file(path: Path) -> Iterator[None]:
    """Turns what a damaged or vanishing file raises while it is read into a DataError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed file is damaged or cut short.",
            remedy="Copy or download it again.",
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def refuse_binary(path: Path) -> None:
    """A DataError for a file that is empty or no UTF-8 text at all."""
    with open_bytes(path) as raw, whole_file(path):
        head = raw.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES and not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise empty_file(path)
    for beginning, what in KNOWN_BEGINNINGS.items():
        if head.startswith(beginning):
            raise DataError(f"{path} is {what}.", "UTF-8 text was expected.", SAVE_AS_UTF8)
    control = len(head) - len(head.translate(None, CONTROL_BYTES))
    if b"\0" in head and control > BINARY_SHARE * len(head):
        raise DataError(f"{path} is a binary file.", "UTF-8 text was expected.", SAVE_AS_UTF8)


def empty_file(path: Path) -> DataError:
    """The refusal of a file with nothing in it."""
    return DataError(f"{path} is empty.", "A table with a header and rows was expected.")


def text_lines(path: Path) -> Iterator[str]:
    """The lines with their ends as they are (`\\n`, `\\r\\n` or `\\r`).

    A byte that is not UTF-8 comes as one of U+DC80 to U+DCFF (PEP 383), so that the reader of the
    lines can say where it stands: see `odd_character`.
    """
    refuse_binary(path)
    with (
        open_bytes(path) as raw,
        whole_file(path),
        io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="") as text,
    ):
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


def no_such_file(path: Path) -> DataError:
    """A DataError that names the nearest file beside the missing one."""
    folder = path.parent
    if not folder.is_dir():
        return DataError(f"There is no file {path}: the folder {folder} does not exist.")
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    by_lower = {name.lower(): name for name in names}
    near = difflib.get_close_matches(path.name.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        remedy = f"Did you mean {str(folder / by_lower[near[0]])!r}?"
    else:
        remedy = f"In that folder: {names_listed(names)}." if names else "That folder is empty."
    return DataError(f"There is no file or folder {path}.", remedy=remedy)

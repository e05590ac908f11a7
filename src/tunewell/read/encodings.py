"""Which encoding a text file has: by its mark, else by its bytes, else a guess that is told.

The rule: a mark decides. Without one, what has NUL bytes and makes sense as UTF-16 is that; bytes
that are valid UTF-8 are UTF-8; where at least a fifth of what is beyond ASCII is valid UTF-8, it
is UTF-8 with damage; the rest is Windows-1252, which has Latin-1 in it (see `western`).
"""

from __future__ import annotations

import codecs
import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunewell.errors import DataError
from tunewell.read.opening import empty_file, open_bytes, state_of, whole_file
from tunewell.read.tables import file_and_table
from tunewell.read.western import Western

HEAD_BYTES = 4096
PIECE_BYTES = 1 << 20
DAMAGED = 4
"""Up to so many invalid bytes to a valid character beyond ASCII, it is UTF-8 with damage."""
BINARY_SHARE = 0.05
"""A file with NUL bytes and more control bytes than this in its head is no text."""
UTF16_SHARE = 0.2
"""NUL bytes in UTF-16 text that could be UTF-8 with stray ones; plain English has a half."""
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
KNOWN_BEGINNINGS = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", ""),
    (b"PAR1", "a Parquet file", ".parquet"),
    (b"%PDF", "a PDF", ""),
    (b"\x89PNG", "a picture", ""),
    (b"\xff\xd8\xff", "a picture", ""),
    (b"SQLite format 3", "a database", ""),
)
SAVE_AS_UTF8 = "Save it as UTF-8 (in a spreadsheet program: 'CSV UTF-8') and try again."
CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
UNDECODABLE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes become text."""

    codec: str
    """As Python calls it."""
    guess: str = ""
    """As people call it, where it was guessed; empty where it is sure."""
    doubt: str = ""
    """Why the guess cannot be trusted; empty where it can."""

    @property
    def errors(self) -> str:
        """How Python is to hand on what is no character: as a lone surrogate."""
        return "surrogatepass" if self.codec.startswith(("utf-16", "utf-32")) else "surrogateescape"


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file, read to its end where nothing shorter decides.

    Raises:
        DataError: the file is empty, or no text at all.
    """
    file, _ = file_and_table(path)
    return _encoding(file, state_of(file))


@functools.lru_cache(maxsize=64)
def _encoding(path: Path, _state: tuple[int, ...]) -> Encoding:
    with open_bytes(path) as raw, whole_file(path):
        head = raw.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES and not head.removeprefix(codecs.BOM_UTF8).strip():
            raise empty_file(path)
        for mark, codec in MARKS:
            if head.startswith(mark):
                return Encoding(codec)
        for beginning, what, ending in KNOWN_BEGINNINGS:
            if head.startswith(beginning):
                remedy = f"Give it the ending {ending}." if ending else SAVE_AS_UTF8
                raise DataError(f"{path} is {what}.", "UTF-8 text was expected.", remedy)
        if wide := _utf16(head):
            return Encoding(wide, "UTF-16")
        control = len(head) - len(head.translate(None, CONTROL_BYTES))
        if b"\0" in head and control > BINARY_SHARE * len(head):
            raise DataError(f"{path} is a binary file.", "UTF-8 text was expected.", SAVE_AS_UTF8)
        raw.seek(0)
        if _is_utf8(raw):
            return Encoding("utf-8-sig")
        raw.seek(0)
        return _eight_bits(raw)


def _utf16(head: bytes) -> str:
    """The codec of UTF-16 without a mark; "" if read so it has odd characters or no line end."""
    if b"\0" not in head or (head.count(b"\0") < UTF16_SHARE * len(head) and _valid(head)):
        return ""
    for codec in ("utf-16-le", "utf-16-be"):
        text = codecs.getincrementaldecoder(codec)("surrogatepass").decode(head)
        odd = sum(unicodedata.category(each) in ("Cc", "Cn", "Co") for each in text)
        ends = text.count("\n") + text.count("\r")
        if ends and odd == ends + text.count("\t"):
            return codec
    return ""


def _valid(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(raw: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := raw.read(PIECE_BYTES):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _eight_bits(raw: BinaryIO) -> Encoding:
    """What a file is that is not valid UTF-8."""
    damaged = whole = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    western = Western()
    for piece in _pieces(raw):
        text = decoder.decode(piece)
        broken = len(UNDECODABLE.findall(text))
        damaged += broken
        whole += len(text) - len(text.encode("ascii", "ignore")) - broken
        western.add(piece)
    if damaged <= DAMAGED * whole:
        return Encoding("utf-8-sig")
    return Encoding("cp1252", western.name, western.doubt)


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that end where a line does, if lines are not too long."""
    while piece := raw.read(PIECE_BYTES):
        yield piece + raw.readline(PIECE_BYTES)

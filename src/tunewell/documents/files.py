"""The files of a folder: which are documents, what they say, and why others are left out."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunewell.documents.document import Document, Unreadable
from tunewell.documents.docx import read_docx
from tunewell.documents.html import read_html
from tunewell.documents.pdf import read_pdf
from tunewell.documents.plain import read_markdown, read_text
from tunewell.errors import DataError

READERS: dict[str, Callable[[Path], Document]] = {
    **dict.fromkeys(("", ".txt", ".text", ".rst", ".adoc", ".org"), read_text),
    **dict.fromkeys((".md", ".markdown"), read_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    ".pdf": read_pdf,
    ".docx": read_docx,
}
"""The ending of a file's name, in lower case -> what reads it."""
PARSED = (".pdf", ".docx")
"""Formats whose parsers raise almost anything at damaged files."""
OTHER_KIND = "it is no text, Markdown, HTML, PDF or Word file (.docx)"
MOST_BYTES = 256 * 2**20
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What they raise, besides errors of their own."""


@dataclass(frozen=True)
class File:
    """A file of a folder that can be a document."""

    name: str
    """Its path below the folder, with `/` between its parts."""
    path: Path


@dataclass(frozen=True)
class LeftOut:
    """A file that is not in an index."""

    file: str
    reason: str
    other_kind: bool = False
    """Whether it is of a kind that is not read, rather than one that could not be."""


def documents_in(folder: Path, without: Path) -> tuple[list[File], list[LeftOut]]:
    """Every file that can be a document, by name, and every other; hidden ones are passed over.

    Links to folders are not followed, as they may lead round in a circle. Folders of runs are
    passed over too: what they hold changes while a run reads the documents around it.

    Args:
        folder: a folder, or a single file.
        without: a folder that is passed over: that of the index.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.exists():
        raise DataError(f"There is no folder {folder}.", "A folder of documents was expected.")
    files: list[File] = []
    left: list[LeftOut] = []

    def sort(name: str, path: Path) -> None:
        if path.suffix.lower() in READERS:
            files.append(File(name, path))
        else:
            left.append(LeftOut(name, OTHER_KIND, other_kind=True))

    if folder.is_file():
        sort(_shown(Path(folder.name)), folder)
        return files, left

    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder)
        left.append(LeftOut(_shown(name), f"the folder cannot be read: {error.strerror}"))

    for here, folders, names in os.walk(folder, onerror=unreadable):
        inside = [name for name in sorted(folders) if not name.startswith(".")]
        for name in inside:
            if Path(here, name).is_symlink():
                place = Path(here, name).relative_to(folder)
                left.append(LeftOut(_shown(place), "it is a link to a folder"))
        below = [n for n in inside if Path(here, n).resolve() != without.resolve()]
        folders[:] = [name for name in below if not _is_run(Path(here, name))]
        for name in sorted(names):
            if not name.startswith((".", "~$")):  # the latter are locks of Word
                sort(_shown(Path(here, name).relative_to(folder)), Path(here, name))
    return files, left


def _is_run(folder: Path) -> bool:
    return all((folder / file).is_file() for file in ("data.json", "plan.json"))


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        Unreadable: it is no file, too large, or may not be read.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):  # reading a pipe would wait for ever
            raise Unreadable("it is no file but a pipe or a device")
        if state.st_size > MOST_BYTES:
            size = state.st_size / 2**20
            raise Unreadable(f"it has {size:.0f} MB; at most {MOST_BYTES / 2**20:.0f} are read")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(_told(error, path)) from None


def read(path: Path) -> Document:
    """What a file says.

    Raises:
        Unreadable: it is damaged, locked, empty or no text.
    """
    import zipfile
    import zlib

    from docx.opc.exceptions import PackageNotFoundError
    from pypdf.errors import PyPdfError

    faults = FAULTS if path.suffix.lower() in PARSED else ()
    damaged = (PyPdfError, PackageNotFoundError, zipfile.BadZipFile, zlib.error, *faults)
    try:
        document = READERS[path.suffix.lower()](path)
    except Unreadable:
        raise
    except OSError as error:
        raise Unreadable(_told(error, path)) from None
    except damaged as error:
        kind = path.suffix.lower().removeprefix(".").upper()
        told = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise Unreadable(f"it is damaged, or no {kind} ({told})") from error
    if not document.text.strip():
        raise Unreadable("it is empty")
    return document


def _told(error: OSError, path: Path) -> str:
    if path.is_symlink() and not path.exists():
        return "it is a link to nothing"
    return f"it cannot be read: {error.strerror or error}"


def _shown(path: Path) -> str:
    """A path as text; bytes of a name that are no characters are written out."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")

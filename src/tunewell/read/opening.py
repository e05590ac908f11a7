"""Files as bytes: packed with gzip or xz or not, or a plain refusal."""

from __future__ import annotations

import difflib
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.tables import file_and_table
from tunewell.read.words import names_listed

PACKED = {b"\x1f\x8b": gzip.open, b"\xfd7": lzma.open}
"""How a packed file begins -> what unpacks it."""


def open_bytes(path: Path) -> gzip.GzipFile | lzma.LZMAFile | io.BufferedReader:
    """The bytes of a file, unpacked if they are gzip or xz, whatever its name says."""
    path, _ = file_and_table(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder.", "A file was expected.")
    if not path.exists():
        raise no_such_file(path)
    try:
        with path.open("rb") as raw:
            unpack = PACKED.get(raw.read(2))
        return unpack(path) if unpack else path.open("rb")
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}.") from error


def state_of(file: Path) -> tuple[int, int, int]:
    """Equal as long as a file stays as it is: what was found out about it holds as long."""
    with open_bytes(file):
        state = file.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino


@contextmanager
def whole_file(path: Path) -> Iterator[None]:
    """Turns what a damaged or vanishing file raises while it is read into a DataError."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise DataError(
            f"{path}: the compressed file is damaged or cut short.",
            remedy="Copy or download it again.",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} ends in the middle of a character: it is damaged or cut short.",
            remedy="Copy or download it again.",
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def empty_file(path: Path) -> DataError:
    """The refusal of a file with nothing in it."""
    return DataError(f"{path} is empty.", "A table with a header and rows was expected.")


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

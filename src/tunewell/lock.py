"""A folder is worked in by one process at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tunewell.errors import ResourceError


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A lock on a folder; the other's process number is told where there is one."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / ".running"
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text() if holder.exists() else "another process"
        raise ResourceError(
            f"{folder} is in use by {who}.", "", "Wait for it, or choose another folder with --out."
        ) from None
    try:
        holder.write_text(f"process {os.getpid()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()

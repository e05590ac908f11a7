"""Replies of endpoints on disk, by all that was asked, so that nothing is paid for twice."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunewell.endpoint import Endpoint
from tunewell.fit.prompting.writers import Said
from tunewell.values import fingerprint, read_json, write_json

DAYS = 30
"""For which a reply is kept: what goes by a name at a server changes in time."""


def folder() -> Path:
    """Where replies are kept: under TUNEWELL_CACHE, else where this system keeps caches."""
    home = os.environ.get("TUNEWELL_CACHE")
    if home:
        return Path(home) / "endpoints"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "tunewell" / "endpoints"


def key_of(endpoint: Endpoint, request: dict[str, Any]) -> str:
    """Of a request: its server, model, messages and settings."""
    which: dict[str, Any] = {"base_url": endpoint.base_url}
    if endpoint.created is not None:
        which["created"] = endpoint.created
    return fingerprint({**which, **request})


def find(key: str, since: float = 0.0) -> Said | None:
    """The reply that is kept; None where there is none, it is too old, or its file is damaged.

    Args:
        since: it must have been kept after that, in seconds since 1970.
    """
    path = _path(key)
    try:
        value = read_json(path)
        kept_at = float(value.pop("kept_at"))
        said = Said(**value)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if kept_at < time.time() - DAYS * 86_400:
        path.unlink(missing_ok=True)
        return None
    return said if kept_at >= since else None


def keep(key: str, said: Said) -> None:
    """Keep a reply, for this user alone.

    One that cannot be kept, as the disk is full or another run keeps it just now, is used all the
    same, and asked for again another time.
    """
    path = _path(key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(path, {"kept_at": time.time(), **said._asdict()})


def _path(key: str) -> Path:
    return folder() / key[:2] / f"{key}.json"

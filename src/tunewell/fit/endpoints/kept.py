"""Replies of endpoints on disk, by all that was asked, so that nothing is paid for twice."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunewell.fit.prompting.writers import Said
from tunewell.values import fingerprint, read_json, write_json


def folder() -> Path:
    """Where replies are kept: under TUNEWELL_CACHE, else where this system keeps caches."""
    home = os.environ.get("TUNEWELL_CACHE")
    if home:
        return Path(home) / "endpoints"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "tunewell" / "endpoints"


def key_of(base_url: str | None, request: dict[str, Any]) -> str:
    """Of a request: its server, model, messages and settings."""
    return fingerprint({"base_url": base_url, **request})


def find(key: str) -> Said | None:
    """The reply that is kept; None where there is none, or its file is damaged."""
    try:
        return Said(**read_json(_path(key)))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def keep(key: str, said: Said) -> None:
    """Keep a reply, for this user alone.

    One that cannot be kept, as the disk is full or another run keeps it just now, is used all the
    same, and asked for again another time.
    """
    path = _path(key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(path, said._asdict())


def _path(key: str) -> Path:
    return folder() / key[:2] / f"{key}.json"

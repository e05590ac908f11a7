"""Replies of endpoints on disk, by all that was asked, so that nothing is paid for twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tunewell.errors import is_disk_full
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
    """Keep a reply, for this user alone; one that finds no room is told by whoever needs it."""
    path = _path(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_json(path, said._asdict())
    except OSError as error:
        if not is_disk_full(error):
            raise


def _path(key: str) -> Path:
    return folder() / key[:2] / f"{key}.json"

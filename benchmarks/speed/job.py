"""A job on the benchmark's rows, for what the command line has no words for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewell.contracts import Job
from tunewell.options import from_keywords
from tunewell.ready import Ready, prepare


def ready(rows: Path, length: int, **options: Any) -> Ready:
    """What `tunewell fit` would know before anything runs."""
    files = {"data": rows / "train.csv", "validation": rows / "validation.csv"}
    given = from_keywords({**files, "test": rows / "test.csv", "max_length": length, **options})
    return prepare(given.options)


def job(known: Ready) -> Job:
    """What a method is given, with seed 0; nothing is kept on the disk."""
    return known.job(known.backbones[0], 0)

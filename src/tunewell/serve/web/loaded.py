"""The recommended models of runs, kept in memory while they are asked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock

from tunewell.contracts import Predictor
from tunewell.endpoint import Caps
from tunewell.serve.web.shelf import Kept

PATIENCE_SECONDS = 30.0
"""For an answer of a model that is asked over HTTP; others wait meanwhile."""
BUSY = Lock()
"""Models answer one after the other: several threads at once would be no faster."""


def model(kept: Kept) -> Predictor:
    """The recommended model, loaded once."""
    with BUSY:
        return _model(kept.folder, stamp(kept))


def warm_up() -> None:
    """Import what the first model and the first look at rows would wait for.

    One at a time: transformers cannot be imported by two threads at once.
    """
    with BUSY:
        from transformers import AutoConfig, AutoModel, AutoTokenizer  # noqa: F401


def stamp(kept: Kept) -> int:
    """What is another number once the run has other results."""
    return (kept.folder / "comparison.json").stat().st_mtime_ns


@lru_cache(maxsize=2)
def _model(folder: Path, stamp: int) -> Predictor:
    from tunewell import run

    predictor = run.load(folder)
    if hasattr(predictor, "bounded"):
        return predictor.bounded(Caps(seconds=PATIENCE_SECONDS))
    return predictor

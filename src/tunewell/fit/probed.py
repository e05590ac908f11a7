"""What a frozen body's pass over the rows would take, from a few of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tunewell.contracts import Job
from tunewell.fit.batches import TOKENS, probe_batches
from tunewell.fit.pieces import Piece
from tunewell.values import Progress

if TYPE_CHECKING:
    from tunewell.fit.prefix import FrozenBody

Found = tuple[dict[str, Tensor], float]
"""Vectors of some pieces by pooling, and the seconds that all would take."""
_FOUND: dict[str, Found] = {}
"""By the last probe, under the key of its pieces."""


def probed(job: Job, body: FrozenBody, pieces: Sequence[Piece], key: str) -> dict[str, Tensor]:
    """Vectors of a few pieces, repeated for all; what the pass would take is reported.

    Few tokens are not read again by the next method's probe. Of many the memory is to be seen.

    Args:
        key: of what the body makes of the pieces.
    """
    begun = time.perf_counter()
    if key not in _FOUND or sum(len(piece.ids) for piece in pieces) > 4 * TOKENS:
        _FOUND.clear()
        _FOUND[key] = _read(body, pieces)
    few, seconds = _FOUND[key]
    job.report_progress(
        Progress(
            borrowed_seconds=seconds,
            measuring_seconds=time.perf_counter() - begun,
            answer_seconds=seconds / (len(job.train) + len(job.validation)),
        )
    )
    return {pooling: rows[torch.arange(len(pieces)) % len(rows)] for pooling, rows in few.items()}


def _read(body: FrozenBody, pieces: Sequence[Piece]) -> Found:
    lengths = [len(piece.ids) for piece in pieces]
    first, chosen = probe_batches(lengths)
    body.read([pieces[row] for row in first])  # the first call pays for the start
    begun = time.perf_counter()
    read = [body.read([pieces[row] for row in rows]) for rows in chosen]
    tokens = sum(lengths[row] for rows in chosen for row in rows)
    seconds = (time.perf_counter() - begun) / tokens * sum(lengths)
    return {pooling: torch.cat([part[pooling] for part in read]) for pooling in read[0]}, seconds

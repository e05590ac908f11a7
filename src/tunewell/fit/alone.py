"""Whether a row is answered alone as it is beside a longer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import padded

APART = 1e-3
"""Share of the largest logit; padding alone moves float32 logits by a millionth of it."""


def reads_padding(model: nn.Module, head: Any, pieces: Sequence[Piece], pad_id: int) -> bool:
    """Whether the logits of the shortest row change when the longest stands beside it.

    Args:
        model: a classifier; it is left in evaluation mode.
        head: turns a batch into logits.
        pieces: of some rows; where all have one length, half of one stands for a shorter one.
    """
    short = min(pieces, key=lambda piece: len(piece.ids))
    long = max(pieces, key=lambda piece: len(piece.ids))
    if len(short.ids) == len(long.ids):  # such as texts that were all cut
        long = _first(long, max(2, len(long.ids)))
        short = _first(short, len(long.ids) // 2)
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        alone = head.logits(model, padded([short], pad_id, device))[0]
        beside = head.logits(model, padded([short, long], pad_id, device))[0]
    if alone.shape != beside.shape:  # logits of every token
        beside = beside[: len(alone)]
    return bool((alone - beside).abs().max() > APART * alone.abs().max() + 1e-6)


def _first(piece: Piece, count: int) -> Piece:
    """The first tokens of a piece; it begins again where it has fewer."""
    types = piece.type_ids and [*piece.type_ids, *piece.type_ids][:count]
    return replace(piece, ids=[*piece.ids, *piece.ids][:count], type_ids=types)

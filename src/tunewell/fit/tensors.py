"""Rows as padded tensors, run in the precision that the machine is set to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.pieces import Piece
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Machine

LOW = torch.finfo(torch.float32).min
"""A logit that no softmax gives anything to."""


def autocast(machine: Machine) -> torch.autocast:
    """Matrix products in the machine's dtype; weights stay float32."""
    dtype = getattr(torch, machine.dtype)
    return torch.autocast(
        machine.device.split(":")[0], dtype=dtype, enabled=dtype is not torch.float32
    )


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, which some of torch's errors say in their text only."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "can't allocate memory" in str(error) or "out of memory" in str(error)


def padded(
    pieces: Sequence[Piece], pad_id: int, device: str | torch.device
) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask` (batch, tokens), padded on the right.

    With `token_type_ids` and `labels` where the pieces have them.
    """
    longest = max(len(piece.ids) for piece in pieces)
    ids = [[*piece.ids, *[pad_id] * (longest - len(piece.ids))] for piece in pieces]
    mask = [[1] * len(piece.ids) + [0] * (longest - len(piece.ids)) for piece in pieces]
    batch = {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }
    if any(piece.type_ids is not None for piece in pieces):
        kinds = [piece.type_ids or () for piece in pieces]
        rows = [[*kind, *[0] * (longest - len(kind))] for kind in kinds]
        batch["token_type_ids"] = torch.tensor(rows, device=device)
    if any(piece.labels is not None for piece in pieces):
        labels = [piece.labels or () for piece in pieces]
        most = max(map(len, labels))
        filled = [[*each, *[IGNORED] * (most - len(each))] for each in labels]
        batch["labels"] = torch.tensor(filled, device=device)
    return batch


def run_pieces(
    model: nn.Module,
    head: Any,
    pieces: Sequence[Piece],
    pad_id: int,
    machine: Machine,
    tokens: int = TOKENS,
    around: Callable[[list[int]], AbstractContextManager[None]] = lambda numbers: nullcontext(),
) -> torch.Tensor:
    """Logits of pieces (pieces, ...), in their order, on the CPU.

    Logits for every token are filled up with `LOW` where a piece is shorter than the longest.

    Args:
        around: what holds while the pieces of some numbers run.
    """
    model.eval()
    lengths = [piece.tokens for piece in pieces]
    parts, order = [], []
    with torch.inference_mode(), autocast(machine):
        for numbers in within_tokens(range(len(pieces)), lengths, tokens):
            batch = padded([pieces[number] for number in numbers], pad_id, machine.device)
            with around(numbers):
                parts.append(head.logits(model, batch).cpu())
            order += numbers
    return _stacked(parts)[torch.tensor(order).argsort()]


def _stacked(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Parts (batch, tokens, ...) or (batch, ...) one after the other."""
    if len({part.shape[1:] for part in parts}) > 1:
        most = max(part.shape[1] for part in parts)
        wider = [part.new_full((len(part), most, *part.shape[2:]), LOW) for part in parts]
        for wide, part in zip(wider, parts, strict=True):
            wide[:, : part.shape[1]] = part
        parts = wider
    return torch.cat(list(parts))

"""Rows as a head makes pieces of them, and what a model says to these."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import LOW
from tunewell.values import frozen


def examples(file: str) -> dict[int, tuple[Any, Any]]:
    """Input and target of every line, by its number."""
    with Path(file).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    found = [(frozen(row["input"]), frozen(row["target"])) for row in rows]
    return dict(enumerate(found, start=1))


def begun(lead: str, given: Any) -> Any:
    """An input with what stands before its first text."""
    if not lead:
        return given
    return lead + given if isinstance(given, str) else (lead + given[0], *given[1:])


def as_batch(pieces: Sequence[Piece], pad_id: int) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` and maybe `token_type_ids`, padded on the right."""
    longest = max(len(piece.ids) for piece in pieces)

    def filled(rows: Sequence[Sequence[int]], with_what: int) -> Tensor:
        return torch.tensor([[*row, *[with_what] * (longest - len(row))] for row in rows])

    batch = {
        "input_ids": filled([piece.ids for piece in pieces], pad_id),
        "attention_mask": filled([[1] * len(piece.ids) for piece in pieces], 0),
    }
    if any(piece.type_ids is not None for piece in pieces):
        batch["token_type_ids"] = filled([piece.type_ids or () for piece in pieces], 0)
    return batch


def all_of(run: Callable[[Sequence[Piece]], Tensor], pieces: Sequence[Piece]) -> Tensor:
    """What `run` makes of all pieces (pieces, ...), 32 of like length at a time.

    Of tokens (pieces, tokens, ...), filled up where a piece is shorter than the longest.
    """
    order = sorted(range(len(pieces)), key=lambda number: len(pieces[number].ids))
    with torch.no_grad():
        parts = [
            run([pieces[number] for number in order[start : start + 32]])
            for start in range(0, len(order), 32)
        ]
    if parts[0].dim() > 2:
        most = max(part.shape[1] for part in parts)
        parts = [
            torch.nn.functional.pad(part, (0, 0, 0, most - part.shape[1]), value=LOW)
            for part in parts
        ]
    return torch.cat(parts)[torch.tensor(order).argsort()]

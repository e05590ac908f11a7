"""How little a language model expects texts: the cross-entropy of each, in nats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from tunewell.fit.heads.writing import WritingHead, learnt_tokens
from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import run_pieces
from tunewell.fit.vocabulary import IGNORED
from tunewell.surprise import Surprise
from tunewell.values import Machine

CHUNK = 1024
"""Rows whose losses are there at once."""


def surprises(
    model: nn.Module,
    head: WritingHead,
    tokenizer: Any,
    inputs: Sequence[Any],
    targets: Sequence[str],
    max_length: int,
    machine: Machine,
) -> list[Surprise | None]:
    """Of each target after its input, its end included; None where nothing of it fits.

    Of a text that is cut, what is left counts, in nats as in bytes.

    Args:
        model, head, tokenizer: as they are fitted; the head is settled on the model.
        max_length: tokens that a row may have.
    """
    found: list[Surprise | None] = [None] * len(inputs)
    for start in range(0, len(inputs), CHUNK):
        rows = slice(start, start + CHUNK)
        pieces = head.solved(tokenizer, inputs[rows], targets[rows], max_length)
        nats = piece_nats(model, head, tokenizer.pad_token_id, pieces, machine)
        for piece, sum_of_losses in zip(pieces, nats, strict=True):
            row = start + piece.row
            size = _said_bytes(head, tokenizer, inputs[row], targets[row], piece)
            found[row] = Surprise(sum_of_losses, learnt_tokens(piece), size)
    return found


def piece_nats(
    model: nn.Module, head: Any, pad_id: int, pieces: Sequence[Piece], machine: Machine
) -> list[float]:
    """Cross-entropy of what is to be said of each piece, summed over its tokens."""
    if not pieces:
        return []
    losses = run_pieces(model, head, pieces, pad_id, machine)  # (pieces, tokens)
    return losses.clamp(min=0).double().sum(-1).tolist()


def _said_bytes(head: WritingHead, tokenizer: Any, given: Any, target: str, piece: Piece) -> int:
    """UTF-8 bytes of what a piece is learnt of; of a text that was cut, of the tokens left."""
    goes_on = getattr(head.task, "learns_input", False)
    if not piece.extra.answer and not (goes_on and piece.extra.asked):
        whole = head.task.conversation(given) + target if goes_on else target
        return max(1, len(whole.encode("utf-8", "surrogatepass")))
    left = [label for label in piece.labels or () if label != IGNORED]
    return max(1, len(tokenizer.decode(left, skip_special_tokens=True).encode("utf-8")))

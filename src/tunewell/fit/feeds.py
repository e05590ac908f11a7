"""What the loop trains on: pieces, or the vectors that a frozen body gave once and for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.fit import anatomy
from tunewell.fit.depth import Lower
from tunewell.fit.heads import Head
from tunewell.fit.heads.own import pool
from tunewell.fit.kept import Kept
from tunewell.fit.pieces import Piece, by_row
from tunewell.fit.prefix import POOLINGS, frozen_pass
from tunewell.fit.tensors import autocast, padded, run_pieces
from tunewell.values import Machine


@dataclass(frozen=True)
class Units:
    """What one training example is: a row with all of its pieces, or a piece by itself."""

    rows: list[list[int]] | None
    """Numbers of the pieces of each row; None: each piece is an example."""

    @classmethod
    def of(cls, head: Head, pieces: Sequence[Piece]) -> Units:
        """As the head wants them."""
        return cls(by_row(pieces) if head.whole_rows else None)

    def numbers(self, units: Sequence[int]) -> list[int]:
        """Numbers of the pieces of some units."""
        if self.rows is None:
            return list(units)
        return [number for unit in units for number in self.rows[unit]]

    def lengths(self, lengths: list[int]) -> list[int]:
        """Of units, from those of pieces, which are padded to the longest of their unit."""
        if self.rows is None:
            return lengths
        return [max(lengths[number] for number in row) * len(row) for row in self.rows]


@dataclass(frozen=True)
class TokenFeed:
    """Pieces as token ids, run through the whole model."""

    head: Head
    pieces: list[Piece]
    targets: Tensor
    """(units, ...), as the head made them."""
    pad_id: int
    machine: Machine

    @cached_property
    def units(self) -> Units:
        """The training examples."""
        return Units.of(self.head, self.pieces)

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each unit, its pieces padded to the longest of them."""
        return self.units.lengths([piece.tokens for piece in self.pieces])

    def logits(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """Logits of the pieces of some units, with gradients."""
        pieces = [self.pieces[number] for number in self.units.numbers(rows)]
        batch = padded(pieces, self.pad_id, self.machine.device)
        with autocast(self.machine):
            return self.head.logits(model, batch)

    def losses(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """The loss of each of some units, with gradients."""
        pieces = [self.pieces[number] for number in self.units.numbers(rows)]
        return self.head.losses(pieces, self.logits(model, rows), self.targets[list(rows)])

    def all_logits(self, model: nn.Module, tokens: int) -> Tensor:
        """Logits of every piece, without gradients, on the CPU."""
        return run_pieces(model, self.head, self.pieces, self.pad_id, self.machine, tokens)


@dataclass(frozen=True)
class VectorFeed:
    """Pieces as the vectors that the head reads; the body does not run."""

    head: Head
    pieces: list[Piece]
    vectors: Tensor  # (pieces, hidden)
    targets: Tensor  # (units, ...)

    @cached_property
    def units(self) -> Units:
        """The training examples."""
        return Units.of(self.head, self.pieces)

    @cached_property
    def lengths(self) -> list[int]:
        """A piece counts as one token."""
        return self.units.lengths([1] * len(self.pieces))

    def logits(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """Logits of the pieces of some units, with gradients for the head."""
        return head_alone(model, self.vectors[self.units.numbers(rows)])

    def losses(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """The loss of each of some units, with gradients for the head."""
        pieces = [self.pieces[number] for number in self.units.numbers(rows)]
        return self.head.losses(pieces, self.logits(model, rows), self.targets[list(rows)])

    def all_logits(self, model: nn.Module, tokens: int) -> Tensor:
        """Logits of every piece, without gradients, on the CPU."""
        model.eval()
        with torch.inference_mode():
            return head_alone(model, self.vectors).cpu()


@dataclass(frozen=True)
class KeptFeed:
    """Pieces as the states that the frozen layers gave; only the layers above them run."""

    tokens: TokenFeed
    lower: Lower
    kept: Kept
    first: int
    """Number of its first piece among those that are kept."""
    pass_seconds: float = 0.0
    """What it would take to compute all that is kept; set in a probe alone."""

    @property
    def head(self) -> Head:
        """As of the tokens."""
        return self.tokens.head

    @property
    def pieces(self) -> list[Piece]:
        """As of the tokens."""
        return self.tokens.pieces

    @property
    def targets(self) -> Tensor:
        """As of the tokens."""
        return self.tokens.targets

    @property
    def units(self) -> Units:
        """As of the tokens."""
        return self.tokens.units

    @property
    def lengths(self) -> list[int]:
        """As of the tokens."""
        return self.tokens.lengths

    def losses(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """The loss of each of some units, with gradients."""
        with self._given(self.tokens.units.numbers(rows)):
            return self.tokens.losses(model, rows)

    def all_logits(self, model: nn.Module, tokens: int) -> Tensor:
        """Logits of every piece, without gradients, on the CPU."""
        feed = self.tokens
        return run_pieces(
            model, feed.head, feed.pieces, feed.pad_id, feed.machine, tokens, self._given
        )

    def _given(self, numbers: Sequence[int]) -> AbstractContextManager[None]:
        states = self.kept.of([self.first + number for number in numbers])
        lengths = [len(self.pieces[number].ids) for number in numbers]
        return self.lower.given(states.to(self.tokens.machine.device), lengths)


Feed = TokenFeed | VectorFeed | KeptFeed


def head_alone(model: nn.Module, vectors: Tensor) -> Tensor:
    """Logits (rows, labels) of vectors (rows, hidden), as the head would give them.

    A stock head is run on rows of one token whose hidden state is the vector.
    """
    if hasattr(model, "pooling"):
        return model.head(vectors)
    from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions

    body = anatomy.body(model)
    hidden = vectors.unsqueeze(1)  # (rows, 1, hidden)
    pooler = getattr(body, "pooler", None)

    def given(*args: Any, **kwargs: Any) -> Any:
        pooled = pooler(hidden) if isinstance(pooler, nn.Module) else None
        return BaseModelOutputWithPoolingAndCrossAttentions(
            last_hidden_state=hidden, pooler_output=pooled
        )

    pad = model.config.pad_token_id or 0
    ids = torch.full((len(vectors), 1), 1 if pad == 0 else 0, device=vectors.device)
    own, body.forward = body.forward, given
    try:
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.float()
    finally:
        body.forward = own


@contextmanager
def set_aside(model: nn.Module, feed: Feed) -> Iterator[None]:
    """Inside, the body is not in a model of ours where it does not run on what the feed has.

    Each step would look through its modules otherwise, which takes longer than the step itself.
    """
    if not isinstance(feed, VectorFeed) or not hasattr(model, "pooling"):
        yield
        return
    body, model.backbone = model.backbone, nn.Module()
    try:
        yield
    finally:
        model.backbone = body


def only_head_moves(model: nn.Module) -> bool:
    """Whether every trained parameter is in what `head_alone` runs.

    That is the output layers beside the body, and a stock body's pooler.
    """
    heads = tuple(f"{name}." for name in anatomy.head_modules(model))
    if not hasattr(model, "pooling"):
        heads += (f"{model.base_model_prefix}.pooler.",)
    return all(name.startswith(heads) for name, p in model.named_parameters() if p.requires_grad)


def frozen_feeds(
    job: Job, model: nn.Module, train: TokenFeed, validation: TokenFeed
) -> tuple[VectorFeed, VectorFeed] | None:
    """Both parts as vectors, where one vector a piece holds all that the head reads, else None."""
    pooling = train.head.pooling
    if pooling is None:  # the architecture's own output layers
        pooling = getattr(model, "reads", None)
    if pooling not in POOLINGS:
        return None
    read = frozen_pass(job, train.pieces, validation.pieces)
    made = [
        VectorFeed(feed.head, feed.pieces, vectors[pooling].to(job.machine.device), feed.targets)
        for feed, vectors in zip((train, validation), read, strict=True)
    ]
    return made[0], made[1]


def what_the_head_reads(
    model: nn.Module, head: Head, pieces: Sequence[Piece], pad_id: int
) -> str | None:
    """The pooling whose vector alone gives a stock head's logits on three pieces, if one does.

    In float32 whatever the machine's precision: a fresh head's logits lie so near to each other
    that bfloat16 cannot tell one pooling from another.
    """
    middle = len(pieces) // 2
    some = sorted(pieces, key=lambda piece: len(piece.ids))[max(0, middle - 1) : middle + 2]
    batch = padded(some, pad_id, next(model.parameters()).device)
    model.eval()
    with torch.no_grad():
        whole = head.logits(model, batch)
        hidden = anatomy.body(model)(**batch).last_hidden_state  # (rows, tokens, hidden)
        for pooling in POOLINGS:
            alone = head_alone(model, pool(hidden, batch["attention_mask"], pooling))
            if torch.allclose(whole, alone, rtol=1e-4, atol=1e-5):
                return pooling
    return None

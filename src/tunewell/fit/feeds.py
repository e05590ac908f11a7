"""What the loop trains on: token ids, or the vectors that a frozen body gave once and for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.fit import anatomy
from tunewell.fit.prefix import POOLINGS, frozen_pass
from tunewell.fit.tensors import autocast, padded, run_rows
from tunewell.values import Machine


@dataclass(frozen=True)
class TokenFeed:
    """Rows as token ids, run through the whole model."""

    head: Any
    encoded: list[list[int]]
    targets: Tensor
    pad_id: int
    machine: Machine

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row."""
        return [len(ids) for ids in self.encoded]

    def logits(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """Logits of some rows, with gradients."""
        batch = padded([self.encoded[row] for row in rows], self.pad_id, self.machine.device)
        with autocast(self.machine):
            return self.head.logits(model, batch)

    def all_logits(self, model: nn.Module, tokens: int) -> Tensor:
        """Logits of every row, without gradients, on the CPU."""
        return run_rows(model, self.head, self.encoded, self.pad_id, self.machine, tokens)


@dataclass(frozen=True)
class VectorFeed:
    """Rows as the vectors that the head reads; the body does not run."""

    head: Any
    vectors: Tensor  # (rows, hidden)
    targets: Tensor

    @property
    def lengths(self) -> list[int]:
        """A row counts as one token."""
        return [1] * len(self.vectors)

    def logits(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """Logits of some rows, with gradients for the head."""
        return head_alone(model, self.vectors[list(rows)])

    def all_logits(self, model: nn.Module, tokens: int) -> Tensor:
        """Logits of every row, without gradients, on the CPU."""
        model.eval()
        with torch.inference_mode():
            return head_alone(model, self.vectors).cpu()


Feed = TokenFeed | VectorFeed


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


def only_head_moves(model: nn.Module) -> bool:
    """Whether every trained parameter is in output layers that stand beside the body."""
    heads = tuple(f"{name}." for name in anatomy.head_modules(model))
    return all(name.startswith(heads) for name, p in model.named_parameters() if p.requires_grad)


def frozen_feeds(
    job: Job, model: nn.Module, train: TokenFeed, validation: TokenFeed
) -> tuple[VectorFeed, VectorFeed] | None:
    """Both parts as vectors, where one vector a row holds all that the head reads.

    Which of a row's vectors that is, is found by comparing logits on three rows; None where
    none of them gives the logits of the whole model.
    """
    train_vectors, validation_vectors = frozen_pass(job)
    sample = range(min(3, len(train.encoded)))
    model.eval()
    with torch.inference_mode():
        whole = train.logits(model, sample)
        for pooling in (train.head.pooling,) if train.head.pooling else POOLINGS:
            vectors = train_vectors[pooling].to(job.machine.device)
            alone = head_alone(model, vectors[list(sample)])
            if torch.allclose(whole, alone, atol=1e-4 if job.machine.dtype == "float32" else 0.1):
                held_out = validation_vectors[pooling].to(job.machine.device)
                return (
                    VectorFeed(train.head, vectors, train.targets),
                    VectorFeed(validation.head, held_out, validation.targets),
                )
    return None

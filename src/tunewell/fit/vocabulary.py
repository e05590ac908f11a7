"""Cross-entropy over a large vocabulary, without the logits of all tokens ever lying in memory.

Logits are made for tokens with a label alone, some tokens at a time. For the gradient they are made
again (Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", arXiv 2411.09009),
unless there are so few that what it takes of them may be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

IGNORED = -100
"""The label of a token whose answer does not count."""
LOGITS = 2**24
"""Numbers that the logits of a chunk consist of, where no chunk is named: 64 MB."""
KEPT = 2**26
"""Most logits whose part in the gradient is kept, in the precision of products: 128 MB of bf16."""


def cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, chunk: int | None = None
) -> Tensor:
    """The loss of each token, in float32; 0 where its label is `IGNORED`.

    As `torch.nn.functional.cross_entropy(hidden @ weight.T + bias, labels, reduction="none")`,
    also inside of autocast, where products run in its precision.

    Args:
        hidden: last states (..., hidden), of any shape.
        weight: (vocabulary, hidden), as of the last linear layer.
        bias: (vocabulary,).
        labels: whole numbers (...), one a token.
        chunk: tokens whose logits are there at once, and no longer; chosen if None.

    Returns:
        Losses (...), shaped as the labels.
    """
    at = (labels.flatten() != IGNORED).nonzero().squeeze(1)  # (labelled,)
    keep = chunk is None and len(at) * len(weight) <= KEPT
    chunk = chunk or max(1, LOGITS // len(weight))
    device = hidden.device.type
    reduced = torch.is_autocast_enabled(device)
    dtype = torch.get_autocast_dtype(device) if reduced else weight.dtype
    losses = _Chunked.apply(
        hidden.flatten(0, -2)[at].to(dtype),
        weight.to(dtype),
        bias,
        labels.flatten()[at],
        chunk,
        keep,
    )
    everywhere = losses.new_zeros(labels.numel())
    return everywhere.index_copy(0, at, losses).view_as(labels)


class _Chunked(torch.autograd.Function):
    """The losses of labelled tokens (tokens,), from states (tokens, hidden)."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        chunk: int,
        keep: bool,
    ) -> Tensor:
        losses = hidden.new_empty(len(hidden), dtype=torch.float32)
        # With frozen weights a token's gradient is known now, but for a factor.
        learning = any(ctx.needs_input_grad[1:3])
        ready = ctx.needs_input_grad[0] and not learning
        of_hidden = torch.empty_like(hidden) if ready else None
        slopes = hidden.new_empty(len(hidden), len(weight)) if learning and keep else None
        for part, logits in _logits(hidden, weight, bias, chunk):
            own = labels[part].unsqueeze(1)
            losses[part] = logits.logsumexp(1) - logits.gather(1, own).squeeze(1)
            if of_hidden is not None:
                of_hidden[part] = _slope(logits, own).to(hidden.dtype) @ weight
            if slopes is not None:
                slopes[part] = _slope(logits, own)
        ctx.chunk = chunk
        ctx.save_for_backward(hidden, weight, bias, labels, of_hidden, slopes)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, factors: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels, of_hidden, slopes = ctx.saved_tensors
        factors = factors.unsqueeze(1)  # (tokens, 1)
        if of_hidden is not None:
            return (of_hidden * factors).to(hidden.dtype), *(None,) * 5
        moves, weight_moves, bias_moves = ctx.needs_input_grad[:3]
        if slopes is not None:
            each = (slopes @ weight * factors).to(hidden.dtype) if moves else None
            whole = slopes.T @ (hidden * factors).to(hidden.dtype) if weight_moves else None
            shift = (factors.T @ slopes.float()).squeeze(0) if bias_moves else None
            return each, whole, None if shift is None else shift.to(bias.dtype), *(None,) * 3
        of_hidden = torch.empty_like(hidden) if moves else None
        of_weight = torch.zeros_like(weight, dtype=torch.float32) if weight_moves else None
        of_bias = torch.zeros_like(bias, dtype=torch.float32) if bias_moves else None
        for part, logits in _logits(hidden, weight, bias, ctx.chunk):
            slope = _slope(logits, labels[part].unsqueeze(1)).mul_(factors[part])
            if of_bias is not None:
                of_bias += slope.sum(0)
            reduced = slope.to(hidden.dtype)
            if of_hidden is not None:
                of_hidden[part] = reduced @ weight
            if of_weight is not None:
                of_weight += reduced.T @ hidden[part]
        return (
            of_hidden,
            None if of_weight is None else of_weight.to(weight.dtype),
            None if of_bias is None else of_bias.to(bias.dtype),
            *(None,) * 3,
        )


def _logits(
    hidden: Tensor, weight: Tensor, bias: Tensor | None, chunk: int
) -> Iterator[tuple[slice, Tensor]]:
    """Logits (chunk, vocabulary) in float32 of one part of the tokens after another."""
    with torch.autocast(hidden.device.type, enabled=False):
        for start in range(0, len(hidden), chunk):
            part = slice(start, start + chunk)
            logits = (hidden[part] @ weight.T).float()
            yield part, logits if bias is None else logits.add_(bias)


def _slope(logits: Tensor, labels: Tensor) -> Tensor:
    """Of the loss by the logits: probabilities, less 1 at the label."""
    slope = logits.softmax(1)
    return slope.scatter_add_(1, labels, slope.new_full(labels.shape, -1.0))

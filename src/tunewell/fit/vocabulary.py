"""Cross-entropy over a large vocabulary, without the logits of all tokens ever lying in memory.

Logits are made for tokens with a label alone, some tokens at a time, and made again for the
gradient (Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", arXiv 2411.09009).
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
        chunk: tokens whose logits are there at once; chosen if None.

    Returns:
        Losses (...), shaped as the labels.
    """
    chunk = chunk or max(1, LOGITS // len(weight))
    at = (labels.flatten() != IGNORED).nonzero().squeeze(1)  # (labelled,)
    device = hidden.device.type
    reduced = torch.is_autocast_enabled(device)
    dtype = torch.get_autocast_dtype(device) if reduced else weight.dtype
    losses = _Chunked.apply(
        hidden.flatten(0, -2)[at].to(dtype),
        weight.to(dtype),
        bias,
        labels.flatten()[at],
        chunk,
    )
    everywhere = losses.new_zeros(labels.numel())
    return everywhere.index_copy(0, at, losses).view_as(labels)


class _Chunked(torch.autograd.Function):
    """The losses of labelled tokens (tokens,), from states (tokens, hidden)."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, chunk: int
    ) -> Tensor:
        losses = hidden.new_empty(len(hidden), dtype=torch.float32)
        # With frozen weights a token's gradient is known now, but for a factor.
        ready = ctx.needs_input_grad[0] and not any(ctx.needs_input_grad[1:3])
        of_hidden = torch.empty_like(hidden) if ready else None
        for part, logits in _logits(hidden, weight, bias, chunk):
            own = labels[part].unsqueeze(1)
            losses[part] = logits.logsumexp(1) - logits.gather(1, own).squeeze(1)
            if of_hidden is not None:
                of_hidden[part] = _slope(logits, own).to(hidden.dtype) @ weight
        ctx.chunk = chunk
        ctx.save_for_backward(hidden, weight, bias, labels, of_hidden)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, factors: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, labels, of_hidden = ctx.saved_tensors
        factors = factors.unsqueeze(1)  # (tokens, 1)
        if of_hidden is not None:
            return (of_hidden * factors).to(hidden.dtype), None, None, None, None
        moves, weight_moves, bias_moves = ctx.needs_input_grad[:3]
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
            None,
            None,
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

"""Our own output layers over a bare backbone: one vector a row or a token, and a layer or two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from tunewell.fit.backbones import load_model
from tunewell.fit.few import reading
from tunewell.fit.pieces import Piece, by_row
from tunewell.values import Backbone

TOKENS = "tokens"
"""The pooling that leaves every token its own vector."""
_BODY: ContextVar[nn.Module | None] = ContextVar("body", default=None)


@contextmanager
def upon(body: nn.Module) -> Iterator[None]:
    """Inside, `own_model` puts its layers over this body, which does not move, and loads none."""
    token = _BODY.set(body)
    try:
        yield
    finally:
        _BODY.reset(token)


def pool(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """One vector a row, or with `tokens` the vectors as they are.

    Args:
        hidden: (batch, tokens, hidden), padded on the right.
        mask: (batch, tokens), 1 where there is a token.
        pooling: `mean` over tokens, `cls` (the first token), `last`, or `tokens`.
    """
    if pooling == TOKENS:
        return hidden
    if pooling == "cls":
        return hidden[:, 0]
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    weights = mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def row_vectors(vectors: Tensor, pieces: Sequence[Piece], pooling: str) -> Tensor:
    """Vectors (pieces, hidden) -> (rows, hidden): of a row in windows their mean.

    Of means over tokens a window with more tokens counts more.
    """
    rows = by_row(pieces)
    if len(rows) == len(pieces):
        return vectors
    counts = [len(piece.ids) if pooling == "mean" else 1 for piece in pieces]
    weights = vectors.new_tensor(counts).unsqueeze(-1)  # (pieces, 1)
    return torch.stack(
        [
            (vectors[of] * weights[of]).sum(0) / weights[of].sum() if of[1:] else vectors[of[0]]
            for of in rows
        ]
    )


def output_layers(width: int, outputs: int, hidden: int | None, dropout: float) -> nn.Sequential:
    """A linear layer, or with `hidden` units an MLP, that turns a vector into logits."""
    if hidden is None:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, outputs))
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, outputs),
    )


def begin_at(model: nn.Module, shares: Sequence[float]) -> None:
    """Let a new output layer that has a bias answer with the labels' shares at first.

    The bias is log(p / (1 - p)), so that no steps go into learning that most labels are rare:
    Lin et al., "Focal Loss for Dense Object Detection" (arXiv 1708.02002), section 4.1.

    Args:
        model: ours, or one of transformers with a head of its own.
        shares: p of each output, more than 0 and less than 1.
    """
    if has_new_bias(model):
        output_layer(model).bias.data.copy_(torch.tensor(shares).logit())


def has_new_bias(model: nn.Module) -> bool:
    """Whether the output layer has a bias, and not one from a backbone's files."""
    if hasattr(model, "pooling"):
        return True
    bias = output_layer(model).bias
    names = {name for name, p in model.named_parameters() if p is bias}
    return bool(names & model.fresh_head)  # type: ignore[operator]


def output_layer(model: nn.Module) -> nn.Linear:
    """The layer that makes the logits of a classifier: its last linear one."""
    return [part for part in model.modules() if isinstance(part, nn.Linear)][-1]


class PooledModel(nn.Module):
    """A bare backbone, pooled, with our own output layers."""

    def __init__(self, backbone: nn.Module, head: nn.Module, pooling: str) -> None:
        super().__init__()
        self.backbone, self.head, self.pooling = backbone, head, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Tensor) -> Tensor:
        """Token ids and mask (batch, tokens) -> logits (batch, outputs), or of every token."""
        with reading(self.pooling, attention_mask):
            hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask, **more)
        return self.head(pool(hidden.last_hidden_state, attention_mask, self.pooling))


def own_model(
    backbone: Backbone,
    pooling: str,
    outputs: int | None,
    hidden: int | None,
    dropout: float,
    seed: int,
) -> PooledModel:
    """The backbone with fresh output layers; equal seeds give equal ones.

    Args:
        outputs: logits a vector; None: as many as it is wide.
    """
    torch.manual_seed(seed)
    body = _BODY.get()
    if body is None:
        body = load_model(backbone, "AutoModel", dropout=dropout)
    if isinstance(getattr(body, "pooler", None), nn.Module):
        body.pooler.requires_grad_(False)  # we pool ourselves, so no gradient reaches it
    torch.manual_seed(seed)
    width = body.config.hidden_size
    head = output_layers(width, outputs or width, hidden, dropout)
    return PooledModel(body, head, pooling)

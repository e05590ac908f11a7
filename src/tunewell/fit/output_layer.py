"""The loss of each token that is to be written, whatever a model does around its output layer.

What goes into the output layer is caught on its way, so that a model's own scaling before it
counts. Where nothing happens behind it, the loss is computed in pieces (`fit.vocabulary`); else
the model itself makes the logits, of the tokens with a label alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit import anatomy
from tunewell.fit.vocabulary import IGNORED, cross_entropy

CLOSE = 1e-4
"""Share of the largest logit by which logits may differ and yet be those of a plain layer."""


def states(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    """What the output layer reads of each token (rows, tokens, hidden), with gradients."""
    return _run(model, batch, lambda hidden: hidden[:, :0])[0]


def is_plain(model: nn.Module, batch: dict[str, Tensor]) -> bool:
    """Whether the model's logits are those of its output layer and nothing more."""
    model.eval()
    with torch.no_grad():
        hidden, logits = _run(model, batch, lambda hidden: hidden)
        layer = _layer(model)
        alone = nn.functional.linear(hidden, layer.weight, getattr(layer, "bias", None))
    if alone.shape != logits.shape:
        return False
    return bool((alone - logits).abs().max() <= CLOSE * logits.abs().max())


def token_losses(model: nn.Module, batch: dict[str, Tensor], labels: Tensor, plain: bool) -> Tensor:
    """Cross-entropy of each token, in nats and float32; 0 where its label is `IGNORED`.

    Args:
        batch: what the model is given.
        labels: (rows, tokens), of what follows each token.
        plain: as `is_plain` found.
    """
    if plain:
        layer = _layer(model)
        hidden = states(model, batch)
        return cross_entropy(hidden, layer.weight, getattr(layer, "bias", None), labels)
    at = (labels.flatten() != IGNORED).nonzero().squeeze(1)  # (labelled,)
    logits = logits_at(model, batch, at).float()
    losses = nn.functional.cross_entropy(logits, labels.flatten()[at], reduction="none")
    everywhere = losses.new_zeros(labels.numel())
    return everywhere.index_copy(0, at, losses).view_as(labels)


def logits_at(model: nn.Module, batch: dict[str, Tensor], at: Tensor) -> Tensor:
    """Logits of some tokens alone (tokens, vocabulary).

    Args:
        batch: what the model is given.
        at: their numbers in the batch, row after row.
    """
    return _run(model, batch, lambda hidden: hidden.flatten(0, 1)[at].unsqueeze(0))[1].squeeze(0)


def _layer(model: nn.Module) -> Any:
    return anatomy.unwrapped(model).get_output_embeddings()  # type: ignore[operator]


def _run(
    model: nn.Module, batch: dict[str, Tensor], pick: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """What the output layer was to read, and the logits of what `pick` has left of it."""
    found: list[Tensor] = []

    def catch(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        found.append(args[0])
        return (pick(args[0]),)

    inside: Any = anatomy.unwrapped(model)
    without = {"use_cache": False} if inside.can_generate() else {}
    hook = _layer(model).register_forward_pre_hook(catch)
    try:
        logits = inside(**batch, **without).logits
    finally:
        hook.remove()
    return found[-1], logits

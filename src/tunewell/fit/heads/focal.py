"""Focal loss: what is answered surely and right counts less (Lin et al., 2017)."""

from __future__ import annotations

from torch import Tensor


def focal(losses: Tensor, gamma: float) -> Tensor:
    """Cross-entropies in nats, each times (1 - p) ** gamma, p the probability of what is right."""
    return losses if gamma == 0 else losses * (1 - (-losses).exp()) ** gamma

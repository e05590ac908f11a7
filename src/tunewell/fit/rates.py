"""Learning rates that differ between parameters and change with the epoch.

A factor is a pure function of the parameter and the epoch, so that a run that goes on from a
checkpoint needs nothing but its step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

Factors = Callable[[int], Mapping[str, float]]
"""Epoch -> what the learning rate of each named parameter is multiplied by; 0: it stands still.

Parameters that are not named have 1.
"""
Groups = Sequence[dict[str, Any]]
"""An optimizer's groups; `factors` of each holds one factor an epoch."""


def grouped(
    weights: Mapping[str, nn.Parameter], epochs: int, factors: Factors | None
) -> list[dict[str, Any]]:
    """Parameters that share their factors in all epochs; decay holds for weight matrices only."""
    by_epoch = [factors(epoch) if factors else {} for epoch in range(epochs)]
    groups: dict[Any, dict[str, Any]] = {}
    for name, p in weights.items():
        own = tuple(of.get(name, 1.0) for of in by_epoch)
        group = groups.setdefault((own, p.ndim >= 2), {"params": [], "factors": own})
        group["params"].append(p)
        if p.ndim < 2:
            group["weight_decay"] = 0.0
    return list(groups.values())


def begin_epoch(groups: Groups, epoch: int) -> None:
    """Gradients only for what moves in this epoch."""
    for group in groups:
        for p in group["params"]:
            p.requires_grad_(group["factors"][epoch] > 0)


def set_rates(groups: Groups, epoch: int, rate: float) -> None:
    """Each group's learning rate for a step of this epoch."""
    for group in groups:
        group["lr"] = rate * group["factors"][epoch]


def opens_later(groups: Groups, epoch: int) -> bool:
    """Whether something that stands still in this epoch moves in a later one."""
    return any(
        group["factors"][epoch] == 0 and any(group["factors"][epoch + 1 :]) for group in groups
    )

"""How sure answers are, brought into line with how often they are right.

Guo et al., "On Calibration of Modern Neural Networks" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import Any

from tunewell.values import Answer

ENOUGH = 20
"""Rows from which on a temperature is fitted."""
ENDS = (log(0.05), log(20.0))
STEPS = 30
GOLDEN = 0.6180339887498949


def best_temperature(
    labels: Sequence[str], targets: Sequence[Any], answers: Sequence[Answer]
) -> float:
    """What logits are divided by so that the targets are as likely as can be; 1 of few rows.

    To four digits: the next are noise of the last bits of logits.

    A normal distribution of its logarithm around 0 stands before it (deviation 1), so that a
    model that is right on every row does not become boundlessly sure.
    """
    import numpy as np

    at = {label: number for number, label in enumerate(labels)}
    known = [
        (at[target], [answer.scores[label] for label in labels])
        for target, answer in zip(targets, answers, strict=True)
        if target in at and answer.scores is not None
    ]
    if len(known) < ENOUGH:
        return 1.0
    right = np.array([number for number, _ in known])
    logits = np.log(np.maximum(np.array([scores for _, scores in known]), 1e-12))

    def cost(logarithm: float) -> float:
        cooled = logits / exp(logarithm)
        cooled -= cooled.max(1, keepdims=True)
        told = cooled[np.arange(len(right)), right] - np.log(np.exp(cooled).sum(1))
        return float(-told.sum() + logarithm**2 / 2)

    low, high = ENDS
    for _ in range(STEPS):  # golden section: one place of the best is left between the ends
        one, other = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, other) if cost(one) < cost(other) else (one, high)
    return float(f"{exp((low + high) / 2):.4g}")

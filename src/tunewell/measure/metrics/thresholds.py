"""From which probability on a label is given, tuned for F1 on rows that nothing was fitted to.

Lipton et al., "Optimal Thresholding of Classifiers to Maximize F1 Measure" (2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

ENOUGH = 5
"""Rows of a label from which on it gets a threshold of its own; rarer ones share one."""


def best_thresholds(
    labels: Sequence[str], targets: Sequence[Any], answers: Sequence[Answer]
) -> dict[str, float]:
    """A threshold for each label; none where answers have no probabilities.

    That of a label with few rows would follow these rows alone: it gets the one that is best for
    the mean F1 of all labels.
    """
    import numpy as np

    pairs = [(t, a.scores) for t, a in zip(targets, answers, strict=True) if a.scores is not None]
    if not pairs or not labels:
        return {}
    wanted = np.array([[label in target for label in labels] for target, _ in pairs])
    shares = np.array([[scores[label] for label in labels] for _, scores in pairs])
    shared = shared_threshold(wanted, shares)
    own = wanted.sum(0) >= ENOUGH
    return {
        label: best_threshold(wanted[:, at], shares[:, at], shared) if own[at] else shared
        for at, label in enumerate(labels)
    }


def best_threshold(wanted: np.ndarray, shares: np.ndarray, near: float) -> float:
    """The threshold with the best F1, between two of the shares; the nearest to `near` of equals.

    Args:
        wanted: (rows,), booleans.
        shares: (rows,), 0 to 1.
    """
    import numpy as np

    levels = np.unique(shares)
    between = np.concatenate([(levels[1:] + levels[:-1]) / 2, levels[:1], [near]])
    order = np.sort(shares[wanted])
    right = wanted.sum() - np.searchsorted(order, between)  # (thresholds,)
    given = len(shares) - np.searchsorted(np.sort(shares), between)
    f1 = 2 * right / np.maximum(given + wanted.sum(), 1)
    return float(min(between[f1 >= f1.max() - 1e-12], key=lambda each: abs(each - near)))


def best_divide(
    labels: Sequence[str], targets: Sequence[Any], answers: Sequence[Answer]
) -> dict[str, float]:
    """From which probability on the rarer of two labels is given, for the best macro F1.

    None where either has few rows, or answers have no probabilities.
    """
    import numpy as np

    pairs = [(t, a.scores) for t, a in zip(targets, answers, strict=True) if a.scores is not None]
    rarer = min(labels, key=lambda label: sum(target == label for target, _ in pairs))
    wanted = np.array([target == rarer for target, _ in pairs], dtype=bool)
    if min(wanted.sum(), (~wanted).sum()) < 2 * ENOUGH:
        return {}
    shares = np.array([scores[rarer] for _, scores in pairs])
    levels = np.unique(shares)
    best, chosen = -1.0, 0.5
    for tried in sorted([*(levels[1:] + levels[:-1]) / 2, 0.5], key=lambda each: abs(each - 0.5)):
        given = shares >= tried
        f1 = sum(
            2 * (a & b).sum() / max(a.sum() + b.sum(), 1)
            for a, b in ((given, wanted), (~given, ~wanted))
        )
        if f1 > best + 1e-9:
            best, chosen = f1, float(tried)
    return {rarer: chosen}


def shared_threshold(wanted: np.ndarray, shares: np.ndarray) -> float:
    """The one threshold for all labels that gives the best mean F1; the highest of equals."""
    import numpy as np

    levels = np.unique(np.quantile(shares, np.linspace(0, 1, 201)))
    best, chosen = -1.0, 0.5
    for tried in (*levels.tolist(), 0.5):
        given = shares >= tried
        right, either = (given & wanted).sum(0), given.sum(0) + wanted.sum(0)
        f1 = float((2 * right / np.maximum(either, 1)).mean())
        if f1 > best - 1e-12:
            best, chosen = max(f1, best), tried
    return chosen

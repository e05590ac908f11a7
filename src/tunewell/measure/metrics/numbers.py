"""Scores of numbers: correlations and errors, as scipy and scikit-learn define them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

CORRELATION = Scale(low=-1.0, percent=False)


@dataclass(frozen=True)
class Pearson:
    """How near target and answer lie to a straight line, -1 to 1; 0 where either never varies.

    A row without an answer counts as one that answers `missing`, the middle of the training rows.
    """

    missing: float = 0.0
    name: ClassVar[str] = "pearson"
    words: ClassVar[str] = "Pearson correlation"
    scale: ClassVar[Scale] = CORRELATION

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """A one, x, y, x², y², xy: (rows, 6)."""
        import numpy as np

        # Near the middle, so that squares lose no digits.
        x, y = (_pairs(targets, answers, self.missing) - self.missing).T
        return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 6) -> (...)."""
        import numpy as np

        rows, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
        rows = np.maximum(rows, 1.0)
        return _correlation(xx - x * x / rows, yy - y * y / rows, xy - x * y / rows, xx, yy)


@dataclass(frozen=True)
class Spearman:
    """Pearson's correlation of ranks, -1 to 1; equal numbers share the mean of their ranks."""

    missing: float = 0.0
    name: ClassVar[str] = "spearman"
    words: ClassVar[str] = "Spearman correlation"
    scale: ClassVar[Scale] = CORRELATION

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Target and answer: (rows, 2)."""
        return _pairs(targets, answers, self.missing)

    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(rows, 2), (samples, rows) -> (samples,): the ranks are those in the sample."""
        import numpy as np

        if not len(statistics):
            return np.zeros(len(weights))
        x, y = (_centred_ranks(column, weights) for column in statistics.T)
        xx, yy, xy = (
            np.einsum("sr,sr,sr->s", weights, one, other, optimize=False).astype(float)
            for one, other in ((x, x), (y, y), (x, y))
        )
        return _correlation(xx, yy, xy, xx, yy)


@dataclass(frozen=True)
class MeanAbsoluteError:
    """How far answers are from their targets on average, in the targets' own unit."""

    missing: float = 0.0
    name: ClassVar[str] = "mean_absolute_error"
    words: ClassVar[str] = "mean absolute error"
    scale: ClassVar[Scale] = Scale(high=math.inf, percent=False, lower_is_better=True)

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """The error, and a one to count the row: (rows, 2)."""
        import numpy as np

        target, answer = _pairs(targets, answers, self.missing).T
        return np.stack([np.abs(target - answer), np.ones(len(target))], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        import numpy as np

        return sums[..., 0] / np.maximum(sums[..., 1], 1.0)


def _pairs(targets: Sequence[Any], answers: Sequence[Answer], missing: float) -> np.ndarray:
    """Target and answer of each row: (rows, 2)."""
    import numpy as np

    pairs = [
        (float(target), missing if answer.value is None else float(answer.value))
        for target, answer in zip(targets, answers, strict=True)
    ]
    return np.array(pairs, dtype=float).reshape(-1, 2)


def _centred_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks within each sample less their mean, ties shared: (rows,), (samples, rows) -> both."""
    import numpy as np

    found, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(found)))
    sizes = np.add.reduceat(weights[:, order], starts, axis=1)  # (samples, different values)
    middle = np.cumsum(sizes, axis=1) - sizes / 2
    return (middle - sizes.sum(axis=1, keepdims=True) / 2)[:, group]


def _correlation(
    xx: np.ndarray, yy: np.ndarray, xy: np.ndarray, whole_x: np.ndarray, whole_y: np.ndarray
) -> np.ndarray:
    """From sums of squares about the mean; 0 where one of them is nothing but rounding."""
    import numpy as np

    varies = (xx > 1e-12 * (1 + whole_x)) & (yy > 1e-12 * (1 + whole_y))
    root = np.sqrt(np.where(varies, xx * yy, 1.0))
    return np.clip(np.where(varies, xy / root, 0.0), -1.0, 1.0)

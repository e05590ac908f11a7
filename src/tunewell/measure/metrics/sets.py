"""Scores of sets of labels, as scikit-learn defines them for several labels a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.measure.metrics.labels import _ratio
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SubsetAccuracy:
    """The share of rows whose set of labels is exactly right; no answer is a wrong one."""

    name: ClassVar[str] = "subset_accuracy"
    words: ClassVar[str] = "subset accuracy"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right or not, and a one to count the row: (rows, 2)."""
        import numpy as np

        right = [
            a.value is not None and {*a.value} == {*t}
            for t, a in zip(targets, answers, strict=True)
        ]
        return np.stack([np.array(right, dtype=float), np.ones(len(right))], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class SetMicroF1:
    """F1 of all labels of all rows together: frequent labels count for more than rare ones."""

    labels: tuple[str, ...]
    name: ClassVar[str] = "micro_f1"
    words: ClassVar[str] = "micro F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Labels that are right, and those given and wanted together: (rows, 2)."""
        import numpy as np

        wanted, given = _wanted(targets, self.labels), _given(answers, self.labels)
        missed = _outside(targets, self.labels)
        right, either = (wanted * given).sum(1), wanted.sum(1) + given.sum(1) + missed
        return np.stack([right, either], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _ratio(2 * sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class SetMacroF1:
    """The mean of the labels' F1: every label counts the same, however rare it is.

    The mean is over the labels that occur in the targets or the answers of the rows counted, so
    a label that is absent from a resample has no part in it; targets outside `labels` are one
    more label with an F1 of 0.
    """

    labels: tuple[str, ...]
    name: ClassVar[str] = "macro_f1"
    words: ClassVar[str] = "macro F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right, given and wanted of each label, and targets outside: (rows, 3L + 1)."""
        import numpy as np

        wanted, given = _wanted(targets, self.labels), _given(answers, self.labels)
        outside = _outside(targets, self.labels)[:, None]
        return np.concatenate([wanted * given, given, wanted, outside], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 3L + 1) -> (...)."""
        size = len(self.labels)
        right, either = sums[..., :size], sums[..., size : 2 * size] + sums[..., 2 * size : -1]
        labels = (either > 0).sum(-1) + (sums[..., -1] > 0)
        return _ratio(_ratio(2 * right, either).sum(-1), labels)


@dataclass(frozen=True)
class MeanAveragePrecision:
    """How far up each label's own rows stand when all are ranked by its probability.

    The mean over labels that some row has; it asks for no threshold. Where an answer has no
    probabilities, its labels count as sure.
    """

    labels: tuple[str, ...]
    name: ClassVar[str] = "mean_average_precision"
    words: ClassVar[str] = "mean average precision"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Whether the row has each label, and the label's probability: (rows, 2L)."""
        import numpy as np

        shares = _given(answers, self.labels)
        for row, answer in enumerate(answers):
            if answer.scores is not None:
                shares[row] = [answer.scores.get(label, 0.0) for label in self.labels]
        return np.concatenate([_wanted(targets, self.labels), shares], axis=1)

    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(rows, 2L), (samples, rows) -> (samples,)."""
        import numpy as np

        size = len(self.labels)
        total, counted = np.zeros(len(weights)), np.zeros(len(weights))
        if len(statistics):
            for wanted, shares in zip(statistics[:, :size].T, statistics[:, size:].T, strict=True):
                if wanted.any():
                    precision, there = _average_precision(wanted, shares, weights)
                    total, counted = total + precision, counted + there
        return _ratio(total, counted)


def _average_precision(
    wanted: np.ndarray, shares: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision (samples,), and whether any row of a sample has the label (samples,)."""
    import numpy as np

    order = np.argsort(-shares, kind="stable")
    ends = np.flatnonzero(np.diff(shares[order], append=np.nan))  # equal ones stand together
    times = weights[:, order].astype(float)
    right = np.cumsum(times * wanted[order], axis=1)[:, ends]  # (samples, ends)
    rows = np.cumsum(times, axis=1)[:, ends]
    all_of_them = right[:, -1]
    steps = np.diff(right, axis=1, prepend=0.0)
    return _ratio((steps * _ratio(right, rows)).sum(1), all_of_them), all_of_them > 0


def _wanted(targets: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    """Zeros and ones (rows, labels)."""
    import numpy as np

    return np.array(
        [[label in target for label in labels] for target in targets], dtype=float
    ).reshape(len(targets), len(labels))


def _given(answers: Sequence[Answer], labels: Sequence[str]) -> np.ndarray:
    """Zeros and ones (rows, labels); no answer gives no label."""
    return _wanted([answer.value or () for answer in answers], labels)


def _outside(targets: Sequence[Any], labels: Sequence[str]) -> np.ndarray:
    """How many labels of each target no model knows (rows,)."""
    import numpy as np

    known = set(labels)
    return np.array([len({*target} - known) for target in targets], dtype=float)

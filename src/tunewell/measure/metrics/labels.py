"""Scores for tasks with one label a row, as sums over rows so that they can be resampled.

F1: van Rijsbergen, "Information Retrieval", 1979; averages as scikit-learn defines them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """The share of rows whose answer is the target; no answer is a wrong one."""

    name: ClassVar[str] = "accuracy"
    words: ClassVar[str] = "accuracy"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right or not, and a one to count the row: (rows, 2)."""
        import numpy as np

        right = [
            a.value is not None and a.value == t for t, a in zip(targets, answers, strict=True)
        ]
        return np.stack([np.array(right, dtype=float), np.ones(len(right))], axis=1)  # (rows, 2)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _ratio(sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class MacroF1:
    """The mean over classes of F1, the harmonic mean of precision and recall.

    The mean is over the classes that occur in the targets or the answers of the rows counted,
    as in scikit-learn, so a class that is absent from a resample has no part in it. Targets
    outside `labels` are one more class with an F1 of 0; answers outside are wrong, no class.
    """

    labels: tuple[Any, ...]
    name: ClassVar[str] = "macro_f1"
    words: ClassVar[str] = "macro F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """True positives, answers, targets of each label, targets outside: (rows, 3L + 1)."""
        import numpy as np

        size = len(self.labels)
        target, answer = _codes(targets, answers, self.labels)
        one = np.eye(size + 1)[:, :size]  # the last code, "outside", is a row of zeros
        right = one[target] * (target == answer)[:, None]
        outside = (target == size)[:, None]
        return np.concatenate([right, one[answer], one[target], outside], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 3L + 1) -> (...)."""
        size = len(self.labels)
        right, either = sums[..., :size], sums[..., size : 2 * size] + sums[..., 2 * size : -1]
        classes = (either > 0).sum(-1) + (sums[..., -1] > 0)
        return _ratio(_ratio(2 * right, either).sum(-1), classes)


def _codes(
    targets: Sequence[Any], answers: Sequence[Answer], labels: Sequence[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Positions among the labels, `len(labels)` for what is not there: (rows,), (rows,)."""
    import numpy as np

    position = {label: code for code, label in enumerate(labels)}
    pairs = [
        (position.get(t, len(labels)), position.get(a.value, len(labels)))
        for t, a in zip(targets, answers, strict=True)
    ]
    target, answer = np.array(pairs, dtype=int).reshape(-1, 2).T
    return target, answer


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing."""
    import numpy as np

    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)

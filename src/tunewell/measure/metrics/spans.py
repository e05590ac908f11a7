"""Scores of named pieces of a text: exact, as seqeval counts them in its strict mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

Piece = tuple[int, int, str]


@dataclass(frozen=True)
class SpanF1:
    """Micro F1 of pieces, 0 to 1: beginning, end and type must be right; 0 where there are none.

    Tjong Kim Sang and De Meulder, "Introduction to the CoNLL-2003 Shared Task" (2003).
    """

    name: ClassVar[str] = "span_f1"
    words: ClassVar[str] = "span F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right, said and true pieces of each row: (rows, 3)."""
        return _counts(targets, answers)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 3) -> (...)."""
        return _share(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


@dataclass(frozen=True)
class SpanPrecision:
    """The share of the pieces said that are right; 0 where none is said."""

    name: ClassVar[str] = "precision"
    words: ClassVar[str] = "span precision"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right, said and true pieces of each row: (rows, 3)."""
        return _counts(targets, answers)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 3) -> (...)."""
        return _share(sums[..., 0], sums[..., 1])


@dataclass(frozen=True)
class SpanRecall:
    """The share of the true pieces that are found; 0 where there are none."""

    name: ClassVar[str] = "recall"
    words: ClassVar[str] = "span recall"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right, said and true pieces of each row: (rows, 3)."""
        return _counts(targets, answers)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 3) -> (...)."""
        return _share(sums[..., 0], sums[..., 2])


@dataclass(frozen=True)
class MacroSpanF1:
    """The mean F1 of the types that occur in targets or answers, 0 to 1."""

    labels: tuple[str, ...] = ()
    name: ClassVar[str] = "macro_f1"
    words: ClassVar[str] = "macro span F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Right pieces of each type, and said and true ones together: (rows, 2 * types).

        Types that no training row had are no types: what is said of them cannot be right.
        """
        import numpy as np

        place = {label: number for number, label in enumerate(self.labels)}
        counts = np.zeros((len(targets), 2, len(place)))
        for row, (said, true) in enumerate(_pairs(targets, answers)):
            for kind, pieces in enumerate(((said & true), (*said, *true))):
                for *_, label in pieces:
                    if label in place:
                        counts[row, kind, place[label]] += 1
        return counts.reshape(len(targets), 2 * len(place))

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2 * types) -> (...)."""
        right, whole = sums[..., : len(self.labels)], sums[..., len(self.labels) :]
        return _share(_share(2 * right, whole).sum(-1), (whole > 0).sum(-1))


def _counts(targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
    """Right, said and true pieces of each row: (rows, 3)."""
    import numpy as np

    counts = [(len(said & true), len(said), len(true)) for said, true in _pairs(targets, answers)]
    return np.array(counts, dtype=float).reshape(-1, 3)


def _pairs(
    targets: Sequence[Any], answers: Sequence[Answer]
) -> Iterable[tuple[set[Piece], set[Piece]]]:
    """The pieces said and the true ones of each row."""
    for target, answer in zip(targets, answers, strict=True):
        yield _pieces(answer.value or ()), _pieces(target)


def _pieces(spans: Iterable[Any]) -> set[Piece]:
    return {(span.start, span.end, span.label) for span in spans}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """0 where there is nothing to share."""
    import numpy as np

    return np.where(whole > 0, part / np.maximum(whole, 1.0), 0.0)

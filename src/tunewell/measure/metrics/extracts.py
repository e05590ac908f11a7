"""Exact match and F1 of extracted answers, by the rules of SQuAD 2.0.

Rajpurkar et al., arXiv 1606.05250 and 1806.03822: texts are compared in lower case, without
ASCII punctuation and English articles; of several right answers the nearest counts.
"""

from __future__ import annotations

import math
import re
import string
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer, Span

if TYPE_CHECKING:
    import numpy as np

Judge = Callable[[Sequence[Span], Span | None], float]

ARTICLES = re.compile(r"\b(a|an|the)\b")
UNMARKED = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class ExactMatch:
    """The share of rows whose answer reads like one of the right ones.

    A target is a tuple of spans, all of them right; an empty one says that there is no answer.
    """

    name: ClassVar[str] = "exact_match"
    words: ClassVar[str] = "exact match"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Whether it is one, and a one to count the row: (rows, 2)."""
        return _each(exact, targets, answers)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _mean(sums)


@dataclass(frozen=True)
class WordF1:
    """The mean over rows of F1 of the answer's words against the nearest of the right ones."""

    name: ClassVar[str] = "f1"
    words: ClassVar[str] = "F1"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """F1, and a one to count the row: (rows, 2)."""
        return _each(overlap, targets, answers)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _mean(sums)


def exact(target: Sequence[Span], value: Span | None) -> float:
    """1 where an answer is one of the right ones, else 0; no usable answer is wrong.

    >>> exact((Span(0, 9, "", "the Rhine"),), Span(4, 10, "", "Rhine,"))
    1.0
    """
    if value is None:
        return 0.0
    return float(comparable(value.text) in {comparable(text) for text in _right_texts(target)})


def overlap(target: Sequence[Span], value: Span | None) -> float:
    """F1 of an answer's words against the nearest right answer, 0 to 1.

    >>> overlap((Span(0, 9, "", "the Rhine"),), Span(0, 16, "", "The Rhine valley"))
    0.6666666666666666
    """
    if value is None:
        return 0.0
    return max(_word_f1(text, value.text) for text in _right_texts(target))


def comparable(text: str) -> str:
    """Lower case, without punctuation and articles, with single spaces.

    >>> comparable("The  U.S.-led raid")
    'usled raid'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(UNMARKED)).split())


def best_threshold(judge: Judge, targets: Sequence[Any], answers: Sequence[Answer]) -> float:
    """How much likelier none must be than the best text, so that these answers score most.

    Of equally good thresholds the one nearest to 0, in nats. Answers need `scores`, in which ""
    stands for none.
    """
    gains = []  # what a row gains where its text is given, not none
    for target, answer in zip(targets, answers, strict=True):
        scores = dict(answer.scores or {})
        margin = _log(scores.pop("", 0.0))
        text = max(scores, key=scores.__getitem__, default="")
        gain = judge(target, Span(0, 0, "", text)) - judge(target, Span(0, 0))
        gains.append((margin - _log(scores.get(text, 0.0)), gain))
    gains.sort()
    edges = [-math.inf, *(margin for margin, _ in gains), math.inf]
    sums = accumulate((gain for _, gain in gains), initial=0.0)
    best = (-math.inf, 0.0, 0.0)
    for (low, high), total in zip(pairwise(edges), sums, strict=True):
        if low == high:
            continue
        first = low if math.isfinite(low) else high - 2
        place = 0.0 if low <= 0 < high else (first + min(high, first + 2)) / 2
        best = max(best, (round(total, 9), -abs(place), place))
    return best[2]


def _log(share: float) -> float:
    return math.log(max(share, sys.float_info.min))


def _right_texts(target: Sequence[Span]) -> list[str]:
    """Right answers that say something; "" where there is none."""
    return [span.text for span in target if comparable(span.text)] or [""]


def _word_f1(right: str, said: str) -> float:
    one, other = Counter(comparable(right).split()), Counter(comparable(said).split())
    if not one or not other:
        return float(one == other)
    return 2 * (one & other).total() / (one.total() + other.total())


def _each(
    judge: Judge,
    targets: Sequence[Any],
    answers: Sequence[Answer],
) -> np.ndarray:
    import numpy as np

    judged = [judge(t, a.value) for t, a in zip(targets, answers, strict=True)]
    return np.stack([np.array(judged, dtype=float), np.ones(len(judged))], axis=1)  # (rows, 2)


def _mean(sums: np.ndarray) -> np.ndarray:
    import numpy as np

    total, rows = sums[..., 0], sums[..., 1]
    return np.divide(total, rows, out=np.zeros(np.shape(rows)), where=np.asarray(rows) > 0)

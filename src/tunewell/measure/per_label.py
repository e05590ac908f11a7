"""How each label fares on the test rows: precision, recall and F1, each with its interval.

Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from tunewell.kinds import labels_in
from tunewell.values import Answer, Interval

Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True)
class LabelScore:
    """One label's figures on the test rows."""

    label: str
    rows: int
    """Test rows that have it."""
    given: int
    """Test rows that were given it."""
    precision: Interval | None
    """None where it was never given."""
    recall: Interval | None
    """None where no test row has it."""
    f1: Interval | None


def per_label(
    labels: Sequence[str], targets: Sequence[Any], answers: Sequence[Answer]
) -> tuple[LabelScore, ...]:
    """The figures of each label, in order."""
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for target, answer in zip(targets, answers, strict=True):
        one, other = {*labels_in(target)}, {*labels_in(answer.value)}
        wanted.update(one)
        given.update(other)
        right.update(one & other)
    return tuple(_score(each, wanted[each], given[each], right[each]) for each in labels)


def _score(label: str, wanted: int, given: int, right: int) -> LabelScore:
    either = share(right, wanted + given - right)
    return LabelScore(
        label=label,
        rows=wanted,
        given=given,
        precision=share(right, given),
        recall=share(right, wanted),
        f1=either and Interval(_f1(either.value), _f1(either.low), _f1(either.high)),
    )


def _f1(overlap: float) -> float:
    """F1 from the share of right rows among those that have the label or were given it."""
    return 2 * overlap / (1 + overlap)


def share(part: int, whole: int) -> Interval | None:
    """A share with Wilson's interval, which keeps inside 0 and 1; None of nothing.

    >>> found = share(9, 10)
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.9, 0.5958, 0.9821)
    """
    if not whole:
        return None
    value, pull = part / whole, Z * Z / whole
    middle = (value + pull / 2) / (1 + pull)
    half = Z * sqrt(value * (1 - value) / whole + pull / (4 * whole)) / (1 + pull)
    return Interval(value, min(value, max(0.0, middle - half)), max(value, min(1.0, middle + half)))

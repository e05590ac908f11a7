"""Whether answers are as sure as they are right, and what is right if unsure ones are left out.

Guo et al., "On Calibration of Modern Neural Networks" (2017), for the error; El-Yaniv and Wiener,
"On the Foundations of Noise-free Selective Classification" (2010), for answering in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from tunewell.measure.per_label import share
from tunewell.values import Answer, Interval

BINS = 10
SHARES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Of the rows, that a model answers by itself."""


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in one tenth of 0 to 1."""

    rows: int
    confidence: float
    """Its mean."""
    right: float
    """The share of right answers."""


@dataclass(frozen=True)
class Point:
    """What a model does that leaves to people what it is less sure of."""

    confidence: float
    """The least at which it answers."""
    rows: int
    """How many it answers."""
    answered: float
    """Their share of all."""
    right: Interval
    """Of these, the share of right answers."""


@dataclass(frozen=True)
class Calibration:
    """How confidence and truth go together on the test rows."""

    error: float
    """Expected calibration error: how far confidence and share of right answers are apart, in
    tenths of 0 to 1, each counted with its rows."""
    bins: tuple[Bin, ...]
    points: tuple[Point, ...]


def calibration(targets: Sequence[Any], answers: Sequence[Answer]) -> Calibration | None:
    """None where there are no answers, or one has no confidence."""
    pairs = [
        (answer.confidence, answer.value == target)
        for target, answer in zip(targets, answers, strict=True)
        if answer.confidence is not None
    ]
    if not pairs or len(pairs) < len(answers):
        return None
    bins = _bins(pairs)
    error = sum(each.rows * abs(each.confidence - each.right) for each in bins) / len(pairs)
    return Calibration(error, bins, _points(pairs))


def _bins(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    inside: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in pairs:
        inside.setdefault(max(0, ceil(confidence * BINS) - 1), []).append((confidence, right))
    return tuple(
        Bin(
            len(inside[number]),
            sum(confidence for confidence, _ in inside[number]) / len(inside[number]),
            sum(right for _, right in inside[number]) / len(inside[number]),
        )
        for number in sorted(inside)
    )


def _points(pairs: Sequence[tuple[float, bool]]) -> tuple[Point, ...]:
    """One a share of rows, fewer where many are equally sure."""
    sure = sorted((confidence for confidence, _ in pairs), reverse=True)
    found: dict[int, Point] = {}
    for wanted in SHARES:
        least = sure[max(1, round(wanted * len(pairs))) - 1]
        answered = [right for confidence, right in pairs if confidence >= least]
        right = share(sum(answered), len(answered))
        assert right is not None
        found[len(answered)] = Point(least, len(answered), len(answered) / len(pairs), right)
    return tuple(found.values())

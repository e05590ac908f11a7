"""What stands against what, and what the measurements say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.sides import Side

FIGURES = {
    "cpu_seconds": "CPU seconds of the whole processes",
    "peak_bytes": "highest resident memory of a process",
}
"""What every side is measured by; other figures are measured by a side of ours itself."""


@dataclass(frozen=True)
class Comparison:
    """Rivals on one side, Tunewell on the other, and the ratio that is wanted."""

    name: str
    what: str
    rivals: tuple[Side, ...]
    ours: tuple[Side, ...]
    goal: float | None = None
    """The least ratio, or with `at_most` the greatest; None: measured without a goal."""
    at_most: bool = False
    """Whether the ratio is ours to the rival's instead of the rival's to ours."""
    figure: str = "cpu_seconds"
    limit: str = ""
    """What limits it, told where the goal is missed."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Rival, ours, rival, ours, each after what it needs."""
        longest = max(len(self.rivals), len(self.ours))
        turns = [
            side
            for n in range(longest)
            for side in (*self.rivals[n : n + 1], *self.ours[n : n + 1])
        ]
        return tuple(dict.fromkeys(one for side in turns for one in (*side.needs, side)))


@dataclass(frozen=True)
class Ratio:
    """A comparison's ratio over the rounds."""

    value: float
    """The median of the rounds' ratios."""
    low: float
    high: float


def ratio(comparison: Comparison, rounds: Sequence[dict[str, Any]]) -> Ratio | None:
    """The median ratio of the rounds in which every side came to its end, lowest and highest.

    Args:
        rounds: {side: what was measured} of each round that counts.
    """
    ratios = []
    for measured in rounds:
        if all(finished(measured.get(s.name)) for s in (*comparison.rivals, *comparison.ours)):
            ratios.append(_ratio(comparison, measured))
    if not ratios:
        return None
    ratios.sort()
    middle = len(ratios) // 2
    median = ratios[middle] if len(ratios) % 2 else (ratios[middle - 1] + ratios[middle]) / 2
    return Ratio(median, ratios[0], ratios[-1])


def training_ratio(comparison: Comparison, rounds: Sequence[dict[str, Any]]) -> float | None:
    """The same of the training alone, of the methods that both sides trained; None: none."""
    theirs = ours = 0.0
    for measured in rounds:
        pairs = _by_method(comparison, measured, "training")
        theirs += sum(one for one, _ in pairs.values())
        ours += sum(other for _, other in pairs.values())
    return theirs / ours if theirs and ours else None


def accuracies(
    comparison: Comparison, rounds: Sequence[dict[str, Any]]
) -> dict[str, tuple[float, float]]:
    """The rival's and our accuracy by method, the mean of the rounds."""
    found: dict[str, list[tuple[float, float]]] = {}
    for measured in rounds:
        for method, pair in _by_method(comparison, measured, "accuracy").items():
            found.setdefault(method, []).append(pair)
    return {
        method: (sum(p[0] for p in pairs) / len(pairs), sum(p[1] for p in pairs) / len(pairs))
        for method, pairs in found.items()
    }


def less_accurate(theirs: float, ours: float, rows: int) -> bool:
    """Whether ours is surely below theirs: the 95 % interval of the difference is below zero.

    Agresti and Caffo's interval, which holds for few rows too (2000).
    """
    one, other = ((share * rows + 1) / (rows + 2) for share in (theirs, ours))
    spread = 1.96 * math.sqrt((one * (1 - one) + other * (1 - other)) / (rows + 2))
    return other - one + spread < 0


def finished(measured: dict[str, Any] | None) -> bool:
    """Whether a side came to its end and said what came of it."""
    return measured is not None and measured["outcome"] is not None


def _ratio(comparison: Comparison, measured: dict[str, Any]) -> float:
    """Of one round; without rivals it is the figure that our side measured itself."""
    ours = [measured[side.name] for side in comparison.ours]
    if not comparison.rivals:
        return float(ours[0]["outcome"]["figures"][comparison.figure])
    theirs = _figure(comparison, [measured[side.name] for side in comparison.rivals])
    own = _figure(comparison, ours)
    return own / theirs if comparison.at_most else theirs / own


def _figure(comparison: Comparison, measured: Sequence[dict[str, Any]]) -> float:
    values = [one["cost"][comparison.figure] for one in measured]
    return max(values) if comparison.figure == "peak_bytes" else sum(values)


def _by_method(
    comparison: Comparison, measured: dict[str, Any], what: str
) -> dict[str, tuple[float, float]]:
    """{method: (the rival's, ours)} where both sides say it."""

    def told(sides: Sequence[Side]) -> dict[str, float]:
        found: dict[str, float] = {}
        for side in sides:
            if finished(measured.get(side.name)):
                found |= measured[side.name]["outcome"][what]
        return found

    theirs, ours = told(comparison.rivals), told(comparison.ours)
    return {method: (theirs[method], ours[method]) for method in theirs if method in ours}

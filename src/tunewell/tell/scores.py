"""How the figures of a metric stand on a page: in per cent and points, or as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tunewell.tell import units

KNOWN = {"macro_f1": "macro F1", "micro_f1": "micro F1", "f1": "F1"}
"""Words for metrics of runs that were made before results said what their metrics are called."""


@dataclass(frozen=True)
class Reading:
    """A metric as people read it."""

    words: str
    percent: bool = True
    low: float = 0.0
    high: float = 1.0
    meaning: str = ""
    """A sentence on what it says."""
    lower_is_better: bool = False

    def best(self, values: Iterable[float]) -> float | None:
        """The best of some scores; None of none."""
        return (min if self.lower_is_better else max)(values, default=None)

    def figure(self, value: float) -> str:
        """A score: `81.2 %` or `0.812`."""
        return units.percent(value) if self.percent else _number(value)

    def interval(self, score: dict[str, float]) -> str:
        """A score with its interval: `81.2 % [78.9, 83.4]`."""
        if self.percent:
            return units.interval(score)
        return f"{_number(score['value'])} [{_number(score['low'])}, {_number(score['high'])}]"

    def ends(self, score: dict[str, float]) -> str:
        """The interval alone: `78.9 to 83.4`."""
        if self.percent:
            return f"{100 * score['low']:.1f} to {100 * score['high']:.1f}"
        return f"{_number(score['low'])} to {_number(score['high'])}"

    def difference(self, value: float) -> str:
        """How far two scores are apart, with a sign, in points where they are shares."""
        if self.percent:
            return units.points(value)
        rounded = round(value, 3)
        return f"{rounded:+.3f}".replace("-", "−") if rounded else "0.000"

    def amount(self, value: float) -> str:
        """A difference in a sentence: `2 points` or `0.02`."""
        if not self.percent:
            return f"{value:g}"
        return f"{100 * value:g} point{'' if 100 * value == 1 else 's'}"

    def share(self, value: float) -> float | None:
        """How far a score has come from the worst to the best, 0 to 1; None where it has no end."""
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            return None
        return (value - self.low) / (self.high - self.low)

    def tick(self, value: float) -> str:
        """A round score at an axis."""
        return f"{100 * value:.0f} %" if self.percent else f"{value:g}".replace("-", "−")


def reading(comparison: dict[str, Any], metric: str) -> Reading:
    """How a comparison says that a metric is read."""
    known = (comparison.get("metrics") or {}).get(metric)
    if not known:
        return Reading(metric_name(metric))
    low, high = (known.get(end) for end in ("low", "high"))
    return Reading(
        known["words"],
        known["percent"],
        -math.inf if low is None else low,
        math.inf if high is None else high,
        known.get("meaning", ""),
        known.get("lower_is_better", False),
    )


def metric_name(metric: str) -> str:
    """How a metric is called in a sentence: `macro_f1` is macro F1."""
    return KNOWN.get(metric, metric.replace("_", " "))


def _number(value: float) -> str:
    """Three digits after the point, fewer where the number is large."""
    text = f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
    return text.replace("-", "−")

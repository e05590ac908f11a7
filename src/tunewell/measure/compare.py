"""All methods against each other at once: differences with simultaneous 95 % intervals.

Paired bootstrap with the largest studentised difference ("max-t"): Westfall and Young, 1993;
Romano and Wolf, 2005; Hothorn, Bretz and Westfall, 2008.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunewell.contracts import Metric, Scale
from tunewell.measure.intervals import Z, resampled_scores, score, units
from tunewell.values import Interval

Prefer = Literal["training", "prediction", "memory", "size"]

COSTS: dict[Prefer, str] = {
    "training": "training time",
    "prediction": "prediction time",
    "memory": "memory",
    "size": "disk space",
}

PARTS = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    10: "a tenth",
    20: "a twentieth",
    50: "a fiftieth",
    100: "a hundredth",
    1000: "a thousandth",
}


@dataclass(frozen=True)
class Recommendation:
    """Which row to take, and why in one sentence."""

    name: str
    why: str


@dataclass(frozen=True)
class Pairs:
    """How much better each row is than each column: arrays (methods, methods).

    The difference in score, row less column; turned round where less of the score is better.
    """

    names: tuple[str, ...]
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    optimism: float
    """How much too high the best score is, having been picked on these rows: a bootstrap
    estimate, which finds about two thirds of it where all methods are equally good."""

    def between(self, one: str, other: str) -> Interval:
        """How much better `one` is than `other`; simultaneous with all other pairs."""
        at = self.names.index(one), self.names.index(other)
        return Interval(*(float(array[at]) for array in (self.difference, self.low, self.high)))

    def apart(self, one: str, other: str) -> bool:
        """Whether the rows can tell the two apart."""
        found = self.between(one, other)
        return found.low > 0 or found.high < 0


def simultaneous(
    metric: Metric,
    statistics: Mapping[str, np.ndarray],
    *,
    samples: int = 5000,
    seed: int = 0,
    effective_rows: float | None = None,
    groups: np.ndarray | None = None,
) -> Pairs:
    """Compare all pairs on the same resampled rows.

    Args:
        metric: what is scored.
        statistics: by method, `metric.statistics` of each seed's answers: (seeds, rows, S).
        samples: how many resamples.
        seed: of the resampling.
        effective_rows: `intervals.effective_rows(metric, targets)`; the number of rows if None.
        groups: as for `intervals.intervals`.
    """
    better = metric.scale.better
    scores = better(np.array([score(metric, each) for each in statistics.values()]))
    resampled = better(resampled_scores(metric, list(statistics.values()), samples, seed, groups))
    rows = units(next(iter(statistics.values())).shape[1], groups)
    width = metric.scale.high - metric.scale.low
    width = width if math.isfinite(width) else 0.0
    return max_t(tuple(statistics), scores, resampled, rows, effective_rows, width)


def max_t(
    names: tuple[str, ...],
    scores: np.ndarray,
    resampled: np.ndarray,
    rows: int,
    effective_rows: float | None = None,
    width: float = 1.0,
) -> Pairs:
    """Simultaneous intervals from scores (methods,) and resampled scores (samples, methods).

    Of both, more is better.

    To each squared standard error one row of disagreement is added, so that methods that agree on
    all rows at hand are not held to agree on all others (Agresti and Min, 2005, for proportions).
    `width` is that of the metric's scale: the most that one row can disagree.
    """
    methods = len(names)
    error = np.zeros((methods, methods))
    largest = np.zeros(len(resampled))
    centred = resampled - resampled.mean(axis=0)
    for one in range(methods - 1):
        deviation = centred[:, [one]] - centred[:, one + 1 :]  # (samples, methods after one)
        error[one, one + 1 :] = deviation.std(axis=0)
        varies = error[one, one + 1 :] > 1e-9
        studentised = np.abs(deviation[:, varies]) / error[one, one + 1 :][varies]
        largest = np.maximum(largest, studentised.max(axis=1, initial=0.0))
    critical = max(Z, float(np.quantile(largest, 0.95)))
    disagreement = width**2 / (rows * (effective_rows or rows))
    half = critical * np.sqrt((error + error.T) ** 2 + disagreement)
    np.fill_diagonal(half, 0.0)
    difference = scores[:, None] - scores
    picked = resampled.argmax(axis=1)
    optimism = float((resampled.max(axis=1) - scores[picked]).mean())
    return Pairs(names, difference, difference - half, difference + half, optimism)


def recommend(
    scores: Mapping[str, float],
    pairs: Pairs,
    cost: Mapping[str, float],
    margin: float = 0.02,
    prefer: Prefer = "training",
    baseline: str | None = None,
    scale: Scale = Scale(),
) -> Recommendation:
    """The cheapest method whose loss against the best-scoring one is surely within the margin.

    Where none is sure, the best-scoring one, with what a cheaper one may lose. Equal costs go to
    the better score, equal scores to the lower cost.

    Args:
        scores: by row name, the deciding metric.
        pairs: `simultaneous` of the same rows.
        cost: by row name, in any unit; `prefer` says what it counts.
        margin: how much of the score (0 to 1) may be lost.
        prefer: what the cost is, for the sentence.
        baseline: the row that never looks at the input, if there is one.
        scale: of the deciding metric: how its figures stand in the sentence.
    """
    words = _Words(scale.percent)
    good = {name: scale.better(value) for name, value in scores.items()}
    best = min(good, key=lambda name: (-good[name], cost[name]))
    loss = {name: pairs.between(best, name) for name in scores}
    safe = [
        name for name in scores if name == best or (name != baseline and loss[name].high <= margin)
    ]
    chosen = min(safe, key=lambda name: (cost[name], name != best, -good[name]))
    said = {name: f"{name} ({words.score(value)})" for name, value in scores.items()}
    if len(scores) == 1:
        why = f"{said[best]} is the only method to choose from."
    elif baseline == best == chosen:
        why = f"No method scores better than {said[best]}, which never looks at the input."
    elif baseline in scores and not pairs.apart(best, baseline):
        why = f"{said[best]} scores best, but these rows cannot tell it from {said[baseline]}, "
        why += "which never looks at the input."
        chosen = best
    elif chosen != best:
        why = f"Take {said[chosen]}: it takes {_part(cost[chosen], cost[best])} the "
        why += f"{COSTS[prefer]} of {said[best]}, which scores best, and loses at most "
        why += f"{words.loss(loss[chosen].high)} against it."
    elif other := _cheaper(best, loss, {n: c for n, c in cost.items() if n != baseline}):
        why = f"Take {said[best]}, which scores best; {said[other]} takes "
        why += f"{_part(cost[other], cost[best])} the {COSTS[prefer]} "
        why += f"and {words.may_lose(loss[other])}."
    else:
        why = f"Take {said[best]}, which scores best; none takes less {COSTS[prefer]}."
    return Recommendation(chosen, why)


def _cheaper(best: str, loss: Mapping[str, Interval], cost: Mapping[str, float]) -> str | None:
    """Among the methods at half the cost, else at any lower one, that which may lose least."""
    cheaper = [name for name in cost if cost[name] < cost[best]]
    much = [name for name in cheaper if cost[name] <= cost[best] / 2] or cheaper
    return min(much, key=lambda name: (loss[name].high, cost[name]), default=None)


def _part(cost: float, of: float) -> str:
    """`about a tenth of`, to be followed by `the training time`."""
    if cost > 0.9 * of:
        return "nearly all"
    if cost > 0.6 * of:
        return f"about {round(100 * cost / of, -1):.0f} % of"
    if cost * 1500 < of:
        return "next to none of"
    nearest = min(PARTS, key=lambda times: abs(math.log(times * cost / of)))
    return f"about {PARTS[nearest]} of"


@dataclass(frozen=True)
class _Words:
    """Scores and losses in a sentence: points of 100, or plain numbers."""

    percent: bool

    def score(self, value: float) -> str:
        """0.8712 -> `87.1 of 100` or `0.871`."""
        return f"{100 * value:.1f} of 100" if self.percent else f"{value:.3f}"

    def loss(self, value: float) -> str:
        """0.0184 -> `1.8 points` or `0.018`."""
        return f"{100 * value:.1f} points" if self.percent else f"{value:.3f}"

    def may_lose(self, found: Interval) -> str:
        """What a method may lose against the best."""
        if found.low > 0:
            low = self.loss(found.low).removesuffix(" points")
            return f"is {low} to {self.loss(found.high)} worse"
        return f"may be up to {self.loss(found.high)} worse"

"""How each type of piece fares on the test rows: precision, recall and F1, with intervals.

As seqeval's report by type; pieces of one row are not independent, so rows are resampled, and
rows of one group together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunewell.contracts import Metric
from tunewell.measure.metrics.spans import SpanF1, SpanPrecision, SpanRecall
from tunewell.measure.per_label import LabelScore
from tunewell.values import Answer, Interval

if TYPE_CHECKING:
    import numpy as np

SAMPLES = 1000
"""Resamples; there may be many types, and nothing is decided by them."""


def per_type(
    types: Sequence[str],
    targets: Sequence[Any],
    answers: Sequence[Answer],
    groups: np.ndarray | None = None,
) -> tuple[LabelScore, ...]:
    """The figures of each type, in order; their `rows` and `given` count pieces.

    Args:
        groups: as for `intervals.intervals`.
    """
    return tuple(_score(each, targets, answers, groups) for each in types)


def _score(
    kind: str, targets: Sequence[Any], answers: Sequence[Answer], groups: np.ndarray | None
) -> LabelScore:
    import numpy as np

    both = [
        (_only(kind, target), _only(kind, answer.value))
        for target, answer in zip(targets, answers, strict=True)
    ]
    # Rows that have nothing to do with the type say nothing about it.
    places = [place for place, (wanted, said) in enumerate(both) if wanted or said]
    rows = [(both[place][0], Answer(both[place][1])) for place in places]
    left = None if groups is None else np.unique(groups[places], return_inverse=True)[1]
    wanted, given = (sum(len(pair[n]) for pair in both) for n in (0, 1))
    return LabelScore(
        label=kind,
        rows=wanted,
        given=given,
        precision=_interval(SpanPrecision(), rows, left) if given else None,
        recall=_interval(SpanRecall(), rows, left) if wanted else None,
        f1=_interval(SpanF1(), rows, left) if rows else None,
    )


def _only(kind: str, spans: Any) -> tuple[Any, ...]:
    """The pieces of a type; no answer has none."""
    return tuple(span for span in spans or () if span.label == kind)


def _interval(
    metric: Metric, rows: Sequence[tuple[Any, Answer]], groups: np.ndarray | None
) -> Interval:
    from tunewell.measure.intervals import intervals

    statistics = metric.statistics([one for one, _ in rows], [other for _, other in rows])
    found = intervals(metric, {"": statistics[None]}, samples=SAMPLES, groups=groups)[""]
    return Interval(found.value, round(found.low, 4), round(found.high, 4))

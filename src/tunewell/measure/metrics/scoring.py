"""A metric's scores of rows as they are, or of rows that count several times or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunewell.contracts import Metric
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np


def scores(
    metrics: Mapping[str, Metric], targets: Sequence[Any], answers: Sequence[Answer]
) -> dict[str, float]:
    """Every metric by name, each row counted once."""
    import numpy as np

    once = np.ones((1, len(targets)))
    return {
        name: float(weighted_scores(metric, metric.statistics(targets, answers), once)[0])
        for name, metric in metrics.items()
    }


def weighted_scores(metric: Metric, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scores (samples,) of rows that each count so many times.

    Args:
        statistics: (rows, statistics).
        weights: (samples, rows), whole numbers.
    """
    if hasattr(metric, "weighted"):
        return metric.weighted(statistics, weights)
    return metric.value(weights @ statistics)

"""Scores of every kind of answer, made so that they can be resampled: a module a kind."""

from tunewell.measure.metrics.labels import Accuracy, MacroF1
from tunewell.measure.metrics.numbers import MeanAbsoluteError, Pearson, Spearman
from tunewell.measure.metrics.scoring import scores, weighted_scores

__all__ = [
    "Accuracy",
    "MacroF1",
    "MeanAbsoluteError",
    "Pearson",
    "Spearman",
    "scores",
    "weighted_scores",
]

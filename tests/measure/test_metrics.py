"""Scores against scikit-learn, and pairs worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from tunewell.measure.metrics import Accuracy, MacroF1
from tunewell.values import Answer

LABELS = ("a", "b", "c", "d")
ROWS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1)


def answers_of(values):
    return [Answer(value) for value in values]


def scored(metric, targets, values, weights=None):
    statistics = metric.statistics(targets, answers_of(values))
    assert statistics.dtype == np.float64
    weights = np.ones(len(targets)) if weights is None else weights
    return float(metric.value(weights @ statistics))


def oracle_f1(targets, values):
    """Over the labels that occur; a missing answer is a class that is not averaged."""
    present = sorted({*targets, *values} - {"none"})
    return oracle.f1_score(targets, values, labels=present, average="macro", zero_division=0)


@given(ROWS, st.data())
def test_metrics_equal_scikit_learn_also_for_resampled_rows(rows, data):
    targets, values = zip(*rows, strict=True)
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    weights[0] += 1
    at = np.repeat(np.arange(len(rows)), weights)
    drawn = [targets[i] for i in at]
    said = ["none" if values[i] is None else values[i] for i in at]
    for metric, expected in (
        (Accuracy(), oracle.accuracy_score(drawn, said)),
        (MacroF1(LABELS), oracle_f1(drawn, said)),
    ):
        assert scored(metric, targets, values, np.array(weights)) == pytest.approx(expected)


def test_a_pair_worked_by_hand():
    targets, values = ["a", "a", "a", "b", "c"], ["a", "a", "b", "b", None]
    # a: 2 of 2 answers, 2 of 3 targets; b: 1 of 2 answers, 1 of 1 target; c: never answered
    assert scored(Accuracy(), targets, values) == pytest.approx(3 / 5)
    assert scored(MacroF1(LABELS), targets, values) == pytest.approx((4 / 5 + 2 / 3 + 0) / 3)


def test_value_takes_any_leading_axes():
    targets, values = ["a", "b", "c", "a"], ["a", "c", "c", None]
    weights = np.random.default_rng(0).integers(0, 4, size=(2, 5, 4))
    for metric in (Accuracy(), MacroF1(LABELS)):
        statistics = metric.statistics(targets, answers_of(values))
        together = metric.value(weights @ statistics)
        assert together.shape == (2, 5)
        for at in np.ndindex(2, 5):
            assert together[at] == pytest.approx(float(metric.value(weights[at] @ statistics)))


def test_no_rows_score_nothing_and_do_not_warn():
    for metric in (Accuracy(), MacroF1(LABELS)):
        assert metric.value(metric.statistics([], []).sum(axis=0)) == 0


def test_a_target_that_no_label_covers_costs_a_class():
    assert scored(MacroF1(("a", "b")), ["a", "b", "new"], ["a", "b", None]) == pytest.approx(2 / 3)
    assert scored(Accuracy(), ["a", "new"], ["a", None]) == pytest.approx(1 / 2)


def test_targets_and_answers_must_be_as_many():
    with pytest.raises(ValueError):
        Accuracy().statistics(["a", "b"], answers_of(["a"]))
    with pytest.raises(ValueError):
        MacroF1(LABELS).statistics(["a", "b"], answers_of(["a"]))

"""Scores of sets of labels against scikit-learn, and thresholds that are tuned for F1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from tunewell.measure.metrics import sets, weighted_scores
from tunewell.measure.metrics.thresholds import best_threshold, best_thresholds
from tunewell.values import Answer

LABELS = ("a", "b", "c", "d")
ROWS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(LABELS)),
        st.lists(st.integers(0, 6).map(lambda n: n / 6), min_size=4, max_size=4),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=30,
)


def arrays(rows):
    wanted = np.array([[label in target for label in LABELS] for target, _, _ in rows])
    shares = np.array([row for _, row, _ in rows])
    return wanted, shares, [times for _, _, times in rows]


def answers(shares):
    made = []
    for row in shares:
        scores = dict(zip(LABELS, row, strict=True))
        made.append(Answer(tuple(k for k, p in scores.items() if p >= 0.5), 0.5, scores))
    return made


def scored(metric, rows, weights):
    targets = [tuple(sorted(target)) for target, _, _ in rows]
    statistics = metric.statistics(targets, answers([row for _, row, _ in rows]))
    return float(weighted_scores(metric, statistics, np.array(weights, dtype=float)[None])[0])


@given(ROWS)
def test_scores_are_those_of_scikit_learn_also_where_rows_count_twice(rows):
    wanted, shares, weights = arrays(rows)
    if not sum(weights):
        return
    said, n = shares >= 0.5, {"sample_weight": weights}
    some = {"zero_division": np.nan}
    seen = (wanted | said)[np.array(weights) > 0].any()
    macro = f1_score(wanted, said, average="macro", **some, **n) if seen else 0
    micro = f1_score(wanted, said, average="micro", zero_division=0, **n)
    assert scored(sets.SetMacroF1(LABELS), rows, weights) == pytest.approx(macro)
    assert scored(sets.SetMicroF1(LABELS), rows, weights) == pytest.approx(micro)
    exact = accuracy_score(wanted, said, **n)
    assert scored(sets.SubsetAccuracy(), rows, weights) == pytest.approx(exact)
    there = wanted[np.array(weights) > 0].any(0)
    if there.any():
        mean = average_precision_score(wanted[:, there], shares[:, there], average="macro", **n)
        assert scored(sets.MeanAveragePrecision(LABELS), rows, weights) == pytest.approx(mean)


def test_a_label_that_no_model_knows_costs_and_no_answer_gives_no_label():
    targets = [("a",), ("new",)]
    said = [Answer(("a",)), Answer(None)]
    for metric, expected in (
        (sets.SetMacroF1(("a",)), 0.5),
        (sets.SetMicroF1(("a",)), 2 / 3),
        (sets.SubsetAccuracy(), 0.5),
    ):
        assert metric.value(metric.statistics(targets, said).sum(0)) == pytest.approx(expected)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=30))
def test_no_threshold_has_a_better_f1(pairs):
    wanted = np.array([given for given, _ in pairs])
    shares = np.array([share / 9 for _, share in pairs])
    if not wanted.any():
        return
    tuned = best_threshold(wanted, shares, 0.5)
    best = f1_score(wanted, shares >= tuned, zero_division=0)
    assert all(best >= f1_score(wanted, shares >= each / 18, zero_division=0) for each in range(19))


def test_a_rare_label_shares_its_threshold():
    chance = np.random.default_rng(0)
    wanted = np.zeros((60, 4), dtype=bool)
    wanted[:20, 0], wanted[20:50, 1], wanted[50:53, 2] = True, True, True
    shares = 0.3 * wanted + chance.uniform(0, 0.2, size=wanted.shape)
    targets = [tuple(np.array(LABELS)[row]) for row in wanted]
    found = best_thresholds(LABELS, targets, answers(shares.tolist()))
    assert found["c"] == found["d"] and 0 < found["a"] < 0.5
    assert best_thresholds(LABELS, targets, [Answer(("a",))] * 60) == {}

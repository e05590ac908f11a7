"""Scores of numbers against scipy and scikit-learn, and their intervals from weighted rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_absolute_error

from tunewell.contracts import Scale
from tunewell.measure.compare import recommend, simultaneous
from tunewell.measure.intervals import intervals
from tunewell.measure.metrics import MeanAbsoluteError, Pearson, Spearman, weighted_scores
from tunewell.values import Answer

NUMBERS = st.lists(
    st.tuples(st.integers(0, 12).map(lambda n: n / 4), st.integers(-8, 12).map(lambda n: n / 3)),
    min_size=3,
    max_size=40,
)
ORACLES = {
    Pearson: lambda x, y: stats.pearsonr(x, y).statistic,
    Spearman: lambda x, y: stats.spearmanr(x, y).statistic,
    MeanAbsoluteError: mean_absolute_error,
}


def scored(metric, x, y, weights=None):
    statistics = metric.statistics(x, [Answer(each) for each in y])
    weights = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    return float(weighted_scores(metric, statistics, weights[None])[0])


@pytest.mark.parametrize("metric", ORACLES)
@given(NUMBERS, st.data())
def test_scores_are_those_of_scipy_also_where_rows_count_twice(metric, pairs, data):
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    drawn = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    x, y = (list(each) for each in zip(*pairs, strict=True))
    if len({a for a, _ in drawn}) < 2 or len({b for _, b in drawn}) < 2:
        if metric is not MeanAbsoluteError:
            assert scored(metric(), x, y, weights) == 0
        return
    expected = ORACLES[metric](*zip(*drawn, strict=True))
    assert scored(metric(), x, y, weights) == pytest.approx(expected, abs=1e-6)


def test_no_answer_counts_as_the_middle():
    x = [0.0, 1.0, 2.0, 3.0]
    answers = [Answer(0.0), Answer(None), Answer(2.0), Answer(3.0)]
    metric = Spearman(missing=1.5)
    one = weighted_scores(metric, metric.statistics(x, answers), np.ones((1, 4)))[0]
    assert one == pytest.approx(stats.spearmanr(x, [0.0, 1.5, 2.0, 3.0]).statistic)
    assert scored(Spearman(), x, x) == 1 and scored(MeanAbsoluteError(), x, x) == 0


def made(rows, noise, seed):
    chance = np.random.default_rng(seed)
    x = chance.normal(size=rows)
    return x, x + noise * chance.normal(size=rows)


@pytest.mark.parametrize("metric", [Pearson(), Spearman()])
def test_the_interval_of_a_correlation_holds_the_truth_in_95_of_100(metric):
    """For normal numbers with noise of the same size: Pearson 0.7071, Spearman 0.6902."""
    truth = {"pearson": 0.70711, "spearman": 0.69021}[metric.name]
    held = 0
    for seed in range(100):
        x, y = made(80, 1.0, seed)
        statistics = metric.statistics(x, [Answer(each) for each in y])[None]
        found = intervals(metric, {"a": statistics}, samples=300, seed=seed)["a"]
        assert -1 <= found.low <= found.value <= found.high <= 1
        held += found.low <= truth <= found.high
    assert 89 <= held <= 99


def test_an_error_has_an_interval_that_starts_at_nothing():
    metric = MeanAbsoluteError()
    x, y = made(200, 0.1, 0)
    found = intervals(metric, {"a": metric.statistics(x, [Answer(v) for v in y])[None]})["a"]
    assert 0 < found.low < found.value < found.high < 0.2


def test_methods_are_told_apart_by_ranks_and_the_sentence_has_no_points():
    metric = Spearman()
    x, near = made(300, 0.2, 1)
    far = near + np.random.default_rng(2).normal(size=300)
    fits = {
        name: metric.statistics(x, [Answer(v) for v in y])[None]
        for name, y in (("near", near), ("also", near + 1e-9), ("far", far))
    }
    pairs = simultaneous(metric, fits, samples=500)
    assert pairs.apart("near", "far") and not pairs.apart("near", "also")
    scores = {name: scored(metric, x, y) for name, y in (("near", near), ("far", far))}
    told = recommend(scores, pairs, {"near": 10.0, "far": 1.0}, scale=Scale(-1.0, percent=False))
    assert told.name == "near"
    assert f"near ({scores['near']:.3f})" in told.why and "points" not in told.why

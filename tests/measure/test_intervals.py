"""Intervals at the edges, against known formulas, and within bounded memory."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

from tunewell.measure.intervals import (
    effective_rows,
    intervals,
    resample_weights,
    resampled_scores,
    score,
    wilson,
)
from tunewell.measure.metrics import Accuracy, MacroF1
from tunewell.measure.metrics.numbers import Spearman
from tunewell.values import Answer

ACCURACY = Accuracy()


def accuracy_of(*seeds):
    """Right or wrong by seed -> statistics (seeds, rows, 2)."""
    return np.stack([np.stack([right, np.ones(len(right))], axis=1) for right in seeds])


def interval(metric, statistics, **options):
    """Of one method alone."""
    return intervals(metric, {"alone": statistics}, **options)["alone"]


def share(right, rows):
    return accuracy_of(np.arange(rows) < right)


@pytest.mark.parametrize(("right", "rows"), [(5, 10), (97, 100), (0, 40), (40, 40), (1, 3)])
def test_wilson_equals_scipy(right, rows):
    expected = stats.binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson(right / rows, rows) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(("right", "rows"), [(100, 200), (170, 200), (194, 200), (1800, 2000)])
def test_the_interval_of_an_accuracy_is_wilsons(right, rows):
    found = interval(ACCURACY, share(right, rows))
    expected = wilson(right / rows, rows)
    width = expected[1] - expected[0]
    assert found.value == pytest.approx(right / rows)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.05 * width)


@pytest.mark.parametrize("rows", [1, 2, 10, 200])
def test_all_right_and_all_wrong_are_not_certain(rows):
    right, wrong = interval(ACCURACY, share(rows, rows)), interval(ACCURACY, share(0, rows))
    assert (right.value, right.high, wrong.value, wrong.low) == (1, 1, 0, 0)
    assert right.low == pytest.approx(rows / (rows + 1.96**2), abs=1e-4)
    assert wrong.high == pytest.approx(1 - right.low)


def test_all_right_is_less_certain_where_a_class_has_few_rows():
    targets = ["common"] * 95 + ["rare"] * 5
    metric = MacroF1(("common", "rare"))
    statistics = metric.statistics(targets, [Answer(t) for t in targets])[None]
    rows = effective_rows(metric, targets)
    assert 15 < rows < 25  # 2² / (1/95 + 1/5) = 19
    plain = interval(metric, statistics)
    aware = interval(metric, statistics, effective_rows=rows)
    assert aware.value == plain.value == 1
    assert aware.low < plain.low < 1


def test_rows_of_an_accuracy_all_count_the_same():
    assert effective_rows(ACCURACY, ["a", "b", "b"] * 7) == pytest.approx(21)
    balanced = ["a", "b", "c"] * 7
    assert effective_rows(MacroF1(("a", "b", "c")), balanced) == pytest.approx(21)


def test_weights_are_multinomial_counts_and_the_same_each_time():
    weights = np.concatenate(list(resample_weights(50, 30_000, seed=3)))
    assert weights.shape == (30_000, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    assert weights.var() == pytest.approx(1 - 1 / 50, rel=0.02)
    again = np.concatenate(list(resample_weights(50, 30_000, seed=3)))
    np.testing.assert_array_equal(weights, again)
    other = np.concatenate(list(resample_weights(50, 30_000, seed=4)))
    assert (weights != other).any()


def test_memory_stays_bounded():
    statistics = share(20_000, 25_000)
    tracemalloc.start()
    scores = resampled_scores(ACCURACY, [statistics] * 2, samples=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scores.shape == (300, 2)
    assert peak < 60e6  # all weights at once are 60 MB for 300 samples, 1 GB for 5,000


def test_methods_share_their_resampled_rows():
    right = np.arange(100) % 3 > 0
    scores = resampled_scores(ACCURACY, [accuracy_of(right), accuracy_of(right)], samples=500)
    np.testing.assert_array_equal(scores[:, 0], scores[:, 1])
    assert scores[:, 0].std() == pytest.approx(np.sqrt(right.var() / 100), rel=0.1)


def test_several_seeds_are_averaged_and_their_spread_widens_the_interval():
    rows = np.arange(1000)
    alike = accuracy_of(rows < 800, rows < 800, rows < 800)
    apart = accuracy_of(rows < 750, rows < 800, rows < 850)
    assert score(ACCURACY, apart) == pytest.approx(0.8)
    one, three, spread = (interval(ACCURACY, s) for s in (share(800, 1000), alike, apart))
    assert (three.low, three.high) == pytest.approx((one.low, one.high), abs=1e-3)
    assert spread.value == pytest.approx(0.8)
    # seeds alone: 0.05 / √3 = 0.029; rows alone: 0.013
    assert spread.high - spread.low > 2 * 1.96 * 0.029
    assert spread.high - spread.low < 2 * 1.96 * 0.045


def test_methods_with_different_numbers_of_seeds_go_together():
    rows = np.arange(60)
    found = intervals(
        ACCURACY, {"one": share(30, 60), "two": accuracy_of(rows < 40, rows < 44)}, samples=200
    )
    assert found["one"].value == 0.5
    assert found["two"].value == pytest.approx(0.7)
    assert found["two"].low < 0.7 < found["two"].high


def test_rows_of_a_group_count_as_one_draw():
    """Ten rows of equal fate a group say no more than one of them."""
    one_each = np.arange(40) % 3 > 0
    groups = np.random.default_rng(1).permutation(np.repeat(np.arange(40), 10))
    whole = accuracy_of(one_each[groups])
    found = interval(ACCURACY, whole, groups=groups)
    expected = interval(ACCURACY, accuracy_of(one_each))
    for end in ("value", "low", "high"):
        assert getattr(found, end) == pytest.approx(getattr(expected, end), abs=1e-6)
    alone = interval(ACCURACY, whole)
    assert found.high - found.low > 2.5 * (alone.high - alone.low)
    targets = [str(number) for number in groups]
    assert effective_rows(ACCURACY, targets) == pytest.approx(400)
    assert effective_rows(ACCURACY, targets, groups=groups) == pytest.approx(40)


@pytest.mark.parametrize("ranked", [False, True])
def test_groups_of_one_row_are_rows(ranked):
    metric = Spearman(missing=0.5) if ranked else ACCURACY
    chance = np.random.default_rng(2)
    statistics = chance.random((1, 30, 2)) if ranked else share(20, 30)
    rows = np.arange(30)
    found = interval(metric, statistics, samples=300, groups=rows)
    assert found == interval(metric, statistics, samples=300)
    twice = np.concatenate([statistics, statistics], axis=1)
    paired = interval(metric, twice, samples=300, groups=np.concatenate([rows, rows]))
    assert paired.low == pytest.approx(found.low, abs=1e-6)
    assert paired.high == pytest.approx(found.high, abs=1e-6)


def test_the_score_lies_in_its_interval_whatever_is_scored():
    generator = np.random.default_rng(0)
    labels = tuple("abcdefgh")
    metric = MacroF1(labels)
    for _ in range(40):
        rows = int(generator.integers(1, 30))
        targets = generator.choice(
            labels, rows, p=0.6 ** np.arange(8) / (0.6 ** np.arange(8)).sum()
        )
        said = np.where(generator.random(rows) < 0.7, targets, generator.choice(labels, rows))
        statistics = metric.statistics(list(targets), [Answer(s) for s in said])[None]
        found = interval(metric, statistics, samples=200)
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high - found.low > 0


def test_no_rows_or_different_rows_are_refused():
    with pytest.raises(ValueError, match="same rows"):
        resampled_scores(ACCURACY, [share(3, 5), share(3, 6)])
    with pytest.raises(ValueError, match="at least one"):
        interval(ACCURACY, np.zeros((1, 0, 2)))

"""Bits a byte and perplexity from sums of nats; what cannot be told is no number."""

import math

import numpy as np
import pytest

from tunewell.measure.compare import recommend, simultaneous
from tunewell.measure.intervals import effective_rows, intervals, score
from tunewell.measure.metrics import scores
from tunewell.measure.metrics.surprise import EXPECTED, BitsPerByte, Perplexity
from tunewell.surprise import Surprise
from tunewell.values import Answer

LN2 = math.log(2)


def told(rows):
    """Answers with so many bits, tokens and bytes each."""
    return [Answer("a", surprise=Surprise(bits * LN2, tokens, size)) for bits, tokens, size in rows]


def test_bits_and_bytes_are_summed_before_they_are_divided():
    answers = told([(8, 2, 4), (2, 2, 16)])
    found = scores(EXPECTED, ["a", "b"], answers)
    assert found["bits_per_byte"] == pytest.approx(10 / 20)
    assert found["perplexity"] == pytest.approx(2 ** (10 / 4))


def test_a_model_that_is_sure_needs_no_bits():
    found = scores(EXPECTED, ["a"], told([(0, 3, 5)]))
    assert found == {"bits_per_byte": 0, "perplexity": 1}


@pytest.mark.parametrize("metric", EXPECTED.values(), ids=list(EXPECTED))
def test_one_row_that_is_not_known_leaves_the_whole_unknown(metric):
    answers = [*told([(8, 2, 4)]), Answer("a")]
    assert math.isnan(score(metric, metric.statistics(["a", "a"], answers)[None]))
    assert math.isnan(score(metric, metric.statistics([], [])[None]))
    assert effective_rows(metric, ["a", "a"]) == 2


def rows_of(bits, seed, count=200):
    chance = np.random.default_rng(seed)
    sizes = chance.integers(20, 200, count)
    noise = chance.normal(1, 0.2, count)
    return [(bits * n * s, int(s) // 4, int(s)) for s, n in zip(sizes, noise, strict=True)]


def test_intervals_hold_the_true_figure_and_never_go_below_the_least():
    metric, held = BitsPerByte(), 0
    for seed in range(300):
        statistics = metric.statistics([""] * 200, told(rows_of(2.0, seed)))
        (found,) = intervals(metric, {"a": statistics[None]}, samples=300).values()
        held += found.low <= 2.0 <= found.high
    assert 0.92 <= held / 300 <= 0.98
    sure = Perplexity().statistics([""] * 5, told([(0, 3, 5)] * 5))
    found = intervals(Perplexity(), {"a": sure[None]}, samples=200)["a"]
    assert (found.low, found.value, found.high) == (1, 1, 1)


def test_fewer_bits_are_better_and_the_cheapest_that_loses_little_is_taken():
    metric = BitsPerByte()
    statistics = {
        name: metric.statistics([""] * 200, told(rows_of(bits, 1)))[None]
        for name, bits in {"small": 2.3, "middle": 2.005, "large": 2.0}.items()
    }
    pairs = simultaneous(metric, statistics, samples=500)
    assert pairs.between("large", "small").low > 0 and pairs.apart("large", "small")
    values = {name: score(metric, each) for name, each in statistics.items()}
    cost = {"small": 1.0, "middle": 2.0, "large": 10.0}
    advice = recommend(values, pairs, cost, margin=0.02, scale=metric.scale)
    assert advice.name == "middle" and "large (1.95" in advice.why
    strict = recommend(values, pairs, cost, margin=0.0, scale=metric.scale)
    assert strict.name == "large" and "worse" in strict.why

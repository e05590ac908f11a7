"""All pairs at once, and the recommendation with its sentence."""

import numpy as np
import pytest
from scipy import stats

from tunewell.measure.compare import Pairs, recommend, simultaneous
from tunewell.measure.intervals import Z
from tunewell.measure.metrics import Accuracy, MacroF1
from tunewell.values import Answer, to_json

ACCURACY = Accuracy()


def accuracy_of(right):
    return np.stack([right, np.ones(len(right))], axis=1)[None].astype(float)


def pairs_of(names, half, **scores):
    """Pairs with the same half width everywhere."""
    values = np.array([scores[name] for name in names])
    difference = values[:, None] - values
    width = half * (1 - np.eye(len(names)))
    return Pairs(tuple(names), difference, difference - width, difference + width, 0.0)


def test_two_methods_give_the_paired_interval_worked_by_hand():
    rows = 400
    one = np.arange(rows) >= 40  # wrong on 40
    other = np.arange(rows) < 340  # wrong on 60 other rows
    found = simultaneous(ACCURACY, {"one": accuracy_of(one), "other": accuracy_of(other)})
    between = found.between("one", "other")
    assert between.value == pytest.approx(20 / 400)
    # paired: (60 + 40 + one row) / n² less the squared difference / n
    error = np.sqrt((60 + 40 + 1) / rows**2 - 0.05**2 / rows)
    assert between.high - between.value == pytest.approx(Z * error, rel=0.04)
    assert between.value - between.low == pytest.approx(between.high - between.value)


def test_every_pair_is_there_both_ways():
    generator = np.random.default_rng(0)
    methods = {name: accuracy_of(generator.random(150) < 0.7) for name in "abcd"}
    pairs = simultaneous(ACCURACY, methods, samples=500)
    assert pairs.names == tuple("abcd")
    np.testing.assert_allclose(pairs.difference, -pairs.difference.T)
    np.testing.assert_allclose(pairs.low, -pairs.high.T)
    assert (np.diag(pairs.low) == 0).all() and (np.diag(pairs.high) == 0).all()
    assert to_json(pairs.between("a", "a")) == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_critical_value_is_that_of_the_studentised_range_for_independent_methods():
    generator = np.random.default_rng(1)
    rights = generator.random((10, 2000)) < 0.8
    pairs = simultaneous(ACCURACY, {str(at): accuracy_of(r) for at, r in enumerate(rights)})
    error = np.sqrt([(r != q).mean() / 2000 for r in rights for q in rights]).reshape(10, 10)
    upper = np.triu_indices(10, 1)
    critical = ((pairs.high - pairs.difference)[upper] / error[upper]).mean()
    expected = stats.studentized_range.ppf(0.95, 10, np.inf) / np.sqrt(2)
    assert critical == pytest.approx(expected, rel=0.04)


def test_identical_answers_are_equal_but_not_surely_so_on_other_rows():
    right = np.arange(200) % 5 > 0
    pairs = simultaneous(ACCURACY, {"a": accuracy_of(right), "b": accuracy_of(right)})
    found = pairs.between("a", "b")
    assert found.value == 0
    assert found.high == pytest.approx(Z / 200)
    assert not pairs.apart("a", "b")


def test_a_pair_that_agrees_everywhere_does_not_hide_others_that_differ():
    rows = np.arange(500)
    methods = {"a": rows < 450, "twin": rows < 450, "poor": rows < 300}
    pairs = simultaneous(ACCURACY, {name: accuracy_of(right) for name, right in methods.items()})
    assert pairs.apart("a", "poor") and pairs.apart("poor", "twin")
    assert not pairs.apart("a", "twin")


def test_seeds_that_scatter_widen_the_interval():
    rows = np.arange(1000)
    steady = np.concatenate([accuracy_of(rows < 800)] * 3)
    loose = np.concatenate([accuracy_of(rows < right) for right in (740, 800, 860)])
    other = accuracy_of(rows < 780)
    narrow = simultaneous(ACCURACY, {"it": steady, "other": other}).between("it", "other")
    wide = simultaneous(ACCURACY, {"it": loose, "other": other}).between("it", "other")
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_a_class_of_few_rows_widens_macro_f1_even_where_methods_agree():
    targets = ["a"] * 95 + ["b"] * 5
    metric = MacroF1(("a", "b"))
    statistics = metric.statistics(targets, [Answer(t) for t in targets])[None]
    both = {"one": statistics, "other": statistics}
    plain = simultaneous(metric, both).between("one", "other")
    aware = simultaneous(metric, both, effective_rows=20).between("one", "other")
    assert aware.high > 2 * plain.high > 0


def test_one_method_alone_is_compared_with_itself():
    pairs = simultaneous(ACCURACY, {"lora": accuracy_of(np.arange(20) < 15)}, samples=100)
    assert pairs.between("lora", "lora").value == 0
    assert pairs.optimism == pytest.approx(0, abs=0.02)
    found = recommend({"lora": 0.75}, pairs, {"lora": 3.0})
    assert found.name == "lora"
    assert found.why == "lora (75.0 of 100) is the only method to choose from."


def test_the_cheapest_that_surely_loses_little_is_taken():
    scores = {"features": 0.86, "lora": 0.869, "full": 0.87}
    pairs = pairs_of(scores, 0.008, **scores)
    cost = {"features": 10.0, "lora": 30.0, "full": 100.0}
    found = recommend(scores, pairs, cost)
    assert found.name == "features"
    assert found.why == (
        "Take features (86.0 of 100): it takes about a tenth of the training time of full (87.0 of "
        "100), which scores best, and loses at most 1.8 points against it."
    )
    assert recommend(scores, pairs, cost, margin=0.01).name == "lora"


def test_where_none_is_sure_the_best_is_taken_and_what_a_cheap_one_may_lose_is_said():
    scores = {"majority": 0.3, "features": 0.85, "lora": 0.868, "full": 0.87}
    cost = {"majority": 0.001, "features": 10.0, "lora": 80.0, "full": 100.0}
    found = recommend(scores, pairs_of(scores, 0.03, **scores), cost, prefer="memory")
    assert found.name == "full"
    assert found.why == (
        "Take full (87.0 of 100), which scores best; features (85.0 of 100) takes about a tenth "
        "of the memory and may be up to 5.0 points worse."
    )
    found = recommend(scores, pairs_of(scores, 0.015, **scores), cost)
    assert found.name == "lora"
    assert "takes about 80 % of the training time of full" in found.why


def test_a_sure_loss_is_said_as_one():
    scores = {"features": 0.80, "full": 0.87}
    cost = {"features": 1.0, "full": 3.0}
    found = recommend(scores, pairs_of(scores, 0.03, **scores), cost)
    assert found.name == "full"
    assert found.why.endswith("about a third of the training time and is 4.0 to 10.0 points worse.")


def test_the_best_that_is_cheapest_needs_no_excuse():
    scores = {"lora": 0.80, "features": 0.87}
    cost = {"lora": 5.0, "features": 1.0}
    found = recommend(scores, pairs_of(scores, 0.1, **scores), cost, prefer="size")
    assert found.name == "features"
    assert (
        found.why == "Take features (87.0 of 100), which scores best; none takes less disk space."
    )


def test_equal_costs_go_to_the_better_and_equal_scores_to_the_cheaper():
    scores = {"a": 0.86, "b": 0.87, "c": 0.87}
    pairs = pairs_of(scores, 0.005, **scores)
    assert recommend(scores, pairs, {"a": 1.0, "b": 1.0, "c": 2.0}).name == "b"
    assert recommend(scores, pairs, {"a": 9.0, "b": 2.0, "c": 1.0}).name == "c"
    assert recommend(scores, pairs, {"a": 1.0, "b": 1.0, "c": 1.0}).name == "b"


def test_methods_no_better_than_the_majority_are_said_to_be_so():
    scores = {"majority": 0.80, "full": 0.81}
    cost = {"majority": 0.0, "full": 100.0}
    found = recommend(scores, pairs_of(scores, 0.03, **scores), cost, baseline="majority")
    assert found.name == "full"
    assert found.why == (
        "full (81.0 of 100) scores best, but these rows cannot tell it from majority "
        "(80.0 of 100), which never looks at the input."
    )
    scores = {"majority": 0.80, "full": 0.79}
    found = recommend(scores, pairs_of(scores, 0.03, **scores), cost, baseline="majority")
    assert found.name == "majority"
    assert found.why == (
        "No method scores better than majority (80.0 of 100), which never looks at the input."
    )


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (0.0, "next to none of the"),
        (0.1, "about a thousandth of the"),
        (2.1, "about a fiftieth of the"),
        (24.0, "about a quarter of the"),
        (55.0, "about half of the"),
        (70.0, "about 70 % of the"),
        (99.0, "nearly all the"),
    ],
)
def test_costs_in_words(cost, words):
    scores = {"cheap": 0.869, "full": 0.87}
    found = recommend(scores, pairs_of(scores, 0.01, **scores), {"cheap": cost, "full": 100.0})
    assert f"takes {words} training time of full" in found.why

"""Confidence against truth: the error by hand, the temperature against scipy, what is left out."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import f1_score, log_loss

from tunewell import registry
from tunewell.decide import one_label
from tunewell.measure.calibration import calibration
from tunewell.measure.metrics.temperature import best_temperature
from tunewell.values import Answer, Example

LABELS = ("a", "b", "c")


def too_sure(rows, sharper, seed=0):
    """Answers whose logits are `sharper` times those by which targets were drawn."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(size=(rows, 3)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    targets = [LABELS[chance.choice(3, p=row)] for row in shares]
    told = np.exp(sharper * logits)
    told /= told.sum(1, keepdims=True)
    return targets, [one_label(dict(zip(LABELS, row.tolist(), strict=True)), {}) for row in told]


def test_the_error_is_that_of_the_formula():
    targets, answers = too_sure(500, 3.0)
    found = calibration(targets, answers)
    sure = np.array([a.confidence for a in answers])
    right = np.array([a.value == t for t, a in zip(targets, answers, strict=True)])
    error = 0.0
    for low in np.arange(10) / 10:
        inside = (sure > low) & (sure <= low + 0.1 + 1e-12)
        if inside.any():
            error += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert found.error == pytest.approx(error)
    assert sum(each.rows for each in found.bins) == 500


def test_the_surest_answers_are_right_most_often():
    targets, answers = too_sure(500, 1.0)
    points = calibration(targets, answers).points
    assert [round(point.answered, 2) for point in points] == [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5]
    assert points[-1].right.value > points[0].right.value + 0.05
    half = [
        a.value == t
        for t, a in zip(targets, answers, strict=True)
        if a.confidence >= points[-1].confidence
    ]
    assert points[-1].right.value == pytest.approx(np.mean(half)) and len(half) == points[-1].rows
    assert calibration(["a", "b"], [Answer("a", 0.9), Answer("b")]) is None
    assert calibration([], []) is None


@pytest.mark.parametrize("sharper", [0.4, 1.0, 3.0])
def test_the_temperature_makes_targets_likeliest(sharper):
    targets, answers = too_sure(800, sharper)
    found = best_temperature(LABELS, targets, answers)
    logits = np.log([[a.scores[label] for label in LABELS] for a in answers])

    def cost(logarithm):
        cooled = np.exp(logits / np.exp(logarithm))
        cooled /= cooled.sum(1, keepdims=True)
        return 800 * log_loss(targets, cooled, labels=LABELS) + logarithm**2 / 2

    best = minimize_scalar(cost, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert found == pytest.approx(np.exp(best.x), rel=6e-4) == pytest.approx(sharper, rel=0.2)


def test_few_rows_have_no_temperature_and_right_ones_an_end():
    targets, answers = too_sure(19, 3.0)
    assert best_temperature(LABELS, targets, answers) == 1.0
    sure = [one_label({"a": 0.6, "b": 0.3, "c": 0.1}, {})] * 100
    assert 0.05 < best_temperature(LABELS, ["a"] * 100, sure) < 1


def test_a_tuned_task_is_as_sure_as_it_is_right_and_decides_alike():
    rows = [Example("x", label) for label in "abcabc"]
    task = registry.task("classify").from_examples(rows)
    targets, answers = too_sure(1000, 4.0)
    tuned = task.tuned(targets, answers)
    cool = tuned.decided(answers)
    assert [a.value for a in cool] == [a.value for a in answers] and tuned.thresholds == {}
    assert all(sum(a.scores.values()) == pytest.approx(1) for a in cool)
    assert calibration(targets, cool).error < calibration(targets, answers).error / 2
    assert type(task).from_json(tuned.to_json()) == tuned


def test_two_unequal_labels_get_a_threshold_for_the_rarer():
    chance = np.random.default_rng(3)
    rows = [Example("x", "b" if n % 10 else "a") for n in range(100)]
    task = registry.task("classify").from_examples(rows)
    targets = ["a" if n % 10 == 0 else "b" for n in range(400)]
    shares = [0.25 * (t == "a") + chance.uniform(0, 0.3) for t in targets]
    answers = [one_label({"a": share, "b": 1 - share}, {}) for share in shares]
    tuned = task.tuned(targets, answers)
    assert list(tuned.thresholds) == ["a"] and tuned.thresholds["a"] < 0.5

    def macro(said):
        return f1_score(targets, [a.value for a in said], average="macro", zero_division=0)

    assert macro(tuned.decided(answers)) > macro(answers) + 0.2
    equal = registry.task("classify").from_examples(rows[:1] + rows[9:11])
    assert equal.tuned(targets, answers).thresholds == {}

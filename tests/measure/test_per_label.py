"""Each label's figures against scikit-learn, and Wilson's intervals against scipy."""

import random

import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

from tunewell.measure.per_label import per_label, share
from tunewell.values import Answer

LABELS = ("a", "b", "c")


@pytest.mark.parametrize("several", [True, False])
def test_figures_are_those_of_scikit_learn(several):
    chance = random.Random(1)

    def drawn():
        return tuple(x for x in LABELS if chance.random() < 0.4) if several else chance.choice("ab")

    targets, said = [drawn() for _ in range(80)], [drawn() for _ in range(80)]
    found = per_label(LABELS, targets, [Answer(each) for each in said])
    binary = MultiLabelBinarizer(classes=LABELS)
    one, other = (binary.fit_transform([tuple(x) for x in each]) for each in (targets, said))
    figures = precision_recall_fscore_support(one, other, zero_division=0)
    for at, score in enumerate(found):
        assert score.rows == figures[3][at] and score.label == LABELS[at]
        for ours, theirs in zip(
            (score.precision, score.recall, score.f1), figures[:3], strict=True
        ):
            assert (ours.value if ours else 0) == pytest.approx(theirs[at])
            assert ours is None or ours.low <= ours.value <= ours.high


@pytest.mark.parametrize(("part", "whole"), [(0, 4), (3, 9), (7, 7), (40, 160)])
def test_intervals_are_wilsons(part, whole):
    expected = binomtest(part, whole).proportion_ci(method="wilson")
    found = share(part, whole)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert share(0, 0) is None

"""Each type's figures are those of seqeval's report, and stand within their intervals."""

import random

import numpy as np
import pytest
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from tunewell.measure.per_type import per_type
from tunewell.tasks.tag import Tag
from tunewell.values import Answer

WORDS = [f"w{n}" for n in range(9)]


def random_tags(chance):
    tags = []
    for _ in WORDS:
        options = [
            "O",
            "B-PER",
            "B-LOC",
            *([f"I-{tags[-1][2:]}"] if tags and tags[-1] != "O" else []),
        ]
        tags.append(chance.choice(options))
    return tags


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_of_a_type_are_those_of_seqeval(seed):
    chance = random.Random(seed)
    true = [random_tags(chance) for _ in range(25)]
    said = [tags if chance.random() < 0.5 else random_tags(chance) for tags in true]

    def spans(rows):
        return [Tag().read({"input": WORDS, "target": tags}, "row").target for tags in rows]

    oracle = classification_report(true, said, mode="strict", scheme=IOB2, output_dict=True)
    found = per_type(("LOC", "PER"), spans(true), [Answer(each) for each in spans(said)])
    for each in found:
        told = oracle[each.label]
        assert each.rows == told["support"]
        for name, figure in (("precision", each.precision), ("recall", each.recall)):
            assert figure.value == pytest.approx(told[name])
        assert each.f1.value == pytest.approx(told["f1-score"])
        assert all(f.low < f.value < f.high for f in (each.precision, each.recall, each.f1))


def test_pieces_in_rows_of_one_group_say_no_more_than_those_of_one_row():
    tagged = ["B-PER"] + ["O"] * 8, ["O"] * 9
    person, nobody = (Tag().read({"input": WORDS, "target": t}, "row").target for t in tagged)
    said = [Answer(person if number % 3 else nobody) for number in range(12)]
    (few,) = per_type(("PER",), [person] * 12, said)
    again = [answer for answer in said for _ in range(10)]
    groups = np.repeat(np.arange(12), 10)
    (apart,) = per_type(("PER",), [person] * 120, again)
    (many,) = per_type(("PER",), [person] * 120, again, groups)
    assert many.recall.value == apart.recall.value == few.recall.value
    assert many.recall.low == pytest.approx(few.recall.low, abs=0.02)
    assert many.recall.low < apart.recall.low - 0.1


def test_what_never_occurs_has_no_figures():
    (target,) = [Tag().read({"input": WORDS, "target": ["B-PER"] + ["O"] * 8}, "row").target]
    per, loc = per_type(("PER", "LOC"), [target, ()], [Answer(None), Answer(())])
    assert (per.rows, per.given, per.precision) == (1, 0, None)
    assert per.recall.value == per.f1.value == 0 and per.recall.high > 0.5
    assert (loc.precision, loc.recall, loc.f1) == (None, None, None)

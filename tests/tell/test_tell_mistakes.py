import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fake_comparisons import answers  # isort: skip

from tunewell.tell.mistakes import MOST_CLASSES, mistakes


def line(target, answer, confidence=0.5, row=2, text="a text"):
    return {
        "row": row,
        "source": "r.csv",
        "input": text,
        "target": target,
        "answer": answer,
        "confidence": confidence,
    }


@pytest.mark.parametrize("classes", [2, 5, 20])
def test_the_matrix_is_that_of_scikit_learn(classes):
    labels = [f"label {number}" for number in range(classes)]
    lines = list(answers(labels, rows=400, right=0.6))
    found = mistakes(lines, labels, {})
    targets = [item["target"] for item in lines]
    given = [item["answer"] for item in lines]
    expected = confusion_matrix(targets, given, labels=labels)
    assert np.array_equal([row.counts for row in found.lines], expected)
    precision, recall, _, support = precision_recall_fscore_support(targets, given, labels=labels)
    assert np.allclose(found.precisions, precision)
    assert np.allclose([row.recall for row in found.lines], recall)
    assert [row.total for row in found.lines] == support.tolist()
    assert found.right == np.trace(expected)
    assert sum(number for *_, number, _ in found.pairs) <= found.rows - found.right


def test_no_answer_and_unknown_labels_have_a_place():
    found = mistakes([line("a", None), line("c", "a"), line("b", "b")], ["a", "b"], {})
    assert found.answers == ("a", "b", "(no answer)", "c")
    assert [(row.label, row.counts) for row in found.lines] == [
        ("a", (0, 0, 1, 0)),
        ("b", (0, 1, 0, 0)),
        ("c", (1, 0, 0, 0)),
    ]


def test_labels_are_shown_by_name():
    found = mistakes([line("0", "1")], ["0", "1"], {"0": "negative", "1": "positive"})
    assert found.answers == ("negative (0)", "positive (1)")
    assert found.pairs == (("negative (0)", "positive (1)", 1, 1),)
    assert found.worst[0].target == "negative (0)"


def test_the_surest_mistakes_come_first_and_the_unsure_last():
    lines = [line("a", "b", sure, row) for row, sure in enumerate([0.6, None, 0.99, 0.7], 2)]
    lines.append(line("a", "a", 1.0, 9))
    found = mistakes(lines, ["a", "b"], {})
    assert [wrong.confidence for wrong in found.worst] == [0.99, 0.7, 0.6, None]
    assert found.worst[0].place == "r.csv, row 4"


def test_twenty_rows_and_four_hundred_characters_at_most():
    found = mistakes([line("a", "b", 0.5, row, "x" * 5000) for row in range(50)], ["a", "b"], {})
    assert len(found.worst) == 20
    assert all(len(wrong.input) == 400 and wrong.input.endswith("…") for wrong in found.worst)


def test_too_many_classes_give_pairs_and_no_matrix():
    labels = [f"l{number}" for number in range(MOST_CLASSES + 1)]
    found = mistakes(answers(labels, rows=500, right=0.5), labels, {})
    assert found.lines == ()
    assert len(found.pairs) == 10
    counts = [number for *_, number, _ in found.pairs]
    assert counts == sorted(counts, reverse=True)


def test_answers_that_are_no_labels_have_no_matrix():
    found = mistakes([line(["B-PER"], ["O"]), line("x", "x")], [], {})
    assert found.lines == () and found.pairs == ()
    assert (found.right, found.worst[0].target) == (1, '["B-PER"]')

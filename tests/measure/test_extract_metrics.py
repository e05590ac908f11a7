"""Exact match and F1 of extracted answers, worked by hand from the rules of SQuAD 2.0."""

import pytest

from tunewell.measure.metrics.extracts import ExactMatch, WordF1, comparable
from tunewell.tasks.answer import Extract
from tunewell.values import Answer, Span


def spans(*texts):
    return tuple(Span(0, len(text), "", text) for text in texts)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("The  Rhine.", "rhine"),
        ("An apple, a day", "apple day"),
        ("U.S.-led", "usled"),
        ("theatre an", "theatre"),
        ("the", ""),
        ("€12", "€12"),
        ("A–B", "–b"),  # punctuation beyond ASCII stays, and parts words where articles are sought
    ],
)
def test_texts_are_compared_as_squad_does(text, same):
    assert comparable(text) == same


@pytest.mark.parametrize(
    ("right", "said", "exact", "f1"),
    [
        (["North Sea"], "the North Sea", 1, 1),
        (["North Sea"], "in the North Sea", 0, 4 / 5),  # 2 of 3 words right, 2 of 2 found
        (["October 1973"], "1973", 0, 2 / 3),
        (["October 1973", "1973"], "1973", 1, 1),  # the nearest of several
        (["no no yes"], "no yes yes", 0, 2 / 3),  # a word counts as often as it stands in both
        (["Rhine"], "Danube", 0, 0),
        (["Rhine"], "", 0, 0),
        ([], "", 1, 1),
        ([], "Rhine", 0, 0),
        ([], "the", 1, 1),  # only an article is as good as nothing
        (["the", "Rhine"], "", 0, 0),  # right answers of nothing but articles do not count
        (["the"], "", 1, 1),
    ],
)
def test_one_row_by_hand(right, said, exact, f1):
    scores = Extract().score([spans(*right)], [Answer(Span(0, len(said), "", said))])
    assert scores == {"f1": pytest.approx(f1), "exact_match": exact}


def test_rows_are_averaged_and_no_answer_is_wrong():
    targets = [spans("Rhine"), spans("October 1973"), (), ()]
    said = [
        Answer(spans("the Rhine")[0]),
        Answer(spans("1973")[0]),
        Answer(None),
        Answer(Span(0, 0)),
    ]
    scores = Extract().score(targets, said)
    assert scores == {"f1": pytest.approx((1 + 2 / 3 + 0 + 1) / 4), "exact_match": 0.5}
    for metric in (WordF1(), ExactMatch()):
        assert metric.statistics(targets, said).shape == (4, 2)

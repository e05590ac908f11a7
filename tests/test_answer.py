"""Answers in passages: SQuAD's JSON, places, the threshold, and the best sentence."""

import json
import math
import shlex

import pytest

import toy_tasks
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.errors import DataError
from tunewell.read import Source, load
from tunewell.tasks.answer import Extract
from tunewell.values import Answer, Span

PASSAGE = "Ana met Ben. Ben met Cleo in Rome. They left."


def read(answer, start=""):
    cells = {"question": "Who?", "passage": PASSAGE, "answer": answer, "start": start}
    return Extract().read(cells, "row 2").target


@pytest.mark.parametrize(
    ("answer", "start", "places"),
    [
        ("Ben", "", [8]),
        ("Ben", "13", [13]),
        ("Ben", "14", [13]),  # the nearest place where it does stand
        ({"text": ["Ben", "Ana", "Ben"], "answer_start": ["13", "0", "13"]}, "", [13, 0]),
        ([{"text": "Ben", "answer_start": "13"}], "", [13]),
        (["Rome", "in Rome"], "", [29, 26]),
        ({"text": ["Rome", "Paris"], "answer_start": ["29", "3"]}, "", [29]),
        ({"text": [], "answer_start": []}, "", []),
        ("(nothing)", "", []),
    ],
)
def test_answers_and_their_places(answer, start, places):
    target = read(answer, start)
    assert [span.start for span in target] == places
    assert all(PASSAGE[span.start : span.end] == span.text for span in target)


def test_an_answer_that_does_not_stand_there_is_refused():
    with pytest.raises(DataError, match="row 2") as caught:
        read("Dora")
    assert caught.value.column == "answer"


def test_squad_json_is_read_as_it_is(tmp_path):
    articles = []
    for number in range(12):
        asked = [
            {
                "id": f"{number}a",
                "question": f"Who met number {number}?",
                "answers": [{"text": "Ana", "answer_start": 0}],
                "is_impossible": False,
            },
            {
                "id": f"{number}b",
                "question": f"Who sang song {number}?",
                "answers": [],
                "is_impossible": True,
            },
        ]
        context = f"Ana met number {number} in town {number * 7} on day {number * 13}."
        articles.append({"title": "t", "paragraphs": [{"context": context, "qas": asked}]})
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    data = load(Source(str(path), task="answer"))
    rows = [*data.train, *data.validation, *data.test]
    assert len(rows) == 24 and sum(not row.target for row in rows) == 12
    assert Extract.from_examples(data.train).unanswerable
    for part in (data.train, data.validation, data.test):
        ours = {row.group for row in part}
        assert not ours & {row.group for row in rows if row not in part}


def test_the_threshold_is_the_best_on_the_answers():
    targets = [(), (), (Span(0, 3, "", "Ana"),), (Span(0, 3, "", "Ana"),)]
    margins = [3.0, 2.5, 2.0, -1.0]  # log-probability of none less that of the text

    def said(margin):
        none = 1 / (1 + math.exp(-margin))
        return Answer(Span(0, 0), none, {"": none, "Ana": 1 - none})

    tuned = Extract(unanswerable=True).tuned(targets, [said(margin) for margin in margins])
    assert tuned.threshold == pytest.approx(2.25)
    fine = Extract(unanswerable=True).tuned(targets[:2], [said(2.0), said(3.0)])
    assert fine.threshold == 0
    never = Extract(True).tuned(targets[2:], [said(2.0), said(3.0)])
    always = Extract(True).tuned(targets[:2], [said(-2.0), said(-3.0)])
    assert (never.threshold, always.threshold) == pytest.approx((4.0, -4.0))
    assert Extract().tuned(targets, [said(1.0)] * 4) == Extract()
    assert Extract(True).tuned(targets, [Answer(Span(0, 0))] * 4) == Extract(True)
    assert Extract.from_json(json.loads(json.dumps(tuned.to_json()))) == tuned


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Whom did Ben meet in Rome?", "Ben met Cleo in Rome."),
        ("Whom did Ana meet?", "Ana met Ben."),
        ("?", "Ana met Ben."),
    ],
)
def test_the_best_sentence(question, sentence):
    method = registry.method("best_sentence")()
    rows = (Extract().read({"question": "Who?", "passage": PASSAGE, "answer": "Ana"}, "row"),)
    predictor = method.fit(Job(Extract(), rows, rows, None))
    (answer,) = predictor.predict([{"question": question, "passage": PASSAGE}])
    assert answer.value.text == sentence
    assert PASSAGE[answer.value.start : answer.value.end] == sentence


def test_a_passage_without_full_stops_is_one_sentence():
    predictor = registry.method("best_sentence")().fit(Job(Extract(), (), (), None))
    said = predictor.predict(
        [
            {"question": "3", "passage": p}
            for p in ("one 3.5 two", " 東京は首都。京都は古い。", "a\nb 3\n")
        ]
    )
    assert [answer.value.text for answer in said] == ["one 3.5 two", "東京は首都。", "b 3"]


def test_what_to_type_next_is_understood(tmp_path, capsys):
    path, out = tmp_path / "asked.jsonl", str(tmp_path / "run")
    rows = toy_tasks.modules()["answer"].rows(60, 0)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    typed = ["compare", str(path), "--task", "answer", "--methods", "majority,best_sentence"]
    assert main([*typed, "--out", out]) == 0
    following = capsys.readouterr().out.splitlines()[-1]
    assert following.startswith("Next: tunewell predict ")
    assert main(shlex.split(following)[2:]) == 0, capsys.readouterr().err

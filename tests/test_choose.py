"""Multiple choice: how choices and answers are written, and the nearest choice."""

import json

import pytest

from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import DataError
from tunewell.fit.backbones import resolve
from tunewell.read import Source, load
from tunewell.tasks.choose import Choose

LIST = ["bank", "library", "mall"]


@pytest.mark.parametrize(
    ("choices", "answer", "first", "right"),
    [
        (LIST, "library", 0, "library"),
        (LIST, "B", 0, "library"),
        (LIST, "(b)", 0, "library"),
        (LIST, "1", 0, "library"),
        (LIST, "1", 1, "bank"),
        (["3", "1", "2"], "1", 0, "1"),  # the text itself comes before the number
        ([{"label": "1", "text": "bank"}, {"label": "2", "text": "mall"}], "2", 0, "mall"),
        ({"label": ["A", "B"], "text": ["bank", "mall"]}, "B", 0, "mall"),
        ({"A": "bank", "B": "mall", "C": ""}, "B", 0, "mall"),
        ({"option_a": "bank", "option_b": "mall"}, "option_b", 0, "mall"),
        (["no", "no", "yes"], "2", 0, "yes"),  # counted before what stands twice is left out
    ],
)
def test_how_answers_are_written(choices, answer, first, right):
    row = {"question": "Where?", "choices": choices, "answer": answer}
    example = Choose(first).read(row, "row 2")
    assert example.target == right and right in example.input["choices"]


@pytest.mark.parametrize("answer", ["D", "3", "-1", "shop"])
def test_an_answer_that_is_no_choice_is_refused(answer):
    with pytest.raises(DataError, match="row 2") as caught:
        Choose().read({"question": "Where?", "choices": LIST, "answer": answer}, "row 2")
    assert caught.value.column == "answer"


@pytest.mark.parametrize(
    ("answers", "first"), [(["0", "2", "1"], 0), (["1", "3", "2"], 1), (["1", "2", "1"], 0)]
)
def test_where_numbers_begin_is_seen_from_all_rows(answers, first):
    rows = [{"question": "?", "choices": LIST, "answer": each} for each in answers]
    found, told = Choose().look(rows)
    assert found == {"first": first} and str(first) in told


def test_more_than_26_choices_are_refused():
    row = {"question": "?", "choices": [str(n) for n in range(27)], "answer": "0"}
    with pytest.raises(DataError, match="27"):
        Choose().read(row, "row 2")
    row["choices"] = row["choices"][:26]
    assert Choose().read(row, "row 2").target == "0"


def test_a_column_a_choice_and_rows_with_fewer(tmp_path):
    lines = ["question,A,B,C,D,answer"]
    for n in range(40):
        last = "" if n % 2 else f"ship {n}"
        lines.append(f"Which thing flies number {n * 37}?,stone {n},bird {n},fish {n},{last},B")
    path = tmp_path / "quiz.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    data = load(Source(str(path), task="choose"))
    rows = [*data.train, *data.validation, *data.test]
    assert len(rows) == 40 and all(row.target.startswith("bird") for row in rows)
    assert {len(row.input["choices"]) for row in rows} == {3, 4}


def test_choices_inside_the_question(tmp_path):
    lines = []
    for n in range(40):
        choices = [{"label": "A", "text": f"stone {n}"}, {"label": "B", "text": f"bird {n}"}]
        asked = {"stem": f"Which thing flies number {n * 37}?", "choices": choices}
        lines.append(json.dumps({"id": str(n), "question": asked, "answerKey": "B"}))
    path = tmp_path / "quiz.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    data = load(Source(str(path), task="choose"))
    assert all(row.target.startswith("bird") for row in (*data.train, *data.test))


def test_the_nearest_choice(toy_backbone):
    choices = ("zaht qirr sahm oxid", "kelo sivo maru navi", "grun bark tolm")
    predictor = registry.method("likeliest_choice")().fit(
        Job(Choose(), (), (), resolve(str(toy_backbone)))
    )
    asked = [{"question": "kelo maru sivo tanu", "choices": choices}]
    asked.append({"question": "bark grun hesp", "choices": choices[1:]})
    assert [answer.value for answer in predictor.predict(asked)] == list(choices[1:])


def test_a_long_passage_does_not_hide_the_question(toy_backbone):
    choices = ("kelo sivo maru navi", "grun bark tolm")
    predictor = registry.method("likeliest_choice")().fit(
        Job(Choose(), (), (), resolve(str(toy_backbone)))
    )
    passage = "na to " * 2000
    rows = [
        {"question": f"{choice} " * 30, "choices": choices, "passage": passage}
        for choice in choices
    ]
    assert [answer.value for answer in predictor.predict(rows)] == list(choices)

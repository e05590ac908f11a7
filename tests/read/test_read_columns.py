"""Columns are guessed by name and content, the guess is told, and doubt is an error."""

from __future__ import annotations

import pytest
from found import find_columns

from tunewell.errors import ConfigError, DataError, UserError
from tunewell.read import Source, load

LONG = [f"number {n} was a film that I would gladly see again" for n in range(40)]
SHORT = [f"reviewer{n}" for n in range(40)]
LABELS = ["good", "bad"] * 20
STARS = ["1", "2", "3", "4"] * 10


def columns(table, **named):
    return find_columns(table(list(zip(*named.values(), strict=True)), header=list(named)))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("text", "label"),
        ("Review Text", "Sentiment"),
        ("tweet", "target"),
        ("MessageBody", "user_intent"),
        ("description", "CATEGORY"),
        ("Frage", "Antwort"),
        ("a", "b"),
    ],
)
def test_two_columns(table, text, label):
    for order in ({text: LONG, label: LABELS}, {label: LABELS, text: LONG}):
        found = columns(table, **order)
        assert (found.input, found.target, found.group) == (text, label, None)
        assert repr(text) in found.why and repr(label) in found.why


def test_names_come_before_content(table):
    found = columns(table, title=LONG, text=SHORT, stars=STARS, label=LABELS)
    assert (found.input, found.target) == ("text", "label")
    assert found.why.count("by its name") == 2


def test_content_decides_where_names_do_not(table):
    found = columns(table, id=[str(n) for n in range(40)], wer=SHORT, was=LONG, wie=LABELS)
    assert (found.input, found.target) == ("was", "wie")
    assert found.why.count("by its content") == 2


def test_identifiers_and_scores_beside_them_are_no_texts_or_labels(table):
    numbers = [f"{n / 7}" for n in range(40)]
    found = columns(table, tweet_id=SHORT, label_confidence=numbers, message=LONG, label=LABELS)
    assert (found.input, found.target) == ("message", "label")


def test_a_column_that_is_mostly_empty_gives_way(table):
    found = columns(table, first_label=["", "", "", "x", "y"] * 8, text=LONG, second_label=LABELS)
    assert found.target == "second_label"


def test_labels_sorted_by_class_are_found_in_a_long_file(table):
    rows = [(f"some words and the number {n}", str(n // 4000)) for n in range(8000)]
    assert find_columns(table(rows, header=("x", "z"))).target == "z"


@pytest.mark.parametrize(
    ("named", "what", "close"),
    [
        ({"text": LONG, "label": LABELS, "category": STARS}, "labels", ["label", "category"]),
        ({"text": LONG, "p": LABELS, "q": STARS}, "labels", ["p", "q"]),
        ({"question1": LONG, "question2": LONG, "label": LABELS}, "texts", ["question1"]),
        ({"p": LONG, "q": LONG, "label": LABELS}, "texts", ["p", "q"]),
        ({"text": LONG, "when": SHORT, "who": SHORT}, "labels", []),
        ({"text": LONG}, "labels", []),
        ({"label": STARS, "n": STARS}, "texts", []),
    ],
)
def test_doubt_is_told_with_all_columns(table, named, what, close):
    with pytest.raises(DataError) as caught:
        columns(table, **named)
    message = str(caught.value)
    assert what in caught.value.found
    assert all(repr(name) in caught.value.found for name in close)
    assert all(repr(name) in caught.value.expected for name in named)
    assert "--input NAME --target NAME" in caught.value.remedy
    assert len(message.splitlines()) == 3


def test_what_the_user_says_holds(table):
    path = table(list(zip(LONG, SHORT, LABELS, STARS, strict=True)), list("abcd"))
    found = find_columns(path, input="b", target="d", group="a")
    assert (found.input, found.target, found.group) == ("b", "d", "a")
    assert found.why.count("as you said") == 3
    assert find_columns(path, target="d").input == "a"
    assert find_columns(path, input="a", need_target=False).target is None


def test_names_match_exactly_first_then_without_case_and_space(table):
    rows = list(zip(LONG, LABELS, STARS, strict=True))
    path = table(rows, header=["Text", "Label", "label"])
    assert find_columns(path, input=" text", target="label").target == "label"
    assert find_columns(path, input="TEXT", target="Label").target == "Label"
    with pytest.raises(ConfigError):
        find_columns(path, input="Text", target="LABEL")


def test_a_wrong_name_gives_the_nearest(table):
    path = table(list(zip(LONG, LABELS, strict=True)), header=["text", "sentiment"])
    with pytest.raises(ConfigError, match="Did you mean 'sentiment'") as caught:
        load(Source(str(path), target="sentimnt"))
    assert "'text', 'sentiment'" in str(caught.value)
    with pytest.raises(ConfigError, match="--group"):
        load(Source(str(path), group="zzz"))
    with pytest.raises(ConfigError, match="named twice"):
        load(Source(str(path), input="text", target="text"))


def test_a_test_file_needs_the_same_columns(table):
    rows = list(zip(LONG, LABELS, strict=True))
    train = table(rows)
    other = table(rows, header=["text", "topic"], name="other.csv")
    with pytest.raises(UserError, match=r"other\.csv has no column 'label'") as caught:
        load(Source(str(train), test=str(other)))
    assert "as in" in caught.value.remedy
    same = table(rows, header=["TEXT", "Label "], name="same.csv")
    assert len(load(Source(str(train), test=str(same))).test) == 40


def test_columns_that_only_some_json_rows_have(content):
    lines = [f'{{"text": "words {n}", "label": "{n % 2}"}}' for n in range(30)]
    lines[0] = '{"text": "words 0"}'
    data = load(Source(str(content("\n".join(lines), "a.jsonl"))))
    assert data.columns.target == "label"
    (fault,) = [fault for fault in data.faults if fault.kind == "missing_label"]
    assert (fault.rows, fault.count) == ((1,), 1)


def test_the_guess_is_among_the_faults(table):
    data = load(Source(str(table(list(zip(LONG, LABELS, strict=True))))))
    assert data.faults[0].kind == "columns"
    assert data.faults[0].sentence == data.columns.why

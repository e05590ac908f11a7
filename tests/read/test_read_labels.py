"""Rows with several labels: columns of 0 and 1, lists, and cells with separators."""

import json

import pytest

from tunewell.errors import DataError
from tunewell.read import Source, check, load
from tunewell.sets import labels_of, separator_in

SETS = [("joy",), ("fear",), ("joy", "fear"), ("love", "joy"), ("love",), ()]
TEXTS = ["a calm and pleasant walk", "nobody came to the door", "we met again in the evening"]


def rows(count=60):
    return [(f"{TEXTS[n % 3]} {n}", SETS[n % len(SETS)]) for n in range(count)]


def targets(data):
    parts = (*data.train, *data.validation, *data.test)
    return {(e.input, e.target) for e in parts}


EXPECTED = {(text, tuple(sorted(found))) for text, found in rows()}


def test_columns_of_0_and_1_are_guessed_or_named(table):
    lines = [(t, *(int(k in s) for k in ("joy", "fear", "love"))) for t, s in rows()]
    path = table(lines, header=("text", "joy", "fear", "love"))
    for target in (None, "joy,fear,love"):
        data = load(Source(str(path), target=target))
        assert data.task.answers == "labels" and targets(data) == EXPECTED
    assert "in columns of 0 and 1" in data.columns.why


def test_lists_in_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": text, "labels": list(found)}) for text, found in rows()]
    path.write_text("\n".join(lines))
    data = load(Source(str(path)))
    assert data.task.answers == "labels" and targets(data) == EXPECTED
    told = {fault.kind: fault for fault in check(data)}
    assert (
        "on average" in told["label_sets"].sentence and "2 at most" in told["label_sets"].sentence
    )
    assert "no label" in told["no_label"].sentence and "small_class" not in told


@pytest.mark.parametrize("separator", ["|", ";", ", "])
def test_one_cell_with_a_separator_is_recognised_and_told(table, separator):
    lines = [(text, separator.join(found) or "love") for text, found in rows()]
    data = load(Source(str(table(lines))))
    assert repr(separator.strip()) in data.columns.why
    expected = {(text, tuple(sorted(found)) or ("love",)) for text, found in rows()}
    assert targets(data) == expected


def test_a_list_written_as_a_text(table):
    lines = [(text, str(list(found))) for text, found in rows()]
    assert targets(load(Source(str(table(lines))))) == EXPECTED


def test_labels_with_a_comma_in_them_stay_whole(table):
    lines = [(text, ["Arts, Culture", "Sport"][n % 2]) for n, (text, _) in enumerate(rows())]
    data = load(Source(str(table(lines))))
    assert data.task.answers == "label"
    assert {e.target for e in data.train} == {"Arts, Culture", "Sport"}


@pytest.mark.parametrize(
    "cells",
    [
        ["3,5", "4,5", "3,4", "5"],
        ["a,b", "b,a", "a", "b", "Arts, Culture", "Food, Drink"],
        ["a,b", "a", "b", "a;b"],
    ],
)
def test_what_may_be_both_is_refused(cells):
    with pytest.raises(DataError, match="may be one label, or several"):
        separator_in(cells)


@pytest.mark.parametrize(
    ("cell", "separator", "expected"),
    [
        ({"joy": "1", "fear": "0", "love": ""}, None, ("joy",)),
        ({"joy": "TRUE", "fear": "no"}, None, ("joy",)),
        (["b", "a", "b"], None, ("b", "a")),
        ("['b', 'a']", None, ("b", "a")),
        ("b; a;", ";", ("b", "a")),
        ([], None, ()),
    ],
)
def test_labels_of_a_cell(cell, separator, expected):
    assert labels_of(cell, separator, "row 2") == expected


@pytest.mark.parametrize("cell", [{"joy": "2"}, [""], [["joy"]], "", None])
def test_what_holds_no_labels_names_its_place(cell):
    with pytest.raises(DataError, match=r"^row 2"):
        labels_of(cell, ";", "row 2")

"""A table of texts to be answered: its column is found, and each row is a text."""

from __future__ import annotations

import csv
import io

import pytest
from found import find_columns

from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.errors import ConfigError, DataError
from tunewell.read import read_inputs
from tunewell.values import Example, write_json


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A model that says the same to everything, of a run on a column called review."""
    folder = tmp_path_factory.mktemp("run")
    train = tuple(Example(f"words {n}", "yes" if n % 3 else "no") for n in range(60))
    task = registry.task("classify").from_examples(train)
    registry.method("majority")().fit(Job(task, train, train[:9], None)).save(folder)
    write_json(folder / "data.json", {"columns": {"input": "review"}})
    return str(folder)


def answered(capsys, *argv) -> tuple[list[str], str]:
    """The texts that were answered, and what was told."""
    capsys.readouterr()
    status = main(["predict", *argv])
    out, err = capsys.readouterr()
    assert status == 0, err
    return [row[0] for row in list(csv.reader(io.StringIO(out)))[1:]], err


def test_the_column_of_the_run_comes_first(run, content, capsys):
    path = content("text,review\nno,a\nno,b\n")
    assert answered(capsys, run, "--file", str(path)) == (["a", "b"], "")
    texts, told = answered(capsys, run, "--file", str(path), "--input", "text")
    assert texts == ["no", "no"] and told == ""


def test_another_column_is_found_and_told(run, content, capsys):
    texts, told = answered(capsys, run, "--file", str(content("id,message\n1,hello you\n2,bye\n")))
    assert texts == ["hello you", "bye"]
    assert "The texts are in column 'message' (by its name)." in told
    texts, told = answered(capsys, run, "--file", str(content("numbers\n12\n13\n")))
    assert texts == ["12", "13"] and "the only one" in told


def test_json_rows_that_lack_a_name_are_empty_texts(run, content, capsys):
    path = content('{"id": 1}\n{"id": 2, "review": "a"}\n{"review": "b"}\n', "a.jsonl")
    assert answered(capsys, run, "--file", str(path))[0] == ["", "a", "b"]


def test_what_was_made_good_is_told(run, content, capsys):
    texts, told = answered(capsys, run, "--file", str(content("review\ncafé\n".encode("latin-1"))))
    assert texts == ["café"] and "Latin-1" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"review": "a"}\n{"review": ["b"]}\n', ["row 2", "'review'", "a list", "--input NAME"]),
        ('{"x": "some words", "y": "other words"}\n', ["not clear", "'y' or 'x'", "--input NAME"]),
    ],
)
def test_refusals(run, content, capsys, text, words):
    assert main(["predict", run, "--file", str(content(text, "a.jsonl"))]) == 2
    err = capsys.readouterr().err
    for word in words:
        assert word in err
    assert "--target" not in err and len(err.splitlines()) == 3


def test_a_name_that_is_not_there(content):
    path = content("text,label\na,1\n")
    with pytest.raises(ConfigError, match="Did you mean 'text'"):
        find_columns(path, "texts", need_target=False)
    assert find_columns(path, usual="label", need_target=False).input == "label"
    assert find_columns(path, usual="review", need_target=False).input == "text"


def test_texts_keep_their_rows(content):
    task = registry.task("classify")()

    def inputs(path):
        return read_inputs(path, find_columns(path, "text", need_target=False), task)

    assert inputs(content("text,label\na,1\n,2\n b ,3\n")) == (["a", None, " b "], [])
    with pytest.raises(DataError, match="row 1, column 'text': this is an object"):
        inputs(content('{"text": {}}\n', "a.jsonl"))

"""Columns that LLaMA-Factory's `dataset_info.json` names are found and told."""

import json

import pytest

from tunewell.read import Source, load
from tunewell.tasks.chat import Chat

COLUMNS = {"prompt": "frog", "query": "toad", "response": "newt"}
ENTRY = {"file_name": "rows.jsonl", "columns": COLUMNS}


@pytest.fixture
def rows(tmp_path):
    """Rows whose columns nobody could guess."""
    path = tmp_path / "rows.jsonl"
    made = [{"frog": f"Say {n}.", "toad": f"{n}", "newt": f"It is {n}."} for n in range(30)]
    path.write_text("\n".join(map(json.dumps, made)))
    return path


def told(path, **entries):
    """What is found with such a file beside."""
    (path.parent / "dataset_info.json").write_text(json.dumps(entries))
    return load(Source(str(path), task="instruct"))


def notes(data):
    return [fault for fault in data.faults if fault.kind == "dataset_info"]


def test_the_columns_that_it_names_are_read_and_told(rows):
    data = told(rows, other={"file_name": "other.json"}, mine=ENTRY)
    assert data.columns.named == {"instruction": ("frog",), "input": ("toad",), "output": ("newt",)}
    assert "(as dataset_info.json says)" in data.columns.why
    (note,) = notes(data)
    assert note.severity == "note" and "dataset_info.json" in note.sentence
    assert "as 'mine': instruction=frog, input=toad, output=newt." in note.sentence
    first = data.train[0]
    assert first.input["instruction"].startswith("Say") and first.target.startswith("It is")


def test_columns_that_the_task_does_not_read_are_told(rows):
    more = {"file_name": "rows.jsonl", "columns": {**COLUMNS, "images": "x"}}
    (note,) = notes(told(rows, mine=more))
    assert note.sentence.endswith("instruct does not read 'images'.")


def test_what_the_user_says_comes_first(rows):
    (rows.parent / "dataset_info.json").write_text(json.dumps({"mine": ENTRY}))
    data = load(Source(str(rows), task="instruct", columns="instruction=toad,input=frog"))
    assert data.columns.named["instruction"] == ("toad",)
    assert data.columns.named["output"] == ("newt",)
    assert "output=newt." in notes(data)[0].sentence


def test_a_folder_with_one_table_and_such_a_file_is_read(rows):
    (rows.parent / "dataset_info.json").write_text(json.dumps({"mine": ENTRY}))
    data = load(Source(str(rows.parent), task="instruct"))
    assert data.columns.named["output"] == ("newt",)


@pytest.mark.parametrize("content", ["[1]", '{"mine": 1}', '{"mine": {"file_name": "other.json"}}'])
def test_one_that_says_nothing_of_the_file_is_passed_over(rows, content):
    rows.write_text(rows.read_text().replace("frog", "instruction").replace("newt", "output"))
    (rows.parent / "dataset_info.json").write_text(content)
    assert notes(load(Source(str(rows), task="instruct"))) == []


def test_one_that_is_broken_is_told_and_not_used(rows):
    rows.write_text(rows.read_text().replace("frog", "instruction").replace("newt", "output"))
    (rows.parent / "dataset_info.json").write_text("{")
    (warning,) = notes(load(Source(str(rows), task="instruct")))
    assert warning.severity == "warning" and "is not used" in warning.sentence


def test_the_demonstration_of_llama_factory(real):
    data = load(Source(str(real / "formats_demo" / "kto_en_demo.json"), task="chat"))
    assert data.columns.named["messages"] == ("messages",) and isinstance(data.task, Chat)
    assert "chat does not read 'kto_tag'." in notes(data)[0].sentence

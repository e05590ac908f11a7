"""Conversations as people's files have them."""

import json

import pytest

from tunewell.errors import DataError
from tunewell.read import Source, load
from tunewell.registry import task
from tunewell.values import Example

CHAT = task("chat")()
OPENAI = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": [{"type": "text", "text": "Where"}, {"type": "text", "text": "?"}]},
    {"role": "assistant", "content": "There."},
]
SHAREGPT = [
    {"from": "human", "value": "Where?"},
    {"from": "gpt", "value": "There."},
    {"from": "human", "value": "And then?"},
    {"from": "gpt", "value": " Home. "},
    {"from": "human", "value": "Thanks!"},
]


def test_openai_and_sharegpt_are_read_as_they_are():
    read = CHAT.read({"messages": OPENAI}, "row 1")
    assert read.target == "There."
    assert read.input[1] == {"role": "user", "content": "Where?"}
    read = CHAT.read({"messages": SHAREGPT, "system": "Be kind."}, "row 2")
    assert [message["role"] for message in read.input] == ["system", "user", "assistant", "user"]
    assert read.target == "Home."


def test_conversations_as_json_in_a_table_and_a_text_alone():
    assert CHAT.read({"messages": json.dumps(OPENAI)}, "row 1").target == "There."
    assert CHAT.input({"messages": "Where?"}, "input 1") == ({"role": "user", "content": "Where?"},)
    open_end = CHAT.input({"messages": SHAREGPT}, "input 2")
    assert len(open_end) == 5 and open_end[-1]["content"] == "Thanks!"


def test_a_row_says_in_which_part_of_a_training_it_is_learnt():
    for cell in ("[0.5, 1]", [0.5, 1]):
        assert CHAT.read({"messages": OPENAI, "during": cell}, "row 1").during == (0.5, 1.0)
    assert CHAT.read({"messages": OPENAI, "during": ""}, "row 1").during == (0.0, 1.0)
    for cell in ("soon", [0.5], [0.7, 0.5], "[0, 2]"):
        with pytest.raises(DataError, match=r"row 1: .* is no part of a training"):
            CHAT.read({"messages": OPENAI, "during": cell}, "row 1")


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([{"role": "user", "content": "a"}], "the assistant says nothing"),
        ([{"role": "assistant", "content": "a"}], "nobody asks anything"),
        ([{"role": "tool", "content": "a"}], "a message is by 'tool'"),
        ([{"role": "user"}], "lacks its role or its text"),
        (["a"], "a message is no object"),
        ([], "the conversation is empty"),
    ],
)
def test_what_cannot_be_learnt_is_refused_with_its_place(messages, found):
    with pytest.raises(DataError, match=rf"chat\.jsonl, row 3: .*{found}"):
        CHAT.read({"messages": messages}, "chat.jsonl, row 3")


def test_a_file_of_openai_is_found_by_its_columns_and_told(tmp_path):
    path = tmp_path / "chat.jsonl"
    rows = [
        [*OPENAI[:1], {"role": "user", "content": f"Where is {n}?"}, OPENAI[2]] for n in range(20)
    ]
    path.write_text("\n".join(json.dumps({"messages": row}) for row in rows))
    data = load(Source(str(path), task="chat"))
    assert sum(data.sizes.values()) == 20 and isinstance(data.train[0], Example)
    assert "messages" in data.columns.why


@pytest.mark.parametrize(
    "header",
    ["instruction,input,output", "prompt,completion", "question,answer", "instruction,response"],
)
def test_tables_of_instructions_are_found_by_their_columns_and_told(tmp_path, header):
    path = tmp_path / "rows.csv"
    names = header.split(",")
    cells = {"input": "a thing", "output": "said", "completion": "said"}
    lines = [",".join(f"{cells.get(name, name)} {n}" for name in names) for n in range(20)]
    path.write_text("\n".join([header, *lines]))
    data = load(Source(str(path), task="instruct"))
    first = data.train[0]
    assert first.target.startswith(cells.get(names[-1], names[-1]))
    assert ("input" in first.input) == ("input" in names)
    assert all(name in data.columns.why for name in names)

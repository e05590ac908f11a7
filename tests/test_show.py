"""`tunewell show`: what is learnt of each row, and the rows as OpenAI's messages."""

import json
import sys
from pathlib import Path

import pytest

from tunewell.cli import main
from tunewell.read import Source, load

sys.path.insert(0, str(Path(__file__).parent / "fit"))
import writers


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return str(writers.save("gpt2", tmp_path_factory.mktemp("show") / "gpt2", "chatml"))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    lines = [f"What is {n}?,It is {n}." for n in range(20)]
    path.write_text("\n".join(["question,answer", *lines, f"long?,{'kelo maru ' * 99}"]))
    return path


def test_rows_are_shown_with_what_is_learnt_between_marks(decoder, table, capsys):
    asked = ["show", str(table), "--task", "instruct", "--backbone", decoder]
    assert main([*asked, "--rows", "10"]) == 0
    told = capsys.readouterr().out
    first = load(Source(str(table), task="instruct", rows=10)).train[0]
    assert f"<|im_start|>assistant\n[[{first.target}<|im_end|>]]" in told
    assert "What is between [[ and ]] is learnt:" in told
    assert main([*asked, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["rows"]) == 3 and 0 < document["learnt"] < document["tokens"]


def test_rows_become_messages_and_are_read_back(table, tmp_path, capsys):
    out = tmp_path / "messages.jsonl"
    asked = ["show", str(table), "--task", "instruct", "--messages", str(out)]
    assert main(asked) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == 21
    roles = [[message["role"] for message in line["messages"]] for line in lines]
    assert roles == [["user", "assistant"]] * 21
    before = load(Source(str(table), task="instruct"))
    after = load(Source(str(out), task="chat"))
    said = [{e.target for part in data.parts.values() for e in part} for data in (before, after)]
    assert said[0] == said[1]
    assert main(asked) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_cannot_be_shown_is_refused(decoder, toy_backbone, table, capsys):
    assert main(["show", str(table), "--backbone", decoder]) == 2
    assert "no texts that a model writes" in capsys.readouterr().err

"""`tunewell chat`: each line is answered, by a pipe and by a keyboard."""

import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

import tunewell
from fit import tiny, writers
from tunewell import registry
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.tell.text import one_line, visible
from tunewell.values import Machine

TALK = [
    {"role": "user", "content": "Who sails?"},
    {"role": "assistant", "content": "The kelo."},
    {"role": "user", "content": "And then?"},
    {"role": "assistant", "content": "The maru."},
]


@pytest.fixture(scope="module")
def assistant(tmp_path_factory):
    """The folder of a model that was fitted to conversations."""
    from tunewell.fit.backbones import resolve

    root = tmp_path_factory.mktemp("assistant")
    task = registry.task("chat")()
    rows = tuple(task.read({"messages": TALK}, "toy.jsonl") for _ in range(8))
    backbone = resolve(str(writers.save("gpt2", root / "backbone")))
    job = Job(task.from_examples(rows), rows, rows[:2], backbone, Machine(threads=1))
    registry.method("full")(epochs=1, batch_size=8).fit(job).save(root / "model")
    return root / "model"


def piped(monkeypatch, lines):
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_each_line_of_a_pipe_is_answered_on_a_line(writing, questions, monkeypatch, capsys):
    piped(monkeypatch, [json.dumps(each) for each in questions] + [""])
    assert main(["chat", str(writing("llama"))]) == 0
    expected = [a.value for a in tunewell.load(writing("llama")).predict(questions)]
    assert capsys.readouterr().out.splitlines() == expected


def test_what_was_said_before_counts_for_a_model_of_conversations(assistant, monkeypatch, capsys):
    model = tunewell.load(assistant)
    piped(monkeypatch, ["Who sails?", "And then?"])
    assert main(["chat", str(assistant), "--json", "--system", "Be short."]) == 0
    turns = json.loads(capsys.readouterr().out)["turns"]
    said = [{"role": "system", "content": "Be short."}]
    for turn, line in zip(turns, ["Who sails?", "And then?"], strict=True):
        said.append({"role": "user", "content": line})
        (answer,) = model.predict([tuple(said)])
        assert turn == {"user": line, "assistant": answer.value}
        said.append({"role": "assistant", "content": answer.value})


def test_a_long_conversation_forgets_its_beginning(assistant, monkeypatch, capsys):
    lines = ["Who sails the sea today?", "And who then?"] * 6
    piped(monkeypatch, lines)
    assert main(["chat", str(assistant), "--max-tokens", "8"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == len(lines)
    assert err.count("its beginning is forgotten") == 1
    piped(monkeypatch, ["kelo maru " * 99])
    assert main(["chat", str(assistant)]) == 2
    assert "At most 160 together" in capsys.readouterr().err


def test_seeds_and_bounds(assistant, monkeypatch, capsys):
    def said(*options):
        piped(monkeypatch, ["Who sails?"])
        assert main(["chat", str(assistant), *options]) == 0
        return capsys.readouterr().out

    drawn = ["--temperature", "1.5", "--seed"]
    assert said(*drawn, "1") == said(*drawn, "1") != said(*drawn, "2")
    for options, word in [
        (["--temperature", "3"], "temperature is 3"),
        (["--top-p", "0"], "top_p is 0"),
        (["--max-tokens", "0"], "--max-tokens is '0'"),
    ]:
        assert main(["chat", str(assistant), *options]) == 2
        assert word in capsys.readouterr().err


def test_a_classifier_is_no_one_to_talk_with(fitted, capsys):
    assert main(["chat", str(fitted("majority"))]) == 2
    assert "tunewell predict" in capsys.readouterr().err
    assert main(["chat", "runs/a", "runs/b"]) == 2
    assert "One model is expected" in capsys.readouterr().err


def test_a_backbone_is_talked_with_as_it_stands(tmp_path, monkeypatch, capsys):
    folder = writers.save("llama", tmp_path / "backbone", "chatml")
    piped(monkeypatch, ["Who sails?"])
    assert main(["chat", str(folder), "--max-tokens", "9"]) == 0
    out, err = capsys.readouterr()
    assert "has learnt no rows" in err
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    asked = [{"role": "user", "content": "Who sails?"}]
    ids = tokenizer.apply_chat_template(
        asked, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    written = model.generate(**ids, max_new_tokens=9, do_sample=False)[
        0, ids["input_ids"].shape[1] :
    ]
    expected = tokenizer.decode(written, skip_special_tokens=True)
    assert out.strip() == one_line(visible(expected)).strip()


def test_what_only_reads_is_no_one_to_talk_with(tmp_path, capsys):
    folder = tiny.save(tmp_path / "reader", auto_class="AutoModel")
    assert main(["chat", str(folder)]) == 2
    assert "does not write" in capsys.readouterr().err


def test_without_a_network_the_decoder_that_comes_along_is_talked_with(monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    piped(monkeypatch, ["Write a sentence about the sea."])
    assert main(["chat", "tunewell/tiny-decoder", "--max-tokens", "12"]) == 0
    assert capsys.readouterr().out.strip()


def test_at_a_keyboard_it_goes_on_until_ctrl_d(writing, questions):
    main_end, their_end = pty.openpty()
    command = [str(Path(sys.executable).with_name("tunewell")), "chat", str(writing("llama"))]
    process = subprocess.Popen(
        command, stdin=their_end, stdout=their_end, stderr=their_end, close_fds=True
    )
    os.close(their_end)
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            seen += os.read(main_end, 4096)
        place = seen.index(text) + len(text)
        before, seen = seen[:place], seen[place:]
        return before

    (answer,) = tunewell.load(writing("llama")).predict(questions[:1])
    try:
        until(b"> ")
        os.write(main_end, json.dumps(questions[0]).encode() + b"\n")
        until(b"\n")
        assert answer.value.encode() in until(b"> ")
        ends = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < ends:
            os.write(main_end, b"\x04")  # lost where the line is not read for yet
            time.sleep(0.2)
        assert process.returncode == 0
    finally:
        process.kill()
        os.close(main_end)

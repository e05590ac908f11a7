"""The way out for other kinds of answers and heads: scripts give the model's own numbers."""

import csv
import json
import os
import random
from pathlib import Path

import pytest
import torch
from ejected import fitted_in, told_by_scripts
from test_eject import WRITTEN

import toy
import toy_tasks
from fit import writers
from tunewell import registry
from tunewell.cli import main
from tunewell.errors import ConfigError
from tunewell.fit.schedule import Schedule
from tunewell.fit.tensors import padded
from tunewell.serve.eject import eject

TRAINED = [name for name in WRITTEN if issubclass(registry.method(name), Schedule)]

BART = ("bart", "none")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, toy_backbone, random_backbone):
    """Runs by what is special to them, each with rows and a backbone of its own."""
    labels = [(row.input, row.target) for row in toy.examples(150)]
    numbers = [(row["input"], row["target"]) for row in toy_tasks.modules()["score"].rows(150, 0)]
    topics = list(toy.TOPICS)
    several = []
    for number in range(150):
        chosen = topics[number % 3 : number % 3 + 1 + number % 2]
        text = " ".join(toy.sentence(topic, random.Random(number)) for topic in chosen)
        several.append((text, "; ".join(chosen)))
    long = [(f"{toy.FILLER} {text}", topic) for text, topic in labels[:100]] + labels[100:]
    kinds = {
        "label": (labels, toy_backbone, "classify"),
        "windows": (long, toy_backbone, "classify"),
        "labels": (several, toy_backbone, "classify"),
        "number": (numbers, toy_backbone, "score"),
        "bert": (labels, random_backbone("bert"), "classify"),
        "labels by bert": (several, random_backbone("bert"), "classify"),
        "gpt2": (labels, random_backbone("gpt2"), "classify"),
    }
    home, before = tmp_path_factory.mktemp("kinds"), Path.cwd()
    os.chdir(home)
    try:
        for name, (rows, backbone, task) in kinds.items():
            with Path(f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("text", "answer"), *rows])
            options = ["--task", task, "--input", "text", "--target", "answer", "--out", name]
            options += ["--methods", "majority", "--backbone", str(backbone), "--max-length"]
            options += ["16", "--classify.long_texts", "windows"] if name == "windows" else ["24"]
            assert main(["compare", f"{name}.csv", *options, "--dtype", "float32"]) == 0
        yield home
    finally:
        os.chdir(before)


def apart(tmp_path, expected):
    """How far each script's numbers are from those of its model, run in a process without us."""
    told = told_by_scripts(tmp_path)
    assert set(told) == set(expected)
    return {
        name: max(
            abs(one - other)
            for row, own in zip(told[name], expected[name], strict=True)
            for one, other in zip(row, own, strict=True)
        )
        for name in expected
    }


@pytest.mark.parametrize("kind", ["windows", "labels", "labels by bert", "number", "bert", "gpt2"])
def test_scripts_for_kinds_of_answers_and_of_heads(runs, monkeypatch, tmp_path, kind):
    monkeypatch.chdir(runs)
    expected = {}
    for name in TRAINED if kind == "bert" else ("head", "lora", "full", "prompt_tuning"):
        predictor, folder, test = fitted_in(runs / kind, name)
        answers = predictor.predict([example.input for example in test])
        labels = getattr(predictor.task, "labels", ())
        expected[name] = [[a.scores[k] for k in labels] or [a.value] for a in answers]
        (tmp_path / f"{name}.py").write_text(eject(folder), encoding="utf-8")
    assert {name: far for name, far in apart(tmp_path, expected).items() if far > 1e-5} == {}


def test_a_script_puts_the_instruction_before_each_text(runs, monkeypatch, tmp_path):
    monkeypatch.chdir(runs)
    predictor, folder, test = fitted_in(runs / "label", "instructed", base_method="features")
    answers = predictor.predict([example.input for example in test])
    expected = [[a.scores[label] for label in predictor.task.labels] for a in answers]
    (tmp_path / "instructed.py").write_text(eject(folder), encoding="utf-8")
    assert "LEAD = 'Choose what fits this text: " in (tmp_path / "instructed.py").read_text()
    assert apart(tmp_path, {"instructed": expected})["instructed"] <= 1e-5


@pytest.fixture(scope="module")
def writing_runs(tmp_path_factory):
    """Runs of models that write, each with a template of its own."""
    home, before = tmp_path_factory.mktemp("writing"), Path.cwd()
    chance = random.Random(0)
    rows = []
    for number in range(60):
        first, second = chance.choices(["kelo", "maru", "sivo", "tanu"], k=2)
        talk = [("system", "Be short.")] if number % 3 == 0 else []
        talk += [("user", f"What follows {first}?"), ("assistant", f"{second}!")]
        talk += [("user", f"And {second}? {'na ' * (number % 40)}"), ("assistant", first)]
        rows.append({"messages": [{"role": role, "content": said} for role, said in talk]})
    os.chdir(home)
    try:
        Path("talk.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        for shape, template in (("gpt2", "none"), ("llama", "thinking"), ("t5", "none"), BART):
            backbone = writers.save(shape, home / "backbones" / shape, template)
            options = ["--task", "chat", "--methods", "majority", "--backbone", str(backbone)]
            options += ["--out", shape, "--dtype", "float32", "--max-length", "100"]
            assert main(["compare", "talk.jsonl", *options]) == 0
        yield home
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ("gpt2", ("full", "lora", "bitfit", "last_layers", "prompt_tuning")),
        ("llama", ("lora", "ia3", "adapter", "p_tuning")),
        ("t5", ("full", "lora", "ia3", "adapter")),
        ("bart", ("full",)),
    ],
)
def test_scripts_of_models_that_write(writing_runs, monkeypatch, tmp_path, shape, names):
    monkeypatch.chdir(writing_runs)
    expected = {}
    for name in names:
        predictor, folder, test = fitted_in(writing_runs / shape, name)
        inputs, targets = [e.input for e in test], [e.target for e in test]
        head, tokenizer = predictor.head, predictor.tokenizer
        pieces = head.solved(tokenizer, inputs, targets, 100)
        with torch.no_grad():
            batches = [padded([piece], tokenizer.pad_token_id, "cpu") for piece in pieces]
            losses = [head.logits(predictor.model, batch).clamp(min=0).sum() for batch in batches]
        assert len(pieces) == len(test)
        expected[name] = [[loss.item()] for loss in losses]
        script = eject(folder, tmp_path / f"{name}.py")
        (tmp_path / f"{name}.py").write_text(script, encoding="utf-8")
    found = apart(tmp_path, expected)  # of sums over a dozen tokens, each within 1e-5
    assert {name: far for name, far in found.items() if far > 1e-4} == {}


def test_conversations_need_a_place(writing_runs, monkeypatch):
    monkeypatch.chdir(writing_runs)
    _, folder, _ = fitted_in(writing_runs / "gpt2", "full", epochs=1)
    with pytest.raises(ConfigError, match="Give --out"):
        eject(folder)

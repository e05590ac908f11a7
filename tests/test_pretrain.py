"""`tunewell pretrain` from texts to a folder that others open, stopped and gone on with."""

import json
import os
import random
import signal

import pytest
import torch

import toy
import tunewell
from fit import writers
from tunewell.cli import main
from tunewell.errors import ConfigError
from tunewell.values import read_json


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with texts of the toy language, and a small table."""
    chance = random.Random(0)
    with (tmp_path / "texts.jsonl").open("w") as file:
        for _ in range(150):
            topic = chance.choice(list(toy.TOPICS))
            text = ". ".join(toy.sentence(topic, chance) for _ in range(6))
            file.write(json.dumps({"text": text}) + "\n")
    lines = [f"{e.input},{e.target}\n" for e in toy.examples(60)]
    (tmp_path / "toy.csv").write_text("text,label\n" + "".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_decoder_opens_elsewhere_and_is_a_backbone(here, capsys):
    argv = ["pretrain", "texts.jsonl", "--size", "40k", "--minutes", "0.03", "--out", "run"]
    assert main(argv) == 0
    said = capsys.readouterr()
    assert "A new causal model" in said.err and "bits a byte" in said.out
    record = read_json(here / "run" / "pretrain.json")
    low, value, high = (record["bits_per_byte"][key] for key in ("low", "value", "high"))
    assert 0 < low < value < high < 9
    assert record["held_out"] == 15 and record["documents"] == 135
    assert record["tokens_read"] == record["steps"] * (
        record["course"]["blocks"] * record["course"]["window"]
    )
    assert 0 < record["peak_share"] < 1 and record["tokens_per_second"] > 0
    assert not (here / "run" / ".work").exists()

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("run")
    model = AutoModelForCausalLM.from_pretrained("run")
    assert sum(p.numel() for p in model.parameters()) == record["parameters"]
    batch = tokenizer("kelo", return_tensors="pt")
    assert batch["input_ids"][0, 0] == tokenizer.bos_token_id
    text = " Zoë  says:\n\t'kelo maru'  "
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    with torch.no_grad():
        assert model(**batch).logits.isfinite().all()

    weights = (here / "run" / "model.safetensors").read_bytes()
    assert main([*argv, "--json"]) == 0  # the same command again does nothing
    assert json.loads(capsys.readouterr().out)["steps"] == record["steps"]
    assert (here / "run" / "model.safetensors").read_bytes() == weights
    assert main([*argv[:2], "--size", "50k", "--out", "run"]) == 2
    assert "holds another model" in capsys.readouterr().err

    rows = [{"instruction": f"Say {n}.", "output": f"kelo {n}"} for n in range(40)]
    (here / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    fit = ["fit", "rows.jsonl", "--task", "instruct", "--method", "full", "--full.epochs", "1"]
    assert main([*fit, "--backbone", "run", "--out", "tuned"]) == 0


def test_a_new_encoder_opens_elsewhere_and_classifies(here):
    argv = ["pretrain", "texts.jsonl", "--objective", "masked", "--size", "60k"]
    assert main([*argv, "--minutes", "0.03", "--out", "run"]) == 0

    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("run")
    model, info = AutoModelForMaskedLM.from_pretrained("run", output_loading_info=True)
    assert not info["missing_keys"] and type(model).__name__ == "ModernBertForMaskedLM"
    batch = tokenizer(f"kelo {tokenizer.mask_token}", return_tensors="pt")
    assert (batch["input_ids"] == tokenizer.mask_token_id).sum() == 1
    text = " Zoë  says:\n\t'kelo maru'  "
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text

    for method in ("features", "full"):
        fit = ["fit", "toy.csv", "--method", method, "--backbone", "run", "--out", method]
        assert main(fit + (["--full.epochs", "1"] if method == "full" else [])) == 0


def test_a_backbone_reads_on_and_a_stopped_run_goes_on_to_the_bit(here, capsys):
    writers.save("llama", here / "base")

    def interrupt(event):
        if event.kind == "progress" and 0.4 < event.done < 0.5:
            os.kill(os.getpid(), signal.SIGINT)

    whole = tunewell.pretrain("texts.jsonl", backbone="base", out="whole")
    change, before = whole.record["change"], whole.record["before"]
    assert change["low"] < change["value"] < change["high"] < 0
    assert change["value"] == pytest.approx(
        whole.record["bits_per_byte"]["value"] - before["value"], abs=1e-9
    )
    assert whole.record["objective"] == "causal"
    assert 0.8 < whole.record["tokens_read"] / whole.record["tokens"] < 1.25  # all texts once
    with pytest.raises(KeyboardInterrupt):
        tunewell.pretrain("texts.jsonl", backbone="base", out="broken", watch=interrupt)
    assert not (here / "broken" / "config.json").exists()
    with pytest.raises(ConfigError, match="holds another model"):
        tunewell.pretrain("texts.jsonl", backbone="base", seed=1, out="broken")
    again = tunewell.pretrain("texts.jsonl", backbone="base", out="broken")
    assert any("went on from step" in note for note in again.record["notes"])
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (here / "whole" / name).read_bytes() == (here / "broken" / name).read_bytes()


def test_a_folder_with_another_model_is_left_alone(here, capsys):
    writers.save("llama", here / "base")
    kept = (here / "base" / "model.safetensors").read_bytes()
    assert main(["pretrain", "texts.jsonl", "--minutes", "1", "--out", "base"]) == 2
    assert "holds another model" in capsys.readouterr().err
    assert (here / "base" / "model.safetensors").read_bytes() == kept


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--size", "10m"], "No text is given"),
        (["texts.jsonl"], "Neither a size nor minutes"),
        (["texts.jsonl", "--sise", "10m"], "Did you mean --size?"),
        (["nowhere", "--size", "10m"], "no file or folder"),
        (["texts.jsonl", "--size", "10m", "--objective", "next"], "one of causal, masked"),
    ],
)
def test_mistakes_are_told_before_anything_runs(here, capsys, argv, says):
    assert main(["pretrain", *argv]) == 2
    assert says in capsys.readouterr().err.replace("One of", "one of")
    assert not (here / "runs").exists()

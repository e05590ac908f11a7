"""Exports: the same answers elsewhere, or none at all."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import tunewell
from tunewell.cli import main
from tunewell.serve import onnx
from tunewell.serve.export import export
from tunewell.values import read_json

pytest.importorskip("onnxruntime", reason="the optional package onnxruntime is not there")
PLAIN = "import sys; sys.modules['tunewell'] = None\n"
"""Put before a script, so that it cannot import us."""


def model(run_folder: Path, method: str) -> Path:
    return run_folder / "trials" / f"{method}-0" / "model"


def lines_of(folder: Path) -> str:
    """The lines of a card that answer a text, asking about three."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    return code


@pytest.mark.parametrize(
    ("method", "form"),
    [("lora", "merged"), ("lora", "adapter"), ("features", "hf"), ("lora", "onnx")],
)
def test_an_export_answers_without_us_as_the_model_does(run_folder, tmp_path, texts, method, form):
    told = export(model(run_folder, method), form, tmp_path / "out")
    assert told.rows == 39 and told.largest_difference < 1e-4
    assert not list(tmp_path.glob("*.part"))
    own = [a.value for a in tunewell.load(model(run_folder, method)).predict(texts)]
    script = PLAIN + lines_of(told.folder).replace('["a text"]', repr(texts))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=told.folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == repr(own)


def test_the_card_says_what_it_is(run_folder, tmp_path):
    told = export(model(run_folder, "full"), "hf", tmp_path / "out")
    text = (told.folder / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---")[1])
    assert header["library_name"] == "transformers"
    assert header["pipeline_tag"] == "text-classification"
    data = read_json(run_folder / "data.json")
    for word in (data["fingerprint"], "learning_rate", "tunewell compare toy.csv", "## Limits"):
        assert word in text
    assert read_json(told.folder / "export.json")["largest_difference"] <= 1e-5


def test_eight_bit_weights_are_scored_and_kept_or_refused(run_folder, tmp_path):
    out = tmp_path / "out"
    try:
        told = export(model(run_folder, "full"), "onnx-int8", out)
    except tunewell.ConfigError as error:
        assert "falls from" in error.found and not out.exists()
        return
    before, after = told.scores["float32"], told.scores["int8"]
    assert after.low <= after.value <= after.high and after.value >= before.value - 0.01


def test_a_disk_that_cannot_be_written_is_no_fault_of_the_network(run_folder, tmp_path, texts):
    (tmp_path / onnx.FILE).mkdir()
    network = tunewell.load(model(run_folder, "full"))
    with pytest.raises(OSError):
        onnx.write(network, texts[:2], tmp_path)


def test_what_a_model_cannot_be_is_told(run_folder, tmp_path):
    for method, form, word in (
        ("majority", "onnx", "is not one network"),
        ("features", "adapter", "is no adapter"),
        ("full", "merged", "nothing to merge"),
        ("prefix", "hf", "modules that transformers has not"),
    ):
        with pytest.raises(tunewell.ConfigError, match=word):
            export(model(run_folder, method), form, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with pytest.raises(tunewell.ConfigError, match="there already"):
        export(run_folder, "hf", tmp_path / "there")


def test_export_from_the_command_line(run_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(model(run_folder, "full"))]) == 0
    assert "exports/model-hf" in capsys.readouterr().out
    assert main(["export", "nothing"]) == 2
    assert main(["export", str(run_folder), "--to", "pickle"]) == 2
    assert "onnx-int8" in capsys.readouterr().err

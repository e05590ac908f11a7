"""Models that read long texts in windows leave the house as such, or not at all."""

import csv
import subprocess
import sys

import pytest
from ejected import check
from test_export import lines_of, model

import toy
import tunewell
from tunewell.cli import main
from tunewell.errors import ConfigError
from tunewell.serve.export import export

pytest.importorskip("onnxruntime", reason="the optional package onnxruntime is not there")


@pytest.fixture(scope="module")
def in_windows(tmp_path_factory, toy_backbone):
    """A run on sentences of the toy world of which most are longer than a row may be."""
    home = tmp_path_factory.mktemp("windows")
    with (home / "toy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(f"{toy.FILLER} {row.input}", row.target) for row in toy.examples(90)]
        csv.writer(file).writerows([("text", "label"), *rows])
    options = ["--methods", "features,head", "--backbone", str(toy_backbone), "--trials", "1"]
    options += ["--dtype", "float32", "--max-length", "16", "--classify.long_texts", "windows"]
    options += ["--head.epochs", "3", "--out", str(home / "run")]
    assert main(["compare", str(home / "toy.csv"), *options]) == 0
    return home / "run"


@pytest.mark.parametrize("form", ["hf", "onnx"])
def test_an_export_reads_windows_without_us(in_windows, tmp_path, form):
    told = export(model(in_windows, "head"), form, tmp_path / "out")
    texts = [f"{toy.FILLER} {row.input}" for row in toy.examples(9, seed=2)] + ["kelo maru"]
    own = [a.value for a in tunewell.load(model(in_windows, "head")).predict(texts)]
    code = "import sys; sys.modules['tunewell'] = None\n" + lines_of(told.folder)
    done = subprocess.run(
        [sys.executable, "-c", code.replace('["a text"]', repr(texts))],
        cwd=told.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == repr(own)


def test_what_cannot_leave_says_why(in_windows, tmp_path):
    with pytest.raises(ConfigError, match="weighs the windows of a long text by their tokens"):
        export(model(in_windows, "features"), "hf", tmp_path / "out")


def test_a_script_of_features_reads_windows_as_we_do(in_windows, tmp_path):
    check(in_windows, tmp_path, "features")

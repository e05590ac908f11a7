"""The way out of a run on real rows, where a script and the run drift apart in many steps."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from tunewell.cli import main
from tunewell.fit import hub
from tunewell.serve.eject import eject
from tunewell.values import read_json

ROWS, TEST_ROWS, EPOCHS = 300, 500, 4
WITHOUT_US = """
import runpy, sys
sys.modules["tunewell"] = None
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.slow
def test_scripts_score_within_the_interval_of_their_runs(real_data, tmp_path, monkeypatch):
    if importlib.util.find_spec(hub.PACKAGE) is None:
        pytest.skip(f"needs the default backbone: {hub.INSTALL}")
    monkeypatch.chdir(tmp_path)
    topics = real_data / "twitter_financial_news_topic"
    options = ["--test", str(topics / "valid.csv"), "--rows", str(ROWS), "--trials", "1"]
    options += ["--test-rows", str(TEST_ROWS), "--methods", "lora,full", "--out", "topics"]
    # Dropout falls on other units in a script, and with so few rows two draws of it lie farther
    # apart than the interval of one run is wide.
    for method in ("lora", "full"):
        options += [f"--{method}.epochs", str(EPOCHS), f"--{method}.dropout", "0"]
    assert main(["compare", str(topics / "train.csv"), *options]) == 0
    told = read_json(tmp_path / "topics" / "comparison.json")
    for row in told["results"]:
        script = tmp_path / f"{row['method']}.py"
        model = tmp_path / "topics" / row["folder"] / "model"
        script.write_text(eject(model, script), encoding="utf-8")
        score = row["scores"][told["metric"]]
        assert score["low"] <= scored_by(script) <= score["high"], row["method"]


def scored_by(script):
    """What a script prints as its score, in a process in which tunewell cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_US, str(script)],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return float(re.search(r"^score ([\d.]+) on", done.stdout, re.MULTILINE)[1])

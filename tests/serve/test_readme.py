"""The line of the README that asks a server is run as it stands there."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ports import listening

import tunewell
from tunewell.serve.api import build
from tunewell.serve.models import open_models
from tunewell.serve.settings import ServeOptions

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_the_curl_line_of_the_readme_classifies(run_folder):
    (line,) = re.findall(r"^curl .*?[^\\]\n", README.read_text(encoding="utf-8"), re.M | re.S)
    with listening(build(open_models([str(run_folder)]), ServeOptions())) as port:
        there = line.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        assert there != line
        done = subprocess.run(["sh", "-c", there], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)["answers"]
    asked = json.loads(re.search(r"'(\{.*\})'", line)[1])["inputs"]
    (own,) = tunewell.load(run_folder).predict(asked)
    assert answer["answer"] == own.value and set(answer["scores"]) == set(own.scores)
    assert answer["confidence"] == pytest.approx(own.confidence, abs=1e-6)

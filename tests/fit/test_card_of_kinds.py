"""Cards of every kind of answer run without Tunewell and say what the model says."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from toy_heads import TASKS

import shapes
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.backbones import resolve
from tunewell.values import Machine


@pytest.mark.parametrize("pooling", [None, "mean"])
def test_a_card_runs_without_tunewell(pooling, tmp_path):
    backbone = resolve(str(shapes.save("bert", tmp_path / "bert")), pooling=pooling)
    script, told = "import sys; sys.modules['tunewell'] = None\n", []
    method = replace(registry.method("full")(), epochs=1)
    for name, task in TASKS.items():
        rows = task.rows(18)
        predictor = method.fit(Job(task(), rows, rows, backbone, Machine(threads=1)))
        predictor.save(tmp_path / name)
        code = re.search(r"```python\n(.*?)```", (tmp_path / name / "README.md").read_text(), re.S)
        script += code[1].replace('folder = "."', f"folder = {str(tmp_path / name)!r}") + "\n"
        given = {
            "toy_answer": {"question": "a question", "passage": "a passage"},
            "toy_choose": {"question": "a question", "choices": ("one choice", "another")},
        }
        told.append((task.answers, predictor.predict([given.get(name, "a text")])[0]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    printed = [eval(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(printed) == len(TASKS), done.stderr[-1500:]
    for (kind, answer), said in zip(told, printed, strict=True):
        if kind == "spans":
            assert all(tag[0] in "OBI" for tag in said[0])
        elif kind == "span":
            assert isinstance(said[0], str)
        elif kind == "labels":
            assert tuple(said[0]) == answer.value
        elif kind == "choice":
            assert said == [answer.value]
        else:
            flat = said[0] if isinstance(said[0], list) else said
            mine = answer.value if isinstance(answer.value, tuple) else (answer.value,)
            assert flat == pytest.approx(mine, abs=1e-4)

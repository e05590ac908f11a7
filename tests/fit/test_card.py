"""The lines on a model's card run it without Tunewell and give the same answers."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit import hub
from tunewell.fit.backbones import resolve
from tunewell.values import Example, Machine

TRAIN, VALIDATION = toy.examples(120), toy.examples(30, seed=1)
TASK = registry.task("classify").from_examples(TRAIN)
BLOCKED = "import sys; sys.modules['tunewell'] = None\n"


@pytest.mark.parametrize("shape", ["toy", "bert", "llama"])
def test_a_card_runs_without_tunewell(toy_backbone, random_backbone, shape, tmp_path):
    folder = toy_backbone if shape == "toy" else random_backbone(shape)
    job = Job(TASK, TRAIN, VALIDATION, resolve(str(folder)), Machine(threads=1))
    methods = registry.methods()
    cases = {
        "features": methods["features"](),
        "head": methods["head"](epochs=3),
        "mlp": methods["head"](epochs=3, hidden=8),
        "lora": methods["lora"](epochs=2, learning_rate=3e-3),
        "full": methods["full"](epochs=2, learning_rate=3e-3),
    }
    texts = [example.input for example in VALIDATION[:6]]
    script, told = BLOCKED, []
    for name, method in cases.items():
        predictor = method.fit(replace(job))
        predictor.save(tmp_path / name)
        told.append([answer.value for answer in predictor.predict(texts)])
        card = (tmp_path / name / "README.md").read_text()
        code = re.search(r"```python\n(.*?)```", card, re.DOTALL).group(1)
        code = code.replace('["a text"]', repr(texts))
        code = code.replace('folder = "."', f"folder = {str(tmp_path / name)!r}")
        script += code + "\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    printed = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert printed == [repr(answers) for answers in told], done.stderr[-1500:]


SAID = (Example({"instruction": "Say sea"}, "sea"), Example({"instruction": "Say hill"}, "hill"))


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *(("instruct", name) for name in ("lora", "adapter", "prompt_tuning")),
        *(("classify", name) for name in ("head", "adapter", "prefix")),
    ],
)
def test_a_card_on_the_decoder_that_comes_along_asks_no_hub(task, name, tmp_path):
    """Its weights are stored in 16 bits, and what is learnt is not."""
    rows = SAID if task == "instruct" else TRAIN[:12]
    asked = registry.task(task).from_examples(rows)
    job = Job(asked, rows, rows, resolve(hub.EMBEDDED), Machine(threads=1))
    fitted = replace(registry.method(name)(), epochs=1).fit(job)
    fitted.save(tmp_path)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.S)[1]
    text = "a text" if task == "classify" else {"instruction": "a text"}
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-1500:]
    said = done.stdout.splitlines()[-1] if done.stdout.strip() else ""
    answer = fitted.predict([text])[0].value
    assert said == (repr([answer]) if task == "classify" else answer)

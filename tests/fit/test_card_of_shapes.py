"""Cards of what stands beside or around a backbone run without Tunewell too."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

import shapes
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.backbones import resolve

CASES = {
    "bert": ("adapter", "prompt_tuning", "prefix", "ia3", "bitfit"),
    "llama": ("adapter", "p_tuning", "prefix"),
    "xlnet": ("last_layers", "prompt_tuning"),
    "t5": ("features", "full", "adapter", "prompt_tuning"),
}


@pytest.mark.parametrize("pooling", [None, "mean"])
def test_a_card_runs_without_tunewell(pooling, tmp_path):
    script, told = "import sys; sys.modules['tunewell'] = None\n", []
    for shape, names in CASES.items():
        backbone = resolve(str(shapes.save(shape, tmp_path / shape)), pooling=pooling)
        job = Job(shapes.TASK, shapes.TRAIN, shapes.VALIDATION, backbone, shapes.MACHINE)
        for name in names:
            method = registry.method(name)()
            if name != "features":
                method = replace(method, epochs=2, learning_rate=1e-2)
            predictor = method.fit(job)
            folder = tmp_path / f"{name} on {shape}"
            predictor.save(folder)
            # The tokenizer of a backbone without a padding token pads one text at a time.
            told.append([predictor.predict([text])[0].value for text in shapes.INPUTS[:3]])
            code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.S)[1]
            for text in shapes.INPUTS[:3]:
                script += code.replace("a text", text).replace('"."', repr(str(folder))) + "\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    printed = [line for line in done.stdout.splitlines() if line.startswith("[")]
    expected = [repr([value]) for answers in told for value in answers]
    assert len(set(expected)) > 1
    assert printed == expected, done.stderr[-1500:]

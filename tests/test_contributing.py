"""The method that CONTRIBUTING.md shows works as it stands there."""

import importlib
import re
from pathlib import Path

import pytest

import toy
from tunewell import options, registry
from tunewell.contracts import Job
from tunewell.values import Machine

PAGE = Path(__file__).resolve().parent.parent / "CONTRIBUTING.md"


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type:
    file = tmp_path / "norms.py"
    file.write_text(re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1])
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("norms").Norms


def test_the_method_shown_trains_what_it_says(
    method: type, toy_backbone: Path, tmp_path: Path
) -> None:
    from tunewell.fit.backbones import resolve

    assert all(options.field_docs(method).values())
    train, test = toy.examples(240), toy.examples(120, seed=2)
    task = registry.task("classify").from_examples(train)
    backbone = resolve(str(toy_backbone))
    job = Job(task, train, toy.examples(60, seed=1), backbone, Machine(threads=1))
    predictor = method(learning_rate=2e-2, epochs=4).fit(job)

    moving = {n for n, p in predictor.model.named_parameters() if p.requires_grad}
    assert moving and all("LayerNorm" in name or name.startswith("head.") for name in moving)
    answers = predictor.predict([example.input for example in test])
    assert task.score([example.target for example in test], answers)["accuracy"] > 0.6

    predictor.save(tmp_path / "model")
    again = method.load(tmp_path / "model", Machine(threads=1)).predict([test[0].input])
    assert again[0].scores == pytest.approx(answers[0].scores, abs=1e-6)

"""The way out: a script that does without us gives the model's own answers."""

import ast
import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

import tunewell
from tunewell import registry
from tunewell.cli import main
from tunewell.options import from_keywords
from tunewell.ready import prepare
from tunewell.serve.eject import eject
from tunewell.values import read_json, to_json, write_json

WRITTEN = [name for name, method in registry.methods().items() if hasattr(method, "by_hand")]
LOOP = {"epochs": 2, "dropout": 0.0, "tokens": 4}
"""Dropout falls on other units where rows run end to end, so there is none of it here."""
DRIVER = """
import importlib.util, json, sys
from pathlib import Path
sys.modules["tunewell"] = None
told = {}
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told[path.stem] = module.main().tolist()
Path(sys.argv[1], "told.json").write_text(json.dumps(told))
"""


@pytest.fixture
def in_run(run_folder, monkeypatch):
    """The folder where the run was started."""
    monkeypatch.chdir(run_folder.parent)
    return run_folder


def fitted_in(run: Path, name: str, **more):
    """A model of a method inside a run, fitted to its rows without dropout; and its folder."""
    asked = from_keywords({"data": run / "run.yaml", "methods": [name]})
    ready = prepare(asked.options)
    kind = registry.method(name)
    options = {k: v for k, v in LOOP.items() if k in {f.name for f in fields(kind)}} | more
    method, backbone = kind(**options), ready.backbones[0] if kind.needs_backbone else None
    folder = run / "trials" / f"{name}-77"
    folder.mkdir(exist_ok=True)
    predictor = method.fit(replace(ready.job(backbone, seed=3), cache=None))
    predictor.save(folder / "model")
    write_json(folder / "trial.json", to_json(ready.trial(method, backbone, 3)))
    return predictor, folder / "model", ready.data.test


def test_every_script_gives_the_numbers_of_its_model(in_run, tmp_path):
    expected = {}
    for name in WRITTEN:
        predictor, folder, test = fitted_in(in_run, name)
        answers = predictor.predict([example.input for example in test])
        expected[name] = [[a.scores[k] for k in predictor.task.labels] for a in answers]
        (tmp_path / f"{name}.py").write_text(eject(folder), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((tmp_path / "told.json").read_text())
    assert set(told) == set(WRITTEN)
    apart = {
        name: max(
            abs(one - other)
            for row, own in zip(told[name], expected[name], strict=True)
            for one, other in zip(row, own, strict=True)
        )
        for name in WRITTEN
    }
    assert {name: far for name, far in apart.items() if far > 1e-5} == {}


def test_most_methods_are_written_out():
    assert {"majority", "features", "head", "lora", "full"} <= set(WRITTEN)
    others = {"augment", "instructed", "qlora", "domain_adapt"}
    assert set(registry.methods()) - set(WRITTEN) <= others | NEW


NEW = {name for name, kind in registry.methods().items() if kind.answers is not None} - {
    "majority",
    "features",
    "few_shot",
    "zero_shot",
    "bag_of_words",
}
"""Methods for other kinds of answers, which no script is written for yet."""


def test_a_script_reads_well(in_run):
    script = eject(in_run / "trials" / "lora-0" / "model")
    tree = ast.parse(script)
    assert ast.get_docstring(tree).startswith("Fits lora on ")
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert names[0] == "prepare" and names[-1] == "main" and "train" in names
    assert "tunewell" not in [n for node in ast.walk(tree) for n in imported(node)]
    assert max(map(len, script.splitlines())) <= 200


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [(node.module or "").partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_what_cannot_be_written_out_is_told(in_run, tmp_path, capsys):
    with pytest.raises(tunewell.ConfigError, match="is not inside a run"):
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "model.json").write_text("{}")
        eject(folder)
    trial = in_run / "trials" / "full-0" / "trial.json"
    before = read_json(trial)
    try:
        write_json(trial, {**before, "data": "another"})
        with pytest.raises(tunewell.ConfigError, match="no longer those"):
            eject(trial.parent / "model")
        write_json(trial, {**before, "method": "augment", "options": {}})
        with pytest.raises(tunewell.ConfigError, match="augment is not one"):
            eject(trial.parent / "model")
    finally:
        write_json(trial, before)


def test_eject_from_the_command_line(in_run, tmp_path, capsys):
    out = tmp_path / "mine.py"
    assert main(["eject", str(in_run), "--out", str(out)]) == 0
    assert main(["eject", str(in_run), "--out", str(out)]) == 2
    capsys.readouterr()
    assert main(["eject", str(in_run)]) == 0
    assert capsys.readouterr().out == out.read_text(encoding="utf-8")

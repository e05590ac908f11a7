"""Runs of toy tasks, and their scripts run in a process in which tunewell cannot be imported."""

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

from toy_tasks import modules, task_of
from tunewell import registry
from tunewell.cli import main
from tunewell.options import from_keywords
from tunewell.ready import prepare
from tunewell.serve.eject import eject
from tunewell.values import to_json, write_json

LOOP = {"epochs": 2, "dropout": 0.0, "tokens": 4}
"""Dropout falls on other units where rows run end to end, so there is none of it here."""
DRIVER = """
import dataclasses, importlib.util, json, sys, traceback
from pathlib import Path
sys.modules["tunewell"] = None

def said_by(path):
    spec = importlib.util.spec_from_file_location(f"ejected_{path.stem}", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = module.main()
    return said.tolist() if hasattr(said, "tolist") else [dataclasses.asdict(a) for a in said]

told = {}
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    try:
        told[path.stem] = said_by(path)
    except Exception:
        told[path.stem] = traceback.format_exc()
Path(sys.argv[1], "told.json").write_text(json.dumps(told))
"""


def run_of(name, backbone, *more, rows=None, count=120, out=None):
    """A run on the rows of a toy task in the working directory, by a method that costs little."""
    task = registry.task(task_of(name))
    named, rows = columns_of(rows or modules()[name].rows(count, 0))
    file = Path(f"{out or name}.jsonl")
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    cheap = {"choice": "likeliest_choice", "vector": "bm25", "span": "best_sentence"}
    method = cheap.get(registry.task(task_of(name))().answers, "majority")
    method = "zero_shot" if name == "complete" else method
    if task_of(name) == "similar":
        method = "bm25" if "negative" in rows[0] else "majority"
    options = ["--task", task.name, *named, "--out", out or name]
    options += ["--methods", method, "--backbone", str(backbone), "--dtype", "float32", *more]
    assert main(["compare", str(file), *options]) == 0
    return Path(out or name).resolve()


def columns_of(rows):
    """Options that name the columns, and rows in which texts that belong together stand apart."""
    pairs = isinstance(rows[0].get("input"), dict)
    if pairs:
        rows = [{**row["input"], "target": row["target"]} for row in rows]
        return ["--input", ",".join(list(rows[0])[:-1]), "--target", "target"], rows
    found = []
    for row in rows:
        marked = isinstance(row.get("target"), dict)
        given = [name for name, mark in row["target"].items() if mark == "1"] if marked else None
        found.append({**row, "target": given} if marked else row)
    return ["--columns", ",".join(f"{column}={column}" for column in rows[0])], found


def fitted_in(run, name, **more):
    """A model of a method inside a run, fitted to its rows without dropout; folder; test rows."""
    asked = from_keywords({"data": run / "run.yaml", "methods": [name]})
    ready = prepare(asked.options)
    kind = registry.method(name)
    options = {k: v for k, v in LOOP.items() if k in {f.name for f in fields(kind)}} | more
    method, backbone = kind(**options), ready.backbones[0] if kind.needs_backbone else None
    number = 77 + len([*run.glob(f"trials/{name}-*")])
    folder = run / "trials" / f"{name}-{number}"
    folder.mkdir(parents=True)
    predictor = method.fit(replace(ready.job(backbone, seed=3), cache=None, folder=folder))
    predictor.save(folder / "model")
    write_json(folder / "trial.json", to_json(ready.trial(method, backbone, 3)))
    return predictor, folder / "model", ready.data.test


def told_by_scripts(folder):
    """What `main` of every script in a folder returns, by its name."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder)],
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "told.json").read_text())


def written_out(run, folder, name, method, **more):
    """Eject a method as a script of some name in a folder; what its model answers to test rows."""
    predictor, model, test = fitted_in(run, method, **more)
    script = eject(model, folder / f"{name}.py")
    (folder / f"{name}.py").write_text(script, encoding="utf-8")
    return to_json(predictor.predict([example.input for example in test]))


def check(run, folder, *methods, **more):
    """Eject methods, run their scripts, and compare every answer to a test row."""
    expected = {name: written_out(run, folder, name, name, **more) for name in methods}
    compare(expected, folder)


def compare(expected, folder):
    """That the scripts in a folder say what their models say."""
    told = told_by_scripts(folder)
    assert set(told) == set(expected)
    far = {name: apart(expected[name], told[name]) for name in expected}
    wrong = {name: each for name, each in far.items() if each > 1e-5}
    assert not wrong, wrong


def apart(expected, told):
    """The largest difference between a model's answers and what its script says."""
    assert not isinstance(told, str), told[-3000:]
    expected = [each.get("scores") or each["value"] for each in expected]
    if all(isinstance(each, dict) for each in told):
        told = [each.get("scores") or each["value"] for each in told]
    else:  # scripts of few lines give the shares of labels, or the number
        rows = (each.values() if isinstance(each, dict) else [each] for each in expected)
        expected = [list(row) for row in rows]
    return difference(expected, told)


def difference(one, other):
    """The largest difference of two numbers at the same place; infinite where shapes differ."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) / max(1.0, abs(one))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max([0.0, *(difference(a, b) for a, b in zip(one, other, strict=True))])
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max([0.0, *(difference(one[key], other[key]) for key in one)])
    return 0.0 if one == other else float("inf")

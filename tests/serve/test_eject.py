"""The way out: a script that does without us gives the model's own answers."""

import ast

import pytest
from ejected import fitted_in, told_by_scripts

import tunewell
from tunewell import registry
from tunewell.cli import main
from tunewell.serve.eject import eject
from tunewell.values import read_json, write_json

WRITTEN = [
    name
    for name, kind in registry.methods().items()
    if hasattr(kind, "by_hand")
    and not getattr(kind, "reads_texts", False)  # which have tests of their own
    and (kind.answers is None or "label" in kind.answers)
]
"""Methods whose scripts hold no lines of ours where a text has one label."""


@pytest.fixture
def in_run(run_folder, monkeypatch):
    """The folder where the run was started."""
    monkeypatch.chdir(run_folder.parent)
    return run_folder


def test_every_script_gives_the_numbers_of_its_model(in_run, tmp_path):
    expected = {}
    for name in WRITTEN:
        predictor, folder, test = fitted_in(in_run, name)
        answers = predictor.predict([example.input for example in test])
        expected[name] = [[a.scores[k] for k in predictor.task.labels] for a in answers]
        (tmp_path / f"{name}.py").write_text(eject(folder), encoding="utf-8")
    told = told_by_scripts(tmp_path)
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
        nested = {"base_method": "augment"}
        write_json(trial, {**before, "method": "augment", "options": nested})
        with pytest.raises(tunewell.ConfigError, match="augment inside of itself"):
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

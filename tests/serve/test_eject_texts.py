"""The way out of a model that read texts without labels first."""

import os
from pathlib import Path

import pytest
from ejected import compare, fitted_in, run_of, told_by_scripts, written_out

import toy
import tunewell
from fit import writers
from tunewell.serve.eject import eject

READING = {"passes": 1, "reading_rate": 1e-4, "epochs": 1}


@pytest.fixture(scope="module")
def run_with_texts(tmp_path_factory):
    """Makes a run that names texts without labels, of a toy task on a backbone."""
    home, before = tmp_path_factory.mktemp("reading"), Path.cwd()
    os.chdir(home)
    toy.texts(home / "unlabelled.jsonl", 450)

    def make(name, backbone, length="24"):
        made = run_of(name, backbone, "--max-length", length, count=60, out=f"{name}-{length}")
        options = made / "run.yaml"
        told = options.read_text(encoding="utf-8")
        options.write_text(told.replace("texts: null", "texts: unlabelled.jsonl"), encoding="utf-8")
        return made

    yield make
    os.chdir(before)


def test_scripts_read_texts_first(run_with_texts, toy_backbone, filling_backbone, tmp_path):
    expected = {}
    for name, backbone in (("known", filling_backbone), ("new", toy_backbone)):
        made = run_with_texts("classify", backbone)
        expected[name] = written_out(made, tmp_path, name, "domain_adapt", **READING)
        assert "read_on(BACKBONE" in (tmp_path / f"{name}.py").read_text(encoding="utf-8")
    compare(expected, tmp_path)


def test_scripts_of_models_of_words_read_texts_first(
    run_with_texts, filling_backbone, tmp_path_factory, tmp_path
):
    decoder = writers.save("gpt2", tmp_path_factory.mktemp("decoder"))
    kinds = {"fill": (filling_backbone, "24"), "instruct": (decoder, str(writers.WINDOW))}
    expected = {}
    for name, (backbone, length) in kinds.items():
        made = run_with_texts(name, backbone, length)
        predictor, model, test = fitted_in(made, "domain_adapt", **READING)
        found = predictor.surprise([e.input for e in test], [e.target for e in test])
        expected[name] = [each.nats for each in found]
        script = eject(model, tmp_path / f"{name}.py")
        (tmp_path / f"{name}.py").write_text(script, encoding="utf-8")
    told = told_by_scripts(tmp_path)
    for name, nats in expected.items():
        assert [row[0] for row in told[name]] == pytest.approx(nats, abs=1e-3)


def test_texts_must_be_those_that_were_read(run_with_texts, filling_backbone, tmp_path):
    made = run_with_texts("classify", filling_backbone, "20")
    _, model, _ = fitted_in(made, "domain_adapt", **READING)
    toy.texts(made.parent / "unlabelled.jsonl", 460)
    with pytest.raises(tunewell.ConfigError, match="no longer those that this model has read"):
        eject(model, tmp_path / "mine.py")

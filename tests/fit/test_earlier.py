"""Earlier runs as backbones: adapters are merged, and what the run was worth is told."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

import shapes
import toy
import tunewell
from toy_tasks import examples, learnt
from tunewell import registry
from tunewell.contracts import Job
from tunewell.fit.backbones import resolve
from tunewell.fit.earlier import tuned_for
from tunewell.fit.prefix import embed
from tunewell.values import Machine

MACHINE = Machine(threads=1)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The base, and the folder of an adapter that was trained on it for another task."""
    home = tmp_path_factory.mktemp("earlier")
    base = resolve(str(shapes.save("bert", home / "base")), pooling="mean", max_length=24)
    job = Job(learnt("tag"), examples("tag", 40), examples("tag", 20, 1), base, MACHINE)
    predictor = replace(registry.method("lora")(), epochs=2, learning_rate=0.01).fit(job)
    predictor.save(home / "model")
    return base, predictor, home / "model"


def test_an_adapter_is_a_backbone_with_its_updates_in_the_weights(tagger):
    base, predictor, folder = tagger
    backbone = resolve(str(folder))
    assert (backbone.name, backbone.pooling, backbone.max_length) == (str(folder), "mean", 24)
    texts = ["kelo maru", "su piso navi"]
    unit = torch.nn.functional.normalize(embed(backbone, MACHINE, texts), dim=-1)
    assert torch.allclose(unit, predictor.embed(texts)[0], atol=1e-4)
    untuned = torch.nn.functional.normalize(embed(base, MACHINE, texts), dim=-1)
    assert not torch.allclose(unit, untuned, atol=1e-3)
    assert resolve(str(folder)).fingerprint == backbone.fingerprint != base.fingerprint
    told = {"method": "lora", "task": "tag", "base": base.name}
    assert tuned_for(backbone.folder) == {**told, "base_fingerprint": base.fingerprint}
    assert tuned_for(base.folder) is None


def test_what_the_earlier_run_was_worth_is_told(tagger, tmp_path):
    base, _, folder = tagger
    table = tmp_path / "topics.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        rows = [(e.input, e.target) for e in toy.examples(90, 0)]
        csv.writer(file).writerows([("text", "label"), *rows])
    options = {"methods": ["features"], "trials": 1, "pooling": "mean"}
    both = tunewell.compare(
        str(table), backbone=[str(folder), base.name], out=str(tmp_path / "both"), **options
    )
    scores = {r["backbone"]: r["scores"]["accuracy"]["value"] for r in both.data["results"]}
    (gain,) = both.data["worth"]
    assert (gain["method"], gain["backbone"], gain["base"]) == ("features", str(folder), base.name)
    assert np.isclose(gain["difference"], scores[str(folder)] - scores[base.name])
    assert gain["low"] <= gain["difference"] <= gain["high"]
    told = (tmp_path / "both" / "report.html").read_text(encoding="utf-8")
    assert "as lora left it, tuned for the task tag" in told and "What that was worth here" in told
    alone = tunewell.compare(
        str(table), backbone=[str(folder)], out=str(tmp_path / "alone"), **options
    )
    assert alone.data["worth"] == []
    told = (tmp_path / "alone" / "report.html").read_text(encoding="utf-8")
    assert f"--backbone {folder},{base.name}" in told

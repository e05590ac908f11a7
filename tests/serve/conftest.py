"""Models to serve: fitted once on the toy world, kept in folders; and a whole run."""

import csv
import os
from pathlib import Path

import pytest

import toy
from tunewell import registry
from tunewell.contracts import Job
from tunewell.values import Machine

OPTIONS = {"lora": {"epochs": 2, "learning_rate": 1e-2}, "last_layers": {"epochs": 1}}


@pytest.fixture(scope="session")
def toy_job(toy_backbone: Path) -> Job:
    """Rows of the toy world and its backbone, on one thread."""
    from tunewell.fit.backbones import resolve

    train = toy.examples(120)
    return Job(
        task=registry.task("classify").from_examples(train),
        train=train,
        validation=toy.examples(30, seed=1),
        backbone=resolve(str(toy_backbone)),
        machine=Machine(dtype="float32", threads=1),
    )


@pytest.fixture(scope="session")
def fitted(tmp_path_factory, toy_job: Job):
    """Makes a folder with the fitted model of a method, once a method."""
    root, made = tmp_path_factory.mktemp("models"), {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = root / f"{name}-0" / "model"
            registry.method(name)(**OPTIONS.get(name, {})).fit(toy_job).save(made[name])
        return made[name]

    return make


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Rows that no model has seen."""
    return [example.input for example in toy.examples(12, seed=2)]


RUN = "majority,features,lora,full,prefix"


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, toy_backbone: Path) -> Path:
    """A run of some methods on a table of the toy world, both in one folder."""
    from tunewell.cli import main

    home, before = tmp_path_factory.mktemp("run"), Path.cwd()
    with (home / "toy.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(e.input, e.target) for e in toy.examples(200)]
        csv.writer(file).writerows([("text", "label"), *rows])
    os.chdir(home)
    try:
        options = ["--methods", RUN, "--backbone", str(toy_backbone), "--trials", "1"]
        options += ["--dtype", "float32", "--out", "toys", "--max-length", "24"]
        options += ["--lora.epochs", "2", "--lora.learning_rate", "1e-2"]
        options += ["--full.epochs", "2", "--full.learning_rate", "1e-3", "--prefix.epochs", "1"]
        assert main(["compare", "toy.csv", *options]) == 0
    finally:
        os.chdir(before)
    return home / "toys"

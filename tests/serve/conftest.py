"""Models to serve: fitted once on the toy world, kept in folders; and a whole run."""

import csv
import os
import random
from functools import cache
from pathlib import Path

import pytest

import toy
from fit import writers
from tunewell import registry
from tunewell.contracts import Job
from tunewell.values import Example, Machine

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


def told(count: int, seed: int) -> tuple[Example, ...]:
    """Instructions to find the one word of a text that is no filler."""
    chance, made = random.Random(seed), []
    for _ in range(count):
        word, filler = chance.choice(["kelo", "maru", "sivo"]), "na " * chance.randint(1, 6)
        row = {"instruction": "which one?", "input": f"a {filler}{word}", "output": f"{word}!"}
        made.append(registry.task("instruct")().read(row, "toy.csv"))
    return tuple(made)


@pytest.fixture(scope="session")
def writing(tmp_path_factory):
    """Makes a folder with a model that writes, of a shape; that of `llama` has learnt its task."""
    root = tmp_path_factory.mktemp("writing")

    @cache
    def make(shape: str, template: str = "none", method: str = "full", seed: int = 0) -> Path:
        from tunewell.fit.backbones import resolve

        backbone = resolve(str(writers.save(shape, root / f"{shape}-{template}", template)))
        task = registry.task("instruct").from_examples(told(8, 0))
        job = Job(task, told(32, 0), told(8, 1), backbone, Machine(threads=1), seed)
        epochs = 16 if shape == "llama" else 1
        kind = registry.method(method)
        folder = root / f"{shape}-{template}-{method}-{seed}" / "model"
        kind(learning_rate=5e-3, epochs=epochs, batch_size=8).fit(job).save(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def questions() -> list[dict[str, str]]:
    """Inputs that no model has seen."""
    return [example.input for example in told(6, 2)]

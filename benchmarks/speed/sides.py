"""The commands that stand against each other, as a user would type them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RATES = {"full": 1e-4, "lora": 1e-3, "last_layers": 3e-4, "head": 3e-2}
"""Highest learning rates, the same on both sides."""
LADDER = ("features", "head", "last_layers", "lora", "full")
LENGTH = 256


@dataclass(frozen=True)
class Outcome:
    """What a side says of itself when it is done."""

    accuracy: dict[str, float]
    """Of each method, on the test rows, 0 to 1."""
    training: dict[str, float] = field(default_factory=dict)
    """CPU seconds of each method's training alone: no start-up, no test, no report."""
    figures: dict[str, float] = field(default_factory=dict)
    """What else it measured by itself."""


@dataclass(frozen=True)
class Side:
    """One command, with {places} for folders, and how to read what came of it."""

    name: str
    command: str
    read: Callable[[str, Path, Path], Outcome]
    """Standard output, its own folder, the folder of rows -> what it says."""
    needs: tuple[Side, ...] = ()
    """What must have run before it in the same round."""
    part: str = "train"
    """Which rows it works through, for tokens a second."""
    length: int = LENGTH
    alone: bool = False
    """Whether it has the whole machine, every core and nothing beside it."""
    once: bool = False
    """Whether it runs in the first round only, as it takes long; it begins before the others."""

    @property
    def folder(self) -> str:
        """The name of its own folder in a round's."""
        return self.name.replace(" ", "-").replace(",", "")


def own(name: str, command: str, **more: Any) -> Side:
    """A module of this benchmark that uses the library and prints one line of JSON at its end."""
    return Side(name, f"python -m benchmarks.speed.{command}", _said, **more)


def script(name: str, command: str, **more: Any) -> Side:
    """A rival: a plain script that prints one line of JSON at its end."""
    return Side(name, f"python benchmarks/rivals/{command}", _said, **more)


def trainer(method: str, name: str, options: str = "", rows: str = "{rows}", **more: Any) -> Side:
    """The Trainer script with what moves, and further options of it."""
    length = more.get("length", LENGTH)
    command = (
        f"trainer.py {method} {rows} {{out}} --model {{model}} --epochs {{epochs}} "
        f"--learning-rate {RATES[method]} --max-length {length} {options}"
    )
    return script(name, command.strip(), **more)


def tunewell(
    command: str, methods: tuple[str, ...], name: str, options: str = "", **more: Any
) -> Side:
    """`tunewell fit` or `tunewell compare` on the same rows, with the same epochs."""
    rows = more.pop("rows", "{rows}")
    named = "--method" if command == "fit" else "--methods"
    length = more.get("length", LENGTH)
    words = [
        f"tunewell {command} {rows}/train.csv --validation {rows}/validation.csv",
        f"--test {rows}/test.csv {named} {','.join(methods)}",
        *(f"--{method}.epochs {{epochs}}" for method in methods if method in RATES),
        f"--max-length {length} --budget 10h {options}".strip(),
        f"--out {more.pop('out', '{out}')} --json",
    ]
    return Side(name, " ".join(words), _compared, **more)


def fit(method: str, name: str = "", options: str = "", **more: Any) -> Side:
    """`tunewell fit` of one method, with its own defaults."""
    return tunewell("fit", (method,), name or f"tunewell fit {method}", options, **more)


def answers(name: str, run: str, needs: tuple[Side, ...]) -> Side:
    """`tunewell predict` with the model of an earlier side."""
    command = f"tunewell predict {run} --file {{rows}}/answered.csv --out {{out}}/answers.csv"
    return Side(name, command, _answered, needs, part="answered")


def _said(out: str, folder: Path, rows: Path) -> Outcome:
    return Outcome(**json.loads(out.strip().splitlines()[-1]))


def _compared(out: str, folder: Path, rows: Path) -> Outcome:
    results = [r for r in json.loads(out)["results"] if r["status"] == "ok"]
    return Outcome(
        {r["method"]: r["scores"]["accuracy"]["value"] for r in results},
        {r["method"]: r["cpu_seconds"] for r in results if len(r["trials"]) == 1},
    )


def _answered(out: str, folder: Path, rows: Path) -> Outcome:
    with (rows / "answered.csv").open(encoding="utf-8", newline="") as file:
        targets = [row["label"] for row in csv.DictReader(file)]
    with (folder / "answers.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    right = [row["answer"] == target for row, target in zip(told, targets, strict=True)]
    return Outcome({"prediction": sum(right) / len(right)})

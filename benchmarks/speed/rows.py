"""The rows that both sides of a comparison read, and how many real tokens they have."""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

NAMES = {"0": "negative", "1": "positive"}
CUTS = (256, 512)
"""Tokens that a row may have, in one comparison or another."""


@dataclass(frozen=True)
class Size:
    """How much is read, and how often."""

    train: int
    validation: int
    test: int
    answered: int
    """Rows of the prediction."""
    few: int
    """Training rows of the comparison with few of them."""
    long: int
    """Training and test rows of the comparison at 512 tokens."""
    epochs: int
    rounds: int


QUICK = Size(train=16, validation=8, test=8, answered=32, few=8, long=8, epochs=1, rounds=1)
PUBLISHED = Size(
    train=72, validation=24, test=100, answered=500, few=16, long=24, epochs=5, rounds=2
)


def write_rows(folder: Path, size: Size) -> None:
    """Film reviews as CSV files: train, validation, test, and those of two other comparisons.

    Ends the benchmark where TUNEWELL_DATA does not name the folder of data sets.
    """
    data = os.environ.get("TUNEWELL_DATA")
    if not data:
        sys.exit("Name the folder of data sets in TUNEWELL_DATA: its imdb/ holds the film reviews.")
    known = _reviews(Path(data) / "imdb" / "train.csv.gz")
    there = set(known)
    fresh = [row for row in _reviews(Path(data) / "imdb" / "test.csv.gz") if row not in there]
    chance = random.Random(0)
    chance.shuffle(known)
    chance.shuffle(fresh)
    train = _even(known, size.train)
    there = set(train)
    held_out = [row for row in known if row not in there]
    parts = {
        "train": train,
        "validation": _even(held_out, size.validation),
        "test": _even(fresh, size.test),
        "answered": _even(fresh, size.answered),
    }
    for name, rows in parts.items():
        _write(folder / f"{name}.csv", rows)
    _write(folder / "few" / "train.csv", _even(train, size.few))
    _write(folder / "few" / "validation.csv", parts["validation"])
    _write(folder / "few" / "test.csv", parts["test"])
    _write(folder / "long" / "train.csv", _even(train, size.long))
    _write(folder / "long" / "validation.csv", _even(parts["validation"], size.long // 4))
    _write(folder / "long" / "test.csv", _even(parts["test"], size.long))


def count_tokens(folder: Path, model: str) -> dict[str, dict[str, int]]:
    """Real tokens of each file of rows, in all and cut at each length: {part: {cut: tokens}}."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    counted = {}
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
        lengths = [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
        name = str(path.relative_to(folder).with_suffix(""))
        counted[name] = {str(cut): sum(min(cut, n) for n in lengths) for cut in CUTS}
        counted[name] |= {f"squares {cut}": sum(min(cut, n) ** 2 for n in lengths) for cut in CUTS}
        counted[name]["rows"] = len(texts)
    return counted


def _reviews(path: Path) -> list[tuple[str, str]]:
    """Text and label of each review, each text once."""
    with gzip.open(path) as file:
        lines = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        return list({row["text"]: (row["text"], NAMES[row["label"]]) for row in lines}.values())


def _even(rows: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """The first rows, half of each label, in their order."""
    chosen = set()
    for label in NAMES.values():
        chosen.update([row for row in rows if row[1] == label][: count // 2])
    return [row for row in rows if row in chosen]


def _write(path: Path, rows: list[tuple[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows(rows)

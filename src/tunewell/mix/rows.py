"""The rows of all sets in one folder, as messages, in the shares that were asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunewell.fit.marked import as_messages
from tunewell.read import Data
from tunewell.values import Example, whole_file


def drawn(sizes: Sequence[int], weights: Sequence[float] | None, temperature: float) -> list[int]:
    """How many training rows each set gives; in all about as many as there are.

    >>> drawn([300, 100], None, 1.0), drawn([300, 100], [1, 1], 1.0)
    ([300, 100], [200, 200])
    """
    parts = list(weights) if weights else [size ** (1 / temperature) for size in sizes]
    return [max(1, round(sum(sizes) * part / sum(parts))) for part in parts]


def chosen(rows: Sequence[Example], count: int, seed: int) -> list[Example]:
    """So many of the rows: each equally often, and some once more, drawn by the seed."""
    again, rest = divmod(count, len(rows))
    more = random.Random(seed).sample(range(len(rows)), rest)
    return [*(row for _ in range(again) for row in rows), *(rows[at] for at in sorted(more))]


def write_rows(folder: Path, sets: Mapping[str, Data], counts: Sequence[int], seed: int) -> None:
    """Write train, validation and test files of all sets.

    Validation and test have all rows of all sets, one set after the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "validation", "test"):
        with whole_file(folder / f"{part}.jsonl") as aside, aside.open("w", encoding="utf-8") as to:
            for (name, data), count in zip(sets.items(), counts, strict=True):
                rows = data.parts[part]
                rows = chosen(rows, count, seed) if part == "train" else rows
                for row in rows:
                    line = {"set": name, **as_messages(data.task, row)}
                    to.write(json.dumps(line, ensure_ascii=False) + "\n")

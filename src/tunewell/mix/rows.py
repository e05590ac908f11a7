"""The rows of all sets in one folder, as messages, in the shares that were asked for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tunewell.fit.marked import as_messages
from tunewell.mix.settings import MixOptions
from tunewell.read import Data
from tunewell.values import Example, whole_file

Placed = list[tuple[int, Example, tuple[float, float]]]
"""The number of a set, a row of it, and the part of the training in which it is learnt."""


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


def placed(
    rows: Sequence[Sequence[Example]], joins: Sequence[float], replay: float | None, seed: int
) -> Placed:
    """Each row with the part of the training in which it is learnt.

    Args:
        rows: of each set.
        joins: the share of the training from which on each set is learnt.
        replay: share of the rows that earlier sets have once another has joined, in proportion to
            their own rows; None: they go on with all of theirs.
    """
    if replay is None:
        each = enumerate(zip(rows, joins, strict=True))
        return [(number, row, (since, 1.0)) for number, (own, since) in each for row in own]
    found: Placed = []
    for since, until in pairwise(sorted({*joins, 1.0})):
        new = [number for number, joined in enumerate(joins) if joined == since]
        old = [number for number, joined in enumerate(joins) if joined < since]
        found += [(number, row, (since, until)) for number in new for row in rows[number]]
        again = replay / (1 - replay) * sum(len(rows[number]) for number in new)
        before = sum(len(rows[number]) for number in old)
        for number in old:
            count = round(again * len(rows[number]) / before)
            repeated = chosen(rows[number], count, seed + len(found))
            found += [(number, row, (since, until)) for row in repeated]
    return found


def write_rows(
    folder: Path, sets: Mapping[str, Data], counts: Sequence[int], options: MixOptions, seed: int
) -> None:
    """Write train, validation and test files of all sets.

    Validation and test have all rows of all sets, one set after the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    joins = options.joins or (0.0,) * len(sets)
    names = list(sets)
    for part in ("train", "validation", "test"):
        rows: list[Sequence[Example]] = [data.parts[part] for data in sets.values()]
        together = placed(rows, (0.0,) * len(sets), None, seed)
        if part == "train":
            each = zip(rows, counts, strict=True)
            rows = [chosen(own, count, seed) for own, count in each]
            together = placed(rows, joins, options.replay, seed)
        with whole_file(folder / f"{part}.jsonl") as aside, aside.open("w", encoding="utf-8") as to:
            for number, row, during in together:
                name = names[number]
                line: dict[str, Any] = {"set": name, **as_messages(sets[name].task, row)}
                if options.joins:
                    line["during"] = during
                to.write(json.dumps(line, ensure_ascii=False) + "\n")

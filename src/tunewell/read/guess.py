"""Which column holds the texts and which the labels, by their names and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.looks import Look
from tunewell.read.names import INPUT, TARGET, VAGUE, name_weight
from tunewell.read.words import columns_listed, shown

CLEARLY_LONGER = 2.0
MOSTLY = 0.5
TOGETHER = 3
"""Columns of 0 and 1 that are a label each; two may be a label and something else."""


def guess_texts(
    path: Path, names: Sequence[str], looks: dict[str, Look], remedy: str
) -> tuple[tuple[str, ...], str]:
    """The column of texts and how it was found."""
    weights = {
        name: name_weight(name, INPUT)
        for name, look in looks.items()
        if look.is_text or look.nested
    }
    by_name = _strongest(weights)
    if len(by_name) == 1:
        return (by_name[0],), "by its name"
    texts = [
        name
        for name, look in looks.items()
        if look.is_text and not (look.is_label and name_weight(name, TARGET) > 1)
    ]
    rank = {name: _richness(name, looks[name]) for name in by_name or texts}
    order = sorted(rank, key=lambda name: -rank[name])
    close = [name for name in order if rank[name] * CLEARLY_LONGER > rank[order[0]]]
    if len(close) != 1:
        raise unclear(path, names, "texts", close, remedy)
    return (order[0],), "the longest of those with such names" if by_name else "by its content"


def _richness(name: str, look: Look) -> float:
    """How long, how varied and how full; a word in the name that texts have counts twice."""
    return look.length * look.varied * look.filled * (2 if name_weight(name, INPUT) else 1)


def guess_labels(
    path: Path, names: Sequence[str], looks: dict[str, Look], remedy: str
) -> tuple[tuple[str, ...], str]:
    """The column of labels, or those with one label each, and how they were found."""
    weights = {name: name_weight(name, TARGET) for name in looks}
    labels = [name for name, look in looks.items() if look.is_label]
    filled = [name for name in labels if looks[name].filled >= MOSTLY]
    telling = [name for name in looks if weights[name] > VAGUE]
    for candidates in (filled, labels, telling):
        by_name = _strongest({name: weights[name] for name in candidates})
        if len(by_name) == 1:
            return (by_name[0],), "by its name"
        if by_name:
            raise unclear(path, names, "labels", by_name, remedy)
    plausible = [name for name in filled if looks[name].distinct > 1]
    hinted = [name for name in plausible if weights[name]]
    for candidates in (hinted, plausible):
        if len(candidates) == 1:
            return (candidates[0],), "by its content"
    if len(plausible) >= TOGETHER and all(looks[name].binary for name in plausible):
        return tuple(plausible), "all that hold nothing but 0 and 1"
    lists = [name for name, look in looks.items() if look.nested]
    if not plausible and len(lists) == 1:
        return (lists[0],), "by its content"
    if not plausible and len(names) == 2 and looks:
        return (next(iter(looks)),), "the other column"
    raise unclear(path, names, "labels", plausible, remedy)


def _strongest(weights: dict[str, int]) -> list[str]:
    """The names of the greatest weight, where that is a vague name's or more."""
    greatest = max(weights.values(), default=0)
    return [name for name, weight in weights.items() if weight == greatest >= VAGUE]


def unclear(
    path: Path, names: Sequence[str], what: str, close: Sequence[str], remedy: str
) -> DataError:
    """The refusal of a table where no column, or more than one, may be the one that is meant."""
    found = f"it may be {' or '.join(map(shown, close))}" if close else "none looks like it"
    return DataError(
        f"{path}: it is not clear which column holds the {what}; {found}.",
        f"Its columns: {columns_listed(names)}.",
        f"Say it with {remedy}.",
    )

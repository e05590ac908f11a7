"""What the columns of a table look like, from rows spread over the whole file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.read.cells import Nested
from tunewell.read.formats import read_rows

LOOKED_AT = 2000
"""Rows that a guess looks at, spread over the whole file."""
LOOKED_INTO = 10_000
"""Characters of a cell that are kept to look at."""
LABEL_LENGTH = 60
"""Labels are shorter on average, in characters."""
MOST_LABELS = 1000


@dataclass(frozen=True)
class Look:
    """A column as its cells show it."""

    filled: float
    """Share of cells that are not empty."""
    letters: float
    """Share of the filled cells with a letter in them."""
    length: float
    """Mean length of the filled cells, in characters."""
    distinct: int
    """Different values among the cells looked at."""
    varied: float
    """Different values by filled cells."""
    nested: bool
    """Whether there are lists or objects among the cells."""
    binary: bool = False
    """Whether there is nothing but 0 and 1 in them."""

    @property
    def is_text(self) -> bool:
        """Whether these may be texts."""
        return self.letters >= 0.5 and not self.nested

    @property
    def is_label(self) -> bool:
        """Whether these may be labels: few, short, each one twice on average."""
        few = 1 <= self.distinct <= MOST_LABELS and self.varied <= 0.5
        return few and self.length <= LABEL_LENGTH and not self.nested


def sample_rows(path: Path, enough: Collection[str]) -> tuple[list[str], list[dict[str, str]]]:
    """All column names, and at most 2,000 rows evenly spread over the file.

    Reading stops where the names in `enough` have been seen, if there are any.
    """
    names: dict[str, None] = {}
    sample: list[dict[str, str]] = []
    step = 1
    for number, (_, cells) in enumerate(read_rows(path)):
        if cells.keys() - names:
            names.update(dict.fromkeys(cells))
            if enough and names.keys() >= set(enough):
                break
        if number % step == 0:
            sample.append({name: _clipped(text) for name, text in cells.items()})
            if len(sample) > LOOKED_AT:
                sample = sample[::2]
                step *= 2
    return list(names), sample


def _clipped(text: str) -> str:
    return text if len(text) <= LOOKED_INTO else text[:LOOKED_INTO]


def look_at(cells: Sequence[str]) -> Look:
    """How a column looks, from some of its cells."""
    filled = [cell for cell in cells if cell and not cell.isspace()]
    if not filled:
        return Look(0.0, 0.0, 0.0, 0, 0.0, False)
    distinct = len(set(filled))
    return Look(
        filled=len(filled) / len(cells),
        letters=sum(any(map(str.isalpha, cell)) for cell in filled) / len(filled),
        length=sum(map(len, filled)) / len(filled),
        distinct=distinct,
        varied=distinct / len(filled),
        nested=any(isinstance(cell, Nested) for cell in filled),
        binary=distinct == 2 and set(filled) in ({"0", "1"}, {"0.0", "1.0"}, {"false", "true"}),
    )

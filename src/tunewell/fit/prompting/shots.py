"""Solved rows that stand before a question: random ones, unlike ones, or the most like it.

Likeness is that of runs of two to four letters, so that it needs no model and no language.
Sources: Brown et al. (arXiv 2005.14165); nearest rows, Liu et al. (arXiv 2101.06804); the order
and the balance of labels matter, Zhao et al. (arXiv 2102.09690).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from tunewell import kinds
from tunewell.values import Example

Way = Literal["nearest", "diverse", "random"]
WAYS: tuple[Way, ...] = get_args(Way)
MOST = 2000
"""Rows that are kept to look for the nearest in."""


@dataclass(frozen=True)
class Shots:
    """Solved rows, and which of them stand before a question."""

    task: Any
    rows: tuple[Example, ...] = ()
    k: int = 0
    nearest: bool = False
    """Whether each question has its own, the most like it last; else all rows stand before each."""

    def before(self, inputs: Sequence[Any]) -> list[tuple[Example, ...]]:
        """Those of each input."""
        if not self.nearest or not inputs:
            return [self.rows] * len(inputs)
        reader, known = self._read
        asked = reader.transform([_text(self.task, each) for each in inputs])
        likeness = (asked @ known.T).toarray()  # (inputs, rows)
        order = (-likeness).argsort(axis=1, kind="stable")[:, : self.k]
        return [tuple(self.rows[n] for n in reversed(row)) for row in order.tolist()]

    @cached_property
    def _read(self) -> tuple[Any, Any]:
        return _vectors([_text(self.task, row.input) for row in self.rows])


def chosen(task: Any, rows: Sequence[Example], k: int, way: Way, seed: int) -> Shots:
    """`k` solved rows for each question; labels take turns where they are fixed."""
    kept = _in_turn(task, rows, MOST if way != "random" else k, seed)
    if way == "nearest":
        return Shots(task, tuple(kept), min(k, len(kept)), nearest=True)
    if way == "diverse":
        kept = _unlike(task, kept, k)
    return Shots(task, tuple(kept), len(kept))


def _in_turn(task: Any, rows: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Random rows, one of each label after the other as long as there are any."""
    chance = random.Random(seed)
    shuffled = chance.sample(list(rows), len(rows))
    piles: dict[Any, list[Example]] = {}
    for row in shuffled:
        piles.setdefault(_label(task, row), []).append(row)
    turns = list(piles.values())
    taken: list[Example] = []
    while turns and len(taken) < count:
        taken += [pile.pop() for pile in turns]
        turns = [pile for pile in turns if pile]
    return taken[:count]


def _unlike(task: Any, rows: Sequence[Example], k: int) -> list[Example]:
    """Rows that are unlike each other: each the least like those before it, labels in turn."""
    import numpy as np

    _, vectors = _vectors([_text(task, row.input) for row in rows])
    middle = np.asarray(vectors.mean(axis=0)).ravel()
    nearest = -np.asarray(vectors @ middle).ravel()  # the first is the most usual
    labels = [_label(task, row) for row in rows]
    used: list[int] = []
    while len(used) < min(k, len(rows)):
        times = {label: sum(labels[n] == label for n in used) for label in set(labels)}
        left = [n for n in range(len(rows)) if n not in used]
        fewest = min(times[labels[n]] for n in left)
        best = min((n for n in left if times[labels[n]] == fewest), key=lambda n: nearest[n])
        likeness = (vectors @ vectors[best].T).toarray().ravel()
        nearest = likeness if not used else np.maximum(nearest, likeness)
        used.append(best)
    return [rows[n] for n in used]


def _label(task: Any, row: Example) -> Any:
    """What takes turns: the labels of a row; nothing where each row has an answer of its own."""
    fixed = task.answers in ("label", "labels")
    return kinds.labels_in(row.target) if fixed else None


def _text(task: Any, input: Any) -> str:
    return "\n".join(task.texts(input))


def _vectors(texts: Sequence[str]) -> tuple[Any, Any]:
    """A reader of texts, and what it made of these: (texts, runs of letters), of length 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    reader = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    return reader, reader.fit_transform(texts)

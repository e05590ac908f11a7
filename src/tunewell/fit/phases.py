"""Rows that are learnt during a part of a training only: which rows its steps read."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from itertools import chain, islice, pairwise

from tunewell.errors import DataError
from tunewell.fit.batches import pooled

During = Sequence[tuple[float, float]]
"""For each row, from which share of all steps on it is learnt, and up to which."""


def phase_batches(
    during: During, lengths: Sequence[int], batch_size: int, seed: int, epoch: int, epochs: int
) -> list[list[int]]:
    """Row numbers of every batch of one epoch; in each, rows whose part of the training it is.

    An epoch has as many batches as if all rows were learnt in it. Those of one part are read
    equally often, in an order set by the seed.

    Raises:
        DataError: there is a part of the training in which no row is learnt.
    """
    per_epoch = math.ceil(len(during) / batch_size)
    steps = per_epoch * epochs
    places = [(round(since * steps), round(until * steps)) for since, until in during]
    first, last = epoch * per_epoch, (epoch + 1) * per_epoch
    batches: list[list[int]] = []
    for begin, end in pairwise(sorted({0, steps, *chain.from_iterable(places)})):
        inside = range(max(first, begin), min(last, end))
        if not inside:
            continue
        learnt = [row for row, (since, until) in enumerate(places) if since <= begin < until]
        if not learnt:
            raise DataError(
                f"No row is learnt from {begin / steps:.0%} to {end / steps:.0%} of the training.",
                "In each part of it some are expected.",
            )
        start = (inside.start - begin) * batch_size
        drawn = islice(_again(learnt, f"{seed}/{begin}"), start, start + len(inside) * batch_size)
        chance = random.Random(f"{seed}/{epoch}/{begin}")
        batches += pooled(list(drawn), lengths, batch_size, chance)
    return batches


def more_come(during: During, done: float) -> bool:
    """Whether there are rows that are learnt only after this share of the steps."""
    return any(since > done for since, _ in during)


def _again(rows: Sequence[int], seed: str) -> Iterator[int]:
    """All rows in one random order, then in another, without end."""
    time = 0
    while True:
        yield from random.Random(f"{seed}/{time}").sample(rows, len(rows))
        time += 1

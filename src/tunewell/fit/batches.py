"""Which rows go together: sorted by length, bounded in tokens, the same for a seed.

Rows of like length share a batch, so that little is padding; the order of batches is random.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

TOKENS = 8192
"""Padded tokens that run at once, unless memory asks for fewer."""
CPU_TOKENS = 2048
"""Of them where a CPU trains: as fast as more, and what is kept for gradients is a quarter."""
PROBE_TOKENS = 1024
"""Of them in a batch that a probe times."""
POOL = 50
"""Batches' worth of shuffled rows that are sorted by length together."""


def epoch_batches(
    lengths: Sequence[int],
    batch_size: int,
    seed: int,
    epoch: int,
    chances: Sequence[float] | None = None,
) -> list[list[int]]:
    """Row numbers of every batch of one epoch, order set by seed and epoch.

    Args:
        chances: as many rows are drawn as there are, each by its chance; None: each row once.
    """
    chance = random.Random(f"{seed}/{epoch}")
    rows = list(range(len(lengths)))
    if chances is not None:
        rows = chance.choices(rows, chances, k=len(rows))
    chance.shuffle(rows)
    return pooled(rows, lengths, batch_size, chance)


def pooled(
    rows: Sequence[int], lengths: Sequence[int], batch_size: int, chance: random.Random
) -> list[list[int]]:
    """Batches of rows that are in random order already; those of like length share one."""
    batches = []
    for start in range(0, len(rows), POOL * batch_size):
        pool = sorted(rows[start : start + POOL * batch_size], key=lambda row: lengths[row])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    chance.shuffle(batches)
    return batches


def within_tokens(rows: Iterable[int], lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Rows sorted by length and cut where padding them together would pass `tokens`.

    >>> within_tokens([0, 1, 2], [5, 1, 4], tokens=10)
    [[1, 2], [0]]
    """
    parts: list[list[int]] = []
    for row in sorted(rows, key=lambda row: lengths[row]):
        if parts and lengths[row] * (len(parts[-1]) + 1) <= tokens:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def probe_batches(lengths: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    """Row numbers of a batch to begin with, and of those to time: three, at quantiles of length.

    Among few tokens it is one, of middle length, or the probe would read as much as the fit does.
    Only among many is the first as large as those of the fit, so that it shows their memory.
    """
    rows = range(len(lengths))
    batches = within_tokens(rows, lengths, PROBE_TOKENS)
    if sum(lengths) > 4 * TOKENS:
        chosen = [batches[int(q * (len(batches) - 1))] for q in (0.1, 0.5, 0.9)]
        return within_tokens(rows, lengths, TOKENS)[-2], chosen
    middle = batches[len(batches) // 2]
    return middle[: max(1, len(middle) // 4)], [middle]

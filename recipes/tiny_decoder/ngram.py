"""A 5-gram over tokens, for a model to be measured against: interpolated Kneser-Ney.

Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1999),
section 4.1.6, with one discount an order. Tokens that were never seen have a uniform share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

ORDER = 5
LEAST = 0.1
"""What is taken from each count at least, for what was never seen."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class _Level:
    """The n-grams of one length."""

    keys: np.ndarray  # (n-grams,), sorted
    counts: np.ndarray  # (n-grams,)
    contexts: np.ndarray  # (contexts,), sorted
    totals: np.ndarray  # (contexts,), counts of all that follow
    kinds: np.ndarray  # (contexts,), how many different tokens follow
    discount: float


@dataclass(frozen=True)
class NGram:
    """A model of what follows after up to four tokens."""

    levels: tuple[_Level, ...]
    """Of one token, of two, ... of five."""
    vocabulary: int
    start: int

    def log_probabilities(self, documents: Iterable[Sequence[int]]) -> np.ndarray:
        """Natural logarithms of the probability of each token of all documents, in order."""
        stream, own = _stream(documents, self.start)
        found = np.full(len(own), 1 / self.vocabulary)
        for order, level in enumerate(self.levels, 1):
            counts = _looked_up(level.keys, level.counts, _keys(stream, own, order))
            context = _keys(stream, own - 1, order - 1)
            totals = _looked_up(level.contexts, level.totals, context)
            kinds = _looked_up(level.contexts, level.kinds, context)
            rest = level.discount * kinds * found
            known = np.maximum(counts - level.discount, 0) + rest
            found = np.where(totals > 0, known / np.maximum(totals, 1), found)
        return np.log(found)


def fit(documents: Iterable[Sequence[int]], vocabulary: int, start: int) -> NGram:
    """Count n-grams.

    Args:
        documents: token ids of each.
        vocabulary: how many different tokens there are.
        start: the token that stands before each document, four times.
    """
    stream, own = _stream(documents, start)
    levels: list[_Level] = []
    places, weights = own, np.ones(len(own))
    for order in range(ORDER, 0, -1):
        keys, first, of = np.unique(
            _keys(stream, places, order), return_index=True, return_inverse=True
        )
        counts = np.bincount(of, weights=weights)
        places, weights = places[first], np.ones(len(first))  # each kind once, for what is shorter
        contexts, of = np.unique(_keys(stream, places - 1, order - 1), return_inverse=True)
        ones, twos = (counts == 1).sum(), (counts == 2).sum()
        levels.append(
            _Level(
                keys,
                counts,
                contexts,
                totals=np.bincount(of, weights=counts),
                kinds=np.bincount(of).astype(float),
                discount=max(LEAST, ones / max(1, ones + 2 * twos)),
            )
        )
    return NGram(tuple(levels[::-1]), vocabulary, start)


def _stream(documents: Iterable[Sequence[int]], start: int) -> tuple[np.ndarray, np.ndarray]:
    """All tokens with four starts before each document, and the places of the others."""
    parts, own, begun = [], [], 0
    for ids in documents:
        parts.append(np.array([start] * (ORDER - 1) + list(ids), dtype=np.uint64))
        own.append(np.arange(begun + ORDER - 1, begun + ORDER - 1 + len(ids)))
        begun += len(parts[-1])
    return np.concatenate(parts), np.concatenate(own)


def _keys(stream: np.ndarray, places: np.ndarray, order: int) -> np.ndarray:
    """A number for the n-gram that ends at each place; two alike are once in millions of runs."""
    keys = np.full(len(places), order, dtype=np.uint64)
    for back in range(order):
        keys = (keys ^ (stream[places - back] + np.uint64(1))) * FACTOR
        keys ^= keys >> np.uint64(29)
    return keys


def _looked_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values of the wanted keys; 0 where there is none."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0.0)

"""Documents end to end on disk, cut into blocks of one length that know where documents begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tunewell.errors import DataError
from tunewell.values import whole_file

TOKENS, BORDERS = "tokens.bin", "borders.bin"
AT_ONCE = 256
"""Documents that are tokenized together."""


@dataclass(frozen=True)
class Blocks:
    """Tokens of a corpus in blocks of `window` tokens; what is left at the end is in none."""

    tokens: np.ndarray  # (tokens,)
    borders: np.ndarray  # (documents,), where each begins
    window: int

    def __len__(self) -> int:
        return len(self.tokens) // self.window

    def pieces(self, block: int) -> Iterator[list[int]]:
        """What a block has of each of its documents: token ids."""
        start = block * self.window
        end = start + self.window
        first, last = np.searchsorted(self.borders, (start, end), side="right")
        inside = [int(border) for border in self.borders[first:last] if border < end]
        for begin, stop in zip([start, *inside], [*inside, end], strict=True):
            yield self.tokens[begin:stop].tolist()

    def of_step(self, step: int, many: int, seed: int) -> list[int]:
        """The blocks of a step: all of them in one random order, then in another, and so on."""
        places = range(step * many, (step + 1) * many)
        return [int(_order(len(self), seed, p // len(self))[p % len(self)]) for p in places]


@lru_cache(maxsize=2)
def _order(blocks: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(blocks)


def write(folder: Path, texts: Iterable[str], tokenizer: Any, framed: bool) -> None:
    """Tokenize documents one after the other into two files.

    Args:
        framed: whether a document is written with what stands before and after it.
    """
    kind = _kind(tokenizer)
    begun = 0
    with (
        whole_file(folder / TOKENS) as tokens,
        whole_file(folder / BORDERS) as borders,
        tokens.open("wb") as file,
        borders.open("wb") as places,
    ):
        for ids in tokenized(texts, tokenizer, framed):
            np.array(ids, dtype=kind).tofile(file)
            np.array([begun], dtype=np.int64).tofile(places)
            begun += len(ids)


def read(folder: Path, tokenizer: Any, window: int) -> Blocks:
    """What `write` wrote; the tokens stay on the disk.

    Raises:
        DataError: there are not enough of them for one block.
    """
    tokens = np.memmap(folder / TOKENS, dtype=_kind(tokenizer), mode="r")
    if len(tokens) < window:
        raise DataError(f"{len(tokens)} tokens are too few.", f"At least {window} are expected.")
    return Blocks(tokens, np.fromfile(folder / BORDERS, dtype=np.int64), window)


def sample(texts: Sequence[str], tokenizer: Any, window: int, framed: bool) -> Blocks:
    """A few texts in memory: to count tokens, and to time steps; repeated to fill one block."""
    documents = list(tokenized(texts, tokenizer, framed))
    starts = np.cumsum([0, *map(len, documents[:-1])])
    tokens = np.concatenate([np.array(ids) for ids in documents])
    return Blocks(np.resize(tokens, max(len(tokens), window)), starts, window)


def tokenized(texts: Iterable[str], tokenizer: Any, framed: bool) -> Iterator[list[int]]:
    """Token ids of each document, in order; see `write`."""
    waiting = iter(texts)
    while some := list(islice(waiting, AT_ONCE)):
        given = tokenizer(some, add_special_tokens=False, verbose=False)["input_ids"]
        for ids in given:
            yield frame(ids, tokenizer) if framed else ids


def frame(ids: Sequence[int], tokenizer: Any) -> list[int]:
    """A document between what a decoder knows as its beginning and its end, if it knows any."""
    first = tokenizer.bos_token_id
    last = tokenizer.eos_token_id
    first = last if first is None else first
    return [token for token in (first, *ids, last) if token is not None]


def _kind(tokenizer: Any) -> type[np.unsignedinteger]:
    return np.uint16 if len(tokenizer) <= 2**16 else np.uint32

"""How well a model knows texts that it has not read: nats and bytes of each document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.pretraining.blocks import frame
from tunewell.fit.pretraining.loop import Learner
from tunewell.fit.pretraining.objectives import around, room
from tunewell.fit.vocabulary import IGNORED

SEED = 0
"""Of what is hidden: the same for every model with the same tokens."""


@dataclass(frozen=True)
class Row:
    """A piece of a text, and what counts of it."""

    text: int
    """Its number."""
    ids: list[int]
    counts: np.ndarray  # (places,), whether what is said there counts
    bytes: np.ndarray  # (places,), of what may be hidden there


def known(learner: Learner, texts: Sequence[str]) -> np.ndarray:
    """Nats and bytes (texts, 2) of each text.

    A decoder reads each token behind those before it, half of its window at least where there are
    as many. An encoder is asked for tokens that are hidden, and their bytes count alone.
    """
    pieces_of = _windows if learner.objective == "causal" else _chunks
    rows = [row for number, text in enumerate(texts) for row in pieces_of(learner, number, text)]
    found = np.zeros((len(texts), 2))
    learner.model.eval()
    lengths = [len(row.ids) for row in rows]
    for part, numbers in enumerate(within_tokens(range(len(rows)), lengths, TOKENS)):
        chance = torch.Generator().manual_seed(SEED + part)
        with torch.inference_mode():
            losses, labels = learner.losses([rows[number].ids for number in numbers], chance)
        nats, said = losses.cpu().double().numpy(), (labels != IGNORED).cpu().numpy()
        for place, number in enumerate(numbers):
            row = rows[number]
            own = said[place, : len(row.counts)] & row.counts
            found[row.text] += nats[place, : len(own)][own].sum(), row.bytes[own].sum()
    if learner.objective == "causal":
        found[:, 1] = [len(text.encode()) for text in texts]
    return found


def _windows(learner: Learner, number: int, text: str) -> Iterator[Row]:
    """A text in windows that overlap by half; in each but the first the new half counts."""
    bare = learner.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    ids = frame(bare, learner.tokenizer)[: len(bare) + 1]
    done, start = 0, 0
    while done < len(ids) - 1:
        part = ids[start : start + learner.window]
        counts = np.arange(len(part)) >= done - start
        yield Row(number, part, counts, np.zeros(len(part)))
        done = start + len(part) - 1
        start = done + 1 - learner.window // 2


def _chunks(learner: Learner, number: int, text: str) -> Iterator[Row]:
    """A text in pieces that follow each other."""
    given = learner.tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    ids = given["input_ids"]
    sizes = _bytes(text, given["offset_mapping"])
    most = room("masked", learner.window, learner.tokenizer)
    before, after = map(len, around(learner.tokenizer))
    for start in range(0, len(ids), most):
        part = ids[start : start + most]
        own = [*[0] * before, *sizes[start : start + most], *[0] * after]
        yield Row(number, part, np.ones(len(own), dtype=bool), np.array(own))


def _bytes(text: str, places: Sequence[tuple[int, int]]) -> list[float]:
    """UTF-8 bytes of each token, from where it begins and ends in the text.

    A character that several tokens share is divided between them, so that it counts once.
    """
    sharing = np.zeros(len(text))
    for start, end in places:
        sharing[start:end] += 1
    sizes = np.array([len(character.encode()) for character in text])
    each = sizes / np.maximum(sharing, 1)
    return [float(each[start:end].sum()) for start, end in places]

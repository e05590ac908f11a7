"""Which training rows a text resembles: by a backbone's vectors, else by the words they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunewell.errors import UserError
from tunewell.ready import learn_task, read_rows
from tunewell.serve.web.asked import read_asked, resolved
from tunewell.serve.web.loaded import BUSY, model, stamp
from tunewell.serve.web.shelf import Kept
from tunewell.tell import text

NEAREST = 5
MOST_READ = 2_000
"""Training rows that a backbone reads for this; where there are more, words are compared."""
_CHARACTERS = 300


@dataclass(frozen=True)
class Like:
    """A training row that resembles a text."""

    row: int
    text: str
    answer: str
    alike: float
    """0 to 1: the cosine of two vectors, or of weighted counts of words."""


def alike(kept: Kept, asked: str) -> tuple[Like, ...] | None:
    """The training rows nearest to a text; None where the rows cannot be read any more."""
    try:
        rows, shares_with = _known(kept.folder, stamp(kept))
    except UserError:
        return None
    shares = shares_with(asked)
    nearest = sorted(range(len(rows)), key=lambda place: -shares[place])[:NEAREST]
    return tuple(Like(*rows[place], alike=shares[place]) for place in nearest if shares[place] > 0)


@lru_cache(maxsize=4)
def _known(
    folder: Path, when: int
) -> tuple[list[tuple[int, str, str]], Callable[[str], Sequence[float]]]:
    """The training rows to be shown, and what says how alike each is to a text."""
    kept = Kept(folder)
    options = resolved(read_asked(kept)).options
    data = read_rows(options)
    task, _ = learn_task(options, data)
    texts = [" ".join(task.texts(example.input)) for example in data.train]
    shown = [text.visible(text.shorten(whole, _CHARACTERS)) for whole in texts]
    rows = [
        (example.row, words, text.visible(task.shown(example.target)))
        for example, words in zip(data.train, shown, strict=True)
    ]
    predictor = model(kept)
    if hasattr(predictor, "embed") and len(texts) <= MOST_READ:
        return rows, _by_meaning(predictor, texts)
    return rows, _by_words(texts)


def _by_meaning(predictor: Any, texts: Sequence[str]) -> Callable[[str], Sequence[float]]:
    with BUSY:
        vectors, _ = predictor.embed(texts)  # (rows, hidden), of length 1

    def shares(asked: str) -> list[float]:
        with BUSY:
            vector, _ = predictor.embed([asked])
        return (vectors @ vector[0]).tolist()

    return shares


def _by_words(texts: Sequence[str]) -> Callable[[str], Sequence[float]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    counted = words.fit_transform(texts)
    return lambda asked: (counted @ words.transform([asked]).T).toarray().ravel().tolist()

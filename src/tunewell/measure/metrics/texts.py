"""How near a text that was written is to the right one, by words in common.

Exact match and F1 by the rules of SQuAD (arXiv 1606.05250); ROUGE: Lin, "ROUGE: A Package for
Automatic Evaluation of Summaries" (2004), with the words of Google's `rouge-score`.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.errors import NotApplicable
from tunewell.measure.metrics.extracts import comparable
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

Likeness = Callable[[str, str], float]
"""Of a right text and one that was written, 0 to 1."""

LATIN = re.compile(r"[a-z0-9]+")
"""Words as `rouge-score` has them."""
SHORT = 5
"""Words up to which answers are short: they are right word for word, or wrong."""
WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Alike:
    """The mean over rows of how like the right text an answer is; no answer is not at all."""

    name: str
    words: str
    likeness: Likeness = field(compare=False)
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """How alike, and a one to count the row: (rows, 2)."""
        import numpy as np

        alike = [
            0.0 if answer.value is None else self.likeness(target, answer.value)
            for target, answer in zip(targets, answers, strict=True)
        ]
        return np.stack([np.array(alike, dtype=float), np.ones(len(alike))], axis=1)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _share(sums)


def exact(right: str, said: str) -> float:
    """1 where two texts are the same but for case, punctuation and English articles.

    >>> exact("the Rhine", "Rhine."), exact("yes", "no")
    (1.0, 0.0)
    """
    return float(_normal(right) == _normal(said))


def word_f1(right: str, said: str) -> float:
    """F1 of the words of two texts, compared in the same way.

    >>> word_f1("the Rhine", "The Rhine valley")
    0.6666666666666666
    """
    return _f1(Counter(_normal(right).split()), Counter(_normal(said).split()))


def rouge_1(right: str, said: str) -> float:
    """F1 of single words.

    >>> rouge_1("the cat sat", "the cat")
    0.8
    """
    return _rouge(right, said, 1)


def rouge_2(right: str, said: str) -> float:
    """F1 of pairs of neighbouring words."""
    return _rouge(right, said, 2)


def rouge_l(right: str, said: str) -> float:
    """F1 of the longest sequence of words that both have, not necessarily without gaps.

    >>> rouge_l("a b c d", "a x c d")
    0.75
    """
    one, other = _words(right, said)
    if not one or not other:
        return 0.0
    return 2 * _longest_common(one, other) / (len(one) + len(other))


@dataclass(frozen=True)
class WordsRight:
    """Of the words that are asked for, the share that are right but for case, each in its place."""

    name: ClassVar[str] = "words_right"
    words: ClassVar[str] = "words right"
    scale: ClassVar[Scale] = Scale()

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Words that are right, and all that are asked for: (rows, 2)."""
        import numpy as np

        pairs = zip(targets, answers, strict=True)
        rows = [words_right(target, answer.value) for target, answer in pairs]
        return np.array(rows, dtype=float).reshape(-1, 2)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _share(sums)


def words_right(target: str, value: str | None) -> tuple[int, int]:
    """How many words are right, each in its place, and how many there are.

    >>> words_right("harbour seven", "Harbour eight"), words_right("harbour", None)
    ((1, 2), (0, 1))
    """
    wanted, said = target.casefold().split(), (value or "").casefold().split()
    return sum(map(str.__eq__, wanted, said)), len(wanted)


def deciding(targets: Sequence[str]) -> tuple[str, str]:
    """Which of F1 and ROUGE-L decides for such texts, and why.

    >>> deciding(["Paris", "in the Alps"])[0]
    'f1'
    """
    if targets and statistics.median(len(text.split()) for text in targets) <= SHORT:
        return "f1", f"half of the answers have at most {SHORT} words"
    return "rouge_l", "answers are sentences, and the order of words counts"


def right(metric: str, target: str, value: str | None) -> float:
    """How right a text is by the metric that decides, 0 to 1; no answer is not at all."""
    likeness = ALIKE[metric].likeness if metric in ALIKE else rouge_l
    return 0.0 if value is None else likeness(target, value)


def commonest(targets: Sequence[str]) -> Answer:
    """The text that stands there most often, with its share.

    Raises:
        NotApplicable: each stands there once.
    """
    text, times = Counter(targets).most_common(1)[0] if targets else ("", 0)
    if times < 2:
        raise NotApplicable("each row has a text of its own, and none is right for several")
    return Answer(text, times / len(targets))


def _share(sums: np.ndarray) -> np.ndarray:
    """(..., 2) -> (...): the first of the second, nought of nothing."""
    import numpy as np

    above, below = sums[..., 0], np.asarray(sums[..., 1])
    return np.divide(above, below, out=np.zeros(np.shape(below)), where=below > 0)


def _normal(text: str) -> str:
    """As SQuAD compares; a text of which that leaves nothing as it is."""
    return comparable(text) or " ".join(text.split())


def _rouge(right: str, said: str, order: int) -> float:
    """As `rouge-score`: texts with fewer words than that have nothing in common."""
    grams = [_grams(words, order) for words in _words(right, said)]
    return _f1(*grams) if all(grams) else 0.0


def _f1(one: Counter[Any], other: Counter[Any]) -> float:
    if not one or not other:
        return float(one == other)
    return 2 * (one & other).total() / (one.total() + other.total())


def _grams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[n : n + order]) for n in range(len(words) - order + 1))


def _words(right: str, said: str) -> tuple[list[str], list[str]]:
    """Words of both: of Latin letters and digits, or of any where the right text has none."""
    pattern = LATIN if LATIN.search(right.lower()) else WORDS
    return pattern.findall(right.lower()), pattern.findall(said.lower())


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, by whole rows of bits at once.

    Hyyrö, "Bit-parallel LCS-length computation revisited" (2004).
    """
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    full = (1 << len(one)) - 1
    row = full
    for word in other:
        both = row & places.get(word, 0)
        row = (row + both) | (row - both)
        row &= full
    return len(one) - row.bit_count()


ALIKE: dict[str, Alike] = {
    metric.name: metric
    for metric in (
        Alike("f1", "F1", word_f1),
        Alike("exact_match", "exact match", exact),
        Alike("rouge_1", "ROUGE-1", rouge_1),
        Alike("rouge_2", "ROUGE-2", rouge_2),
        Alike("rouge_l", "ROUGE-L", rouge_l),
    )
}
"""Metrics of texts by name."""

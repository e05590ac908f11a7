"""BLEU and chrF of a whole set of texts, from counts that add up over rows.

BLEU: Papineni et al. (ACL 2002); chrF: Popović (WMT 2015). The tokens and the settings are those
of `sacrebleu` (Post, arXiv 1804.08771), and so are the figures, but for a factor of 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

WORDS = 4
"""Words of the longest sequence that BLEU counts."""
LETTERS = 6
"""Letters of the longest sequence that chrF counts."""
RECALL = 2
"""How much chrF weighs what is missing against what is too much."""


@dataclass(frozen=True)
class Bleu:
    """Of the sequences of one to four words written, the share in the right texts."""

    name: ClassVar[str] = "bleu"
    words: ClassVar[str] = "BLEU"
    scale: ClassVar[Scale] = Scale()

    @property
    def meaning(self) -> str:
        """What it says, with the signature of sacrebleu."""
        from sacrebleu.metrics.bleu import BLEU

        return _signed(
            "Of the sequences of one to four words that were written, the share that stands in "
            "the right texts, less where they are too short",
            BLEU(),
        )

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Words written and words right, then of one to four words those in common and those
        written: (rows, 10)."""
        import numpy as np
        from sacrebleu.metrics.bleu import BLEU

        bleu = BLEU(effective_order=True)  # of the counts only: it keeps a warning away
        found = []
        for target, answer in zip(targets, answers, strict=True):
            row = bleu.sentence_score(answer.value or "", [target])
            found.append([row.sys_len, row.ref_len, *row.counts, *row.totals])
        return np.array(found, dtype=float).reshape(-1, 2 + 2 * WORDS)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 10) -> (...); no share is nought, but halved with each longer length (mteval)."""
        import numpy as np

        said, right = sums[..., 0], sums[..., 1]
        common, all_said = sums[..., 2 : 2 + WORDS], sums[..., 2 + WORDS :]
        halved = 0.5 ** np.cumsum(common == 0, axis=-1)
        shares = np.where(common > 0, common, halved) / np.maximum(all_said, 1)
        score = np.exp(np.log(shares).mean(axis=-1))
        short = np.exp(np.minimum(1 - right / np.maximum(said, 1), 0))
        return np.where(all_said.all(axis=-1) & common.any(axis=-1), short * score, 0.0)


@dataclass(frozen=True)
class Chrf:
    """How many sequences of one to six letters the texts have in common with the right ones."""

    name: ClassVar[str] = "chrf"
    words: ClassVar[str] = "chrF"
    scale: ClassVar[Scale] = Scale()

    @property
    def meaning(self) -> str:
        """What it says, with the signature of sacrebleu."""
        from sacrebleu.metrics.chrf import CHRF

        return _signed(
            "F2 of the sequences of one to six letters: how many of the right texts' were written, "
            "and, counting less, how many of those written are right",
            CHRF(),
        )

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """For each length those written, those right and those in common: (rows, 18)."""
        import numpy as np
        from sacrebleu.metrics.helpers import extract_all_char_ngrams

        found = []
        for target, answer in zip(targets, answers, strict=True):
            counts = (
                extract_all_char_ngrams(text, LETTERS) for text in (answer.value or "", target)
            )
            for said, right in zip(*counts, strict=True):
                found.append([said.total() if right else 0, right.total(), (said & right).total()])
        return np.array(found, dtype=float).reshape(-1, 3 * LETTERS)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 18) -> (...); lengths that no text has do not count."""
        import numpy as np

        said, right, common = np.moveaxis(sums.reshape(*sums.shape[:-1], LETTERS, 3), -1, 0)
        there = (said > 0) & (right > 0)
        lengths = np.maximum(there.sum(axis=-1), 1)
        precision = np.where(there, common / np.maximum(said, 1), 0).sum(axis=-1) / lengths
        recall = np.where(there, common / np.maximum(right, 1), 0).sum(axis=-1) / lengths
        below = RECALL**2 * precision + recall
        above = (1 + RECALL**2) * precision * recall
        nought = np.zeros(np.shape(below))
        score: np.ndarray = np.divide(above, below, out=nought, where=below > 0)
        return score


def _signed(sentence: str, metric: Any) -> str:
    metric.corpus_score([""], [[""]])  # only then it knows of how many right texts a row has
    return f"{sentence} ({metric.get_signature()})."

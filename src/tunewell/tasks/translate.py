"""A text in; the same in another language out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.inputs import filled, one_line
from tunewell.values import Answer, Column, Example
from tunewell.written import Written

LANGUAGES = (
    *("english", "en", "german", "de", "deutsch", "french", "fr", "français", "spanish", "es"),
    *("español", "italian", "it", "portuguese", "pt", "dutch", "nl", "polish", "pl", "czech", "cs"),
    *("russian", "ru", "ukrainian", "uk", "romanian", "ro", "turkish", "tr", "arabic", "ar"),
    *("hindi", "hi", "chinese", "zh", "japanese", "ja", "korean", "ko", "swedish", "sv"),
)
"""What columns of a language are called; of two the one that stands first here is the source."""


@dataclass(frozen=True)
class Translate(Written):
    """The same text in another language.

    Row in: `{"source": "A dog runs.", "target": "Ein Hund rennt."}`

    Answer out: `Answer(value="Ein Hund rennt.")`

    Metrics: `chrf`, the sequences of letters in common with the right translation, decides: it
    agrees better with people than `bleu` does (Kocmi et al., arXiv 2107.10821), needs no words to
    be divided, and tells few and short sentences apart, where BLEU, which is beside it, is soon
    nought. Both are those of sacrebleu, over all rows at once; BLEU says little where words have
    no spaces between them, as in Chinese.

    Columns that are called by their languages are found: `en` and `de` are read as English into
    German, which is told; `--columns source=de,target=en` turns it round. The languages are learnt
    from the rows, in the direction that they have.
    """

    name: ClassVar[str] = "translate"
    summary: ClassVar[str] = "a text in; the same in another language out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "source",
            "What is to be translated.",
            "sources",
            headers=("source", "src", "source text", "original", "from", *LANGUAGES),
        ),
        Column(
            "target",
            "Its translation.",
            "translations",
            headers=("target", "tgt", "translation", "target text", "translated", "to", *LANGUAGES),
            target=True,
        ),
    )
    metric: str = "chrf"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """ChrF and BLEU; bits a byte and perplexity."""
        from tunewell.measure.metrics.surprise import EXPECTED
        from tunewell.measure.metrics.translations import Bleu, Chrf

        return {"chrf": Chrf(), "bleu": Bleu(), **EXPECTED}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """ChrF."""
        return "chrf", "it agrees better with people than BLEU, also on few and short sentences"

    def input(self, row: dict[str, Any], where: str) -> str:
        """The text to be translated."""
        return filled(row, "source", where)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `source` and `target` -> an example."""
        source = self.input(row, where)
        return Example(source, filled(row, "target", where).strip(), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model is asked: a translation of the text."""
        return ({"role": "user", "content": f"Translate this text:\n\n{input}"},)

    def asked(self, input: Any) -> str:
        """A text and where its translation begins."""
        return f"Text: {one_line(input)}\nTranslation:"

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text to be translated."""
        return (input,)

    def right(self, target: Any, value: Any) -> float:
        """The row's own chrF, since BLEU of one sentence says little."""
        chrf = self.metrics["chrf"]
        return float(chrf.value(chrf.statistics([target], [Answer(value)])[0]))

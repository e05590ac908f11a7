"""A text in; the same in another language out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.errors import EmptyCell
from tunewell.values import Answer, Column, Example, Kind, to_json

LANGUAGES = (
    *("english", "en", "german", "de", "deutsch", "french", "fr", "français", "spanish", "es"),
    *("español", "italian", "it", "portuguese", "pt", "dutch", "nl", "polish", "pl", "czech", "cs"),
    *("russian", "ru", "ukrainian", "uk", "romanian", "ro", "turkish", "tr", "arabic", "ar"),
    *("hindi", "hi", "chinese", "zh", "japanese", "ja", "korean", "ko", "swedish", "sv"),
)
"""What columns of a language are called; of two the one that stands first here is the source."""


@dataclass(frozen=True)
class Translate:
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
    head: ClassVar[str] = "writing"
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
    answers: ClassVar[Kind] = "text"

    metric: str = "chrf"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """ChrF and BLEU."""
        from tunewell.measure.metrics.translations import Bleu, Chrf

        return {"chrf": Chrf(), "bleu": Bleu()}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """ChrF."""
        return "chrf", "it agrees better with people than BLEU, also on few and short sentences"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Translate:
        """With the metric that decides; there is nothing else to learn."""
        return cls(metric or cls.choose_metric(train)[0])

    def input(self, row: dict[str, Any], where: str) -> str:
        """The text to be translated."""
        return _filled(row, "source", where)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `source` and `target` -> an example."""
        source = self.input(row, where)
        return Example(source, _filled(row, "target", where).strip(), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model is asked: a translation of the text."""
        return ({"role": "user", "content": f"Translate this text:\n\n{input}"},)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text to be translated."""
        return (input,)

    def shown(self, value: Any) -> str:
        """The text."""
        return "(no answer)" if value is None else value or "(nothing)"

    def ideal(self, target: Any) -> Any:
        """The text."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """The row's own chrF, since BLEU of one sentence says little."""
        chrf = self.metrics["chrf"]
        return float(chrf.value(chrf.statistics([target], [Answer(value)])[0]))

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A text and where its translation begins, after solved examples."""
        solved = [f"{_asked(shot.input)} {_line(shot.target)}" for shot in shots]
        return "\n\n".join([*solved, _asked(input)])

    def parse(self, text: str) -> Answer:
        """The text itself."""
        return Answer(text.strip())

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric, 0 to 1; an answer without a value is an empty one."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The translation that stands there most often."""
        from tunewell.measure.metrics import texts

        return texts.commonest([example.target for example in train])

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Translate:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})


def _filled(row: dict[str, Any], column: str, where: str) -> str:
    cell = row.get(column)
    if not isinstance(cell, str) or not cell.strip():
        raise EmptyCell(f"{where}: the {column} is empty.", "Each row needs one.", column=column)
    return cell


def _asked(input: Any) -> str:
    return f"Text: {_line(input)}\nTranslation:"


def _line(text: str) -> str:
    return " ".join(text.split())

"""One text, or two, in; a number out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell
from tunewell.inputs import lines_of, number_in, text_or_texts, texts_of
from tunewell.values import Answer, Column, Example, Kind, to_json


@dataclass(frozen=True)
class Score:
    """Which number fits a text, or a pair of texts: a rating, a price, how alike two texts are.

    Row in: `{"sentence1": "A man plays a flute.", "sentence2": "Someone makes music.",
    "score": 3.2}`

    Answer out: `Answer(value=3.4)`

    Metrics: `spearman` decides, the correlation of ranks, since it asks for no particular scale;
    beside it `pearson` and `mean_absolute_error`, in the numbers' own unit.

    Two texts that are judged together stand in two columns: `--input sentence1,sentence2`.
    """

    name: ClassVar[str] = "score"
    head: ClassVar[str] = "sequence"
    summary: ClassVar[str] = "one text or two in, a number out: ratings, prices, likeness"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "input",
            "The text, or the texts that belong together.",
            "texts",
            headers=(
                ("sentence1", "sentence2"),
                ("sentence 1", "sentence 2"),
                ("sentence a", "sentence b"),
                ("text1", "text2"),
                ("text a", "text b"),
                ("question1", "question2"),
                ("premise", "hypothesis"),
            ),
            looks="texts",
            several=True,
        ),
        Column(
            "target",
            "The number.",
            "numbers",
            headers=(
                *("score", "rating", "stars", "value", "similarity", "grade", "points", "number"),
                *("target", "label", "price", "bewertung", "punkte", "note", "wert", "puntuación"),
                *("valoración", "nota", "valor", "évaluation", "valeur", "prix", "voto", "prezzo"),
            ),
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "number"

    mean: float = 0.0
    deviation: float = 1.0
    """Mean and standard deviation of the training rows' numbers: training is on their scale."""
    middle: float = 0.0
    """The median of the training rows' numbers: what a row without an answer counts as."""
    metric: str = "spearman"
    """The deciding metric."""
    width: int = 0
    """How many texts the training rows have each; 0: not known."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Correlation of ranks, linear correlation, and mean absolute error."""
        from tunewell.measure.metrics.numbers import MeanAbsoluteError, Pearson, Spearman

        return {
            "spearman": Spearman(self.middle),
            "pearson": Pearson(self.middle),
            "mean_absolute_error": MeanAbsoluteError(self.middle),
        }

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Spearman's correlation, whatever the numbers."""
        return "spearman", "it asks whether texts are ranked right, whatever the scale"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Score:
        """Mean, deviation and median of the training rows.

        Raises:
            DataError: all numbers are equal, so that there is nothing to learn.
        """
        numbers = [example.target for example in train]
        if len(set(numbers)) < 2:
            raise DataError(
                f"No two of the {len(numbers)} training rows have different numbers.",
                "Numbers that differ are expected, as there is nothing to learn otherwise.",
            )
        return cls(
            mean=statistics.fmean(numbers),
            deviation=statistics.pstdev(numbers),
            middle=statistics.median(numbers),
            metric=metric or cls.choose_metric(train)[0],
            width=max(len(texts_of(example.input)) for example in train),
        )

    def input(self, row: dict[str, Any], where: str) -> str | tuple[str, ...]:
        """The text; a tuple of texts where several columns or a list hold them."""
        return text_or_texts(row.get("input"), where, self.width)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `input` and `target` -> an example."""
        text, cell = self.input(row, where), row.get("target")
        if cell is None or not str(cell).strip():
            found = f"{where}: the number is empty."
            raise EmptyCell(found, "Each row needs a number.", column="target")
        number = number_in(str(cell))
        if number is None:
            raise DataError(
                f"{where}: {str(cell).strip()[:40]!r} is no number.",
                "A number such as 3, 4.5 or -0.25 is expected, without unit or thousands mark.",
                "For answers in words use --task classify.",
                column="target",
            )
        return Example(text, number, source=where)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text, or both of a pair."""
        return texts_of(input)

    def shown(self, value: Any) -> str:
        """The number, in four digits."""
        return kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The number itself."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """1 for the number itself, 0 from one standard deviation of the training rows on."""
        if value is None:
            return 0.0
        return max(0.0, 1.0 - abs(value - target) / self.deviation)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the number begins, after solved examples."""
        solved = [f"{self._asked(shot.input)} {shot.target!r}" for shot in shots]
        return "\n\n".join(["Which number fits the text?", *solved, self._asked(input)])

    def _asked(self, input: Any) -> str:
        return lines_of(input, "Number:")

    def parse(self, text: str) -> Answer:
        """The number with which a model's text begins."""
        words = text.strip().split()
        return Answer(number_in(words[0].rstrip(".,;")) if words else None)

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric; an answer without a value counts as the middle of the training rows."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The median, which has the least absolute error of all constants."""
        return Answer(float(statistics.median(example.target for example in train)))

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Score:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})

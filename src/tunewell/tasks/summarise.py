"""A long text in; what it says, in few words, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.errors import EmptyCell
from tunewell.values import Answer, Column, Example, Kind, to_json

METRICS = ("rouge_l", "rouge_1", "rouge_2", "f1")


@dataclass(frozen=True)
class Summarise:
    """What a text says, in few words.

    Row in: `{"document": "The council met for four hours. In the end the pool stays open.",
    "summary": "The pool stays open."}`

    Answer out: `Answer(value="The pool stays open.")`

    Metrics: `rouge_l`, the longest sequence of words in common with the right summary, decides:
    unlike `rouge_1` and `rouge_2` beside it, it counts what is said in the right order, wherever
    it stands. `f1` counts words as `answer` does.

    A model reads as much as it has room for; how many texts were cut is told. Where a row has
    several summaries, one column is named.
    """

    name: ClassVar[str] = "summarise"
    head: ClassVar[str] = "writing"
    summary: ClassVar[str] = "a long text in; what it says, in few words, out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "document",
            "What is to be told in few words.",
            "documents",
            headers=(
                "document",
                "article",
                "dialogue",
                "original text",
                "transcript",
                "text",
                "source",
                "body",
                "content",
                "dokument",
                "artikel",
                "artículo",
            ),
        ),
        Column(
            "summary",
            "What it says, in few words.",
            "summaries",
            headers=(
                "summary",
                "reference summary",
                "highlights",
                "abstract",
                "tldr",
                "tl;dr",
                "summary1",
                "target",
                "zusammenfassung",
                "resumen",
                "résumé",
            ),
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "text"

    metric: str = "rouge_l"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """ROUGE-L, -1 and -2, and F1."""
        from tunewell.measure.metrics.texts import ALIKE

        return {name: ALIKE[name] for name in METRICS}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """ROUGE-L."""
        return "rouge_l", "it counts what is said in the right order"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Summarise:
        """With the metric that decides; there is nothing else to learn."""
        return cls(metric or cls.choose_metric(train)[0])

    def input(self, row: dict[str, Any], where: str) -> str:
        """The document."""
        return _filled(row, "document", where)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `document` and `summary` -> an example."""
        document = self.input(row, where)
        return Example(document, _filled(row, "summary", where).strip(), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model is asked: a summary of the document."""
        return ({"role": "user", "content": f"Summarise this text:\n\n{input}"},)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The document."""
        return (input,)

    def shown(self, value: Any) -> str:
        """The text."""
        return "(no answer)" if value is None else value or "(nothing)"

    def ideal(self, target: Any) -> Any:
        """The text."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """By the deciding metric."""
        from tunewell.measure.metrics import texts

        return texts.right(self.metric, target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A document and where its summary begins, after solved examples."""
        solved = [f"{_asked(shot.input)} {_line(shot.target)}" for shot in shots]
        return "\n\n".join([*solved, _asked(input)])

    def parse(self, text: str) -> Answer:
        """The text itself."""
        return Answer(text.strip())

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric, 0 to 1; an answer without a value is wrong."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The summary that stands there most often."""
        from tunewell.measure.metrics import texts

        return texts.commonest([example.target for example in train])

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Summarise:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})


def _filled(row: dict[str, Any], column: str, where: str) -> str:
    cell = row.get(column)
    if not isinstance(cell, str) or not cell.strip():
        raise EmptyCell(f"{where}: the {column} is empty.", "Each row needs one.", column=column)
    return cell


def _asked(input: Any) -> str:
    return f"Text: {_line(input)}\nSummary:"


def _line(text: str) -> str:
    return " ".join(text.split())

"""A long text in; what it says, in few words, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.inputs import filled, one_line
from tunewell.values import Column, Example
from tunewell.written import Written

METRICS = ("rouge_l", "rouge_1", "rouge_2", "f1")


@dataclass(frozen=True)
class Summarise(Written):
    """What a text says, in few words.

    Row in: `{"document": "The council met for four hours. In the end the pool stays open.",
    "summary": "The pool stays open."}`

    Answer out: `Answer(value="The pool stays open.")`

    Metrics: `rouge_l`, the longest sequence of words in common with the right summary, decides:
    unlike `rouge_1` and `rouge_2` beside it, it counts what is said in the right order, wherever
    it stands. `f1` counts words as `answer` does.
    `bits_per_byte` and `perplexity` say how little the right summaries were expected.

    A model reads as much as it has room for; how many texts were cut is told. Where a row has
    several summaries, one column is named.
    """

    name: ClassVar[str] = "summarise"
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

    @property
    def metrics(self) -> dict[str, Metric]:
        """ROUGE-L, -1 and -2, and F1; bits a byte and perplexity."""
        from tunewell.measure.metrics.surprise import EXPECTED
        from tunewell.measure.metrics.texts import ALIKE

        return {name: ALIKE[name] for name in METRICS} | EXPECTED

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """ROUGE-L."""
        return "rouge_l", "it counts what is said in the right order"

    def input(self, row: dict[str, Any], where: str) -> str:
        """The document."""
        return filled(row, "document", where)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `document` and `summary` -> an example."""
        document = self.input(row, where)
        return Example(document, filled(row, "summary", where).strip(), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model is asked: a summary of the document."""
        return ({"role": "user", "content": f"Summarise this text:\n\n{input}"},)

    def asked(self, input: Any) -> str:
        """A document and where its summary begins."""
        return f"Text: {one_line(input)}\nSummary:"

    def texts(self, input: Any) -> tuple[str, ...]:
        """The document."""
        return (input,)

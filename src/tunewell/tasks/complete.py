"""A text in; what it goes on with out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.inputs import filled, one_line
from tunewell.values import Column, Example
from tunewell.written import Written

WORD = re.compile(r"\s*\S+")


@dataclass(frozen=True)
class Complete(Written):
    """What a text goes on with, as it is learnt from plain texts.

    Row in: `{"text": "So many books, so little time."}`

    Answer out: `Answer(value="so little time.")` to the beginning `So many books,`

    Metrics: `bits_per_byte` decides: how many bits the model needs for a byte of texts that it
    has not seen, which does not depend on its tokens. `perplexity` a token, beside it, compares
    models with the same tokens only.

    All of a text is learnt, from its first word to the token that ends it, by decoders alone: an
    encoder-decoder does not learn what it reads. Of each row the first half of the words is what
    is given and the other half what is to follow; both count. Where a column `rest` stands beside
    `text`, it follows as it is. A `.txt` is read as a text and not as a table: a paragraph is a
    row, or a line where there are no empty lines.
    """

    name: ClassVar[str] = "complete"
    summary: ClassVar[str] = "the beginning of a text in; what it goes on with out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "text",
            "A text to learn, or the beginning of one that is to be gone on with.",
            "texts",
            headers=(
                *("text", "quote", "content", "document", "paragraph", "sentence", "story"),
                *("body", "prompt", "beginning", "texto", "texte"),
            ),
            looks="texts",
        ),
        Column(
            "rest",
            "What the text goes on with, where it stands apart.",
            "continuations",
            headers=("rest", "continuation", "completion", "ending"),
            needed=False,
            target=True,
        ),
    )
    learns_input: ClassVar[bool] = True
    reads_plain_text: ClassVar[bool] = True

    metric: str = "bits_per_byte"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Bits a byte, and perplexity a token."""
        from tunewell.measure.metrics.surprise import EXPECTED

        return dict(EXPECTED)

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Bits a byte."""
        return "bits_per_byte", "it counts all of a text, whatever the tokens are"

    def input(self, row: dict[str, Any], where: str) -> str:
        """The text, without the spaces around it."""
        return filled(row, "text", where).strip()

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cell `text`, and maybe `rest` -> an example whose parts are the text."""
        text, rest = self.input(row, where), row.get("rest")
        if isinstance(rest, str) and rest.strip():
            apart = "" if rest[0].isspace() else " "
            return Example(text, apart + rest.rstrip(), source=where)
        words = WORD.findall(text)
        beginning = "".join(words[: len(words) // 2])
        return Example(beginning, text[len(beginning) :], source=where)

    def conversation(self, input: Any) -> str:
        """The text that is gone on with."""
        return input

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text that is gone on with."""
        return (input,)

    def shown(self, value: Any) -> str:
        """The text."""
        return "(no answer)" if value is None else value.strip() or "(nothing)"

    def right(self, target: Any, value: Any) -> float:
        """The longest sequence of words in common, as ROUGE-L has it."""
        from tunewell.measure.metrics import texts

        return texts.right("rouge_l", target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A text that ends where it is to be gone on with, after whole ones."""
        solved = [f"{self.asked(shot.input)} {one_line(shot.target)}".strip() for shot in shots]
        return "\n\n".join([*solved, self.asked(input)])

    def asked(self, input: Any) -> str:
        """The text, on one line."""
        return one_line(input)

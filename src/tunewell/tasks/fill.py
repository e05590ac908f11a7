"""A text with words left out in; the words out."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell
from tunewell.inputs import filled, one_line
from tunewell.values import Answer, Column, Example
from tunewell.written import Written

BLANK = "___"
"""What stands where a word is left out."""
GAP = re.compile(r"_{2,}|\[MASK\]|<mask>")
"""What people write for it."""
WORD = re.compile(r"(?<!\S)[^\W\d_]+(?!\w)")
"""Words that may be left out: letters alone, behind a space or at the start."""
SHARE = 0.15
"""Of the words, as BERT was pretrained (arXiv 1810.04805)."""


@dataclass(frozen=True)
class Fill(Written):
    """The words that are left out of a text.

    Row in: `{"text": "The ferry leaves the ___ at seven.", "words": "harbour"}`

    Answer out: `Answer(value="harbour")`

    Metrics: `words_right`, the share of the words that are the right ones but for case, decides.
    Beside it `perplexity`: among how many equally likely tokens the model chooses for each token
    that is left out.

    A blank is written as `___` (`[MASK]` and `<mask>` too), and several words stand in their order
    with spaces between. Plain texts need no blanks: of each row about one word in seven is left
    out, the same ones every time. Encoders that fill in words from their pre-training can do it;
    a word of several tokens is learnt but never found, as a blank is asked for as one token. A
    `.txt` is read as a text and not as a table.
    """

    name: ClassVar[str] = "fill"
    head: ClassVar[str] = "masked"
    summary: ClassVar[str] = "a text with words left out in; the words out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "text",
            "A text, with blanks or without.",
            "texts",
            headers=(
                *("text", "sentence", "quote", "content", "document", "paragraph", "body"),
                *("texto", "texte"),
            ),
            looks="texts",
        ),
        Column(
            "words",
            "The words for the blanks, in their order.",
            "words",
            headers=("words", "word", "masked", "missing"),
            needed=False,
            target=True,
        ),
    )
    reads_plain_text: ClassVar[bool] = True

    metric: str = "words_right"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """The share of words that are right, and perplexity."""
        from tunewell.measure.metrics.surprise import EXPECTED
        from tunewell.measure.metrics.texts import WordsRight

        return {"words_right": WordsRight(), "perplexity": EXPECTED["perplexity"]}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """The share of words that are right."""
        return "words_right", "each word that is left out counts the same"

    def input(self, row: dict[str, Any], where: str) -> str:
        """The text with its blanks, some of ours where it has none."""
        return self._blanked(row, where)[0]

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cell `text`, and `words` where it has blanks -> an example."""
        text, taken = self._blanked(row, where)
        given = row.get("words")
        words = taken or (given.split() if isinstance(given, str) else [])
        blanks = len(self.around(text)) - 1
        if not words:
            found = f"{where}: there are blanks in the text, and no words for them."
            raise EmptyCell(found, "A word for each blank is expected.", column="words")
        if len(words) != blanks:
            raise DataError(
                f"{where}: {blanks} blanks and {len(words)} words.",
                "One word for each blank is expected, with spaces between.",
                "Correct the row or leave it out.",
                column="words",
            )
        return Example(text, " ".join(words), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model that writes is asked: the words alone."""
        asked = "Which words are left out of this text? Write the words alone, in their order."
        return ({"role": "user", "content": f"{asked}\n\n{input}"},)

    def around(self, input: Any) -> tuple[str, ...]:
        """The parts of a text that stand around its blanks."""
        return tuple(input.split(BLANK))

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text with its blanks."""
        return (input,)

    def right(self, target: Any, value: Any) -> float:
        """The share of the words that are right."""
        from tunewell.measure.metrics.texts import words_right

        right, words = words_right(target, value)
        return right / words

    def asked(self, input: Any) -> str:
        """A text and where its words begin."""
        return f"Text: {one_line(input)}\nWords:"

    def parse(self, text: str) -> Answer:
        """The words of the first line."""
        return Answer(" ".join(text.strip().partition("\n")[0].split()))

    def guess(self, train: Sequence[Example]) -> Answer:
        """The word that is left out most often."""
        from tunewell.measure.metrics import texts

        return texts.commonest([word for each in train for word in each.target.split()])

    def _blanked(self, row: dict[str, Any], where: str) -> tuple[str, list[str]]:
        """The text with its blanks, and the words that we have left out."""
        text = filled(row, "text", where).strip()
        if GAP.search(text):
            return GAP.sub(BLANK, text), []
        found = list(WORD.finditer(text))
        if not found:
            told = f"{where}: there is no word in the text that could be left out."
            raise EmptyCell(told, "Each row needs one.", column="text")
        count = max(1, round(SHARE * len(found)))
        chosen = sorted(random.Random(text).sample(range(len(found)), count))
        parts, end = [], 0
        for match in (found[number] for number in chosen):
            parts += [text[end : match.start()], BLANK]
            end = match.end()
        return "".join([*parts, text[end:]]), [found[number][0] for number in chosen]

"""A question and its choices in; one of the choices out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell, NotApplicable
from tunewell.values import Answer, Column, Example, Kind, to_json

MOST = 26
"""Choices that a question may have: one a letter."""
_SIZES = range(MOST, 1, -1)
_NUMBERED = [
    tuple(f"{word}{n + first}" for n in range(size))
    for word, first in (("choice", 1), ("choice ", 1), ("option ", 1), ("option", 1), ("ending", 0))
    for size in _SIZES
]
_LETTERED = [
    tuple(f"{word}{letter}" for letter in ascii_lowercase[:size])
    for word in ("choice ", "option ", "")
    for size in _SIZES
]


@dataclass(frozen=True)
class Choose:
    """Which of the choices that a row brings along is right.

    Row in: `{"question": "Where do you borrow books?", "choices": ["bank", "library", "mall"],
    "answer": "B"}`

    Answer out: `Answer(value="library", confidence=0.84, scores={"library": 0.84, ...})`

    Metrics: `accuracy`, the share of rows with the right choice.

    A row has 2 to 26 choices, not all rows as many: a list, or a column a choice (`--columns
    choices=A,B,C,D`), where empty cells are no choices. The answer is the choice itself, its
    letter or column, or its number; whether numbers begin at 0 or 1 is seen from all rows. The
    form of ARC and CommonsenseQA is read as it is. A passage may stand beside the question.
    """

    name: ClassVar[str] = "choose"
    head: ClassVar[str] = "choice"
    summary: ClassVar[str] = "a question and its choices in, one of them out: multiple choice"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "question",
            "The question, or the beginning that the choices go on with.",
            "questions",
            headers=("question", "query", "stem", "prompt", "frage", "pregunta"),
        ),
        Column(
            "choices",
            "The choices: a list, or a column a choice.",
            "choices",
            headers=("choices", "options", "endings", *_NUMBERED, *_LETTERED),
            several=True,
            nested=True,
        ),
        Column(
            "passage",
            "What the question is about.",
            "passages",
            headers=("passage", "context", "paragraph", "article"),
            needed=False,
        ),
        Column(
            "answer",
            "The right choice: its text, its letter or its number.",
            "answers",
            headers=("answer", "answerkey", "answer key", "correct", "label", "target", "antwort"),
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "choice"

    first: int = 0
    """The number of the first choice, where answers are numbers: 0 or 1."""
    metric: str = "accuracy"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Accuracy."""
        from tunewell.measure.metrics import Accuracy

        return {"accuracy": Accuracy()}

    def look(self, rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        """Whether answers that are numbers begin at 0 or at 1, and a sentence on it."""
        numbers, last = set(), False
        for row in rows:
            named, said = _named(row.get("choices")), str(row.get("answer", "")).strip()
            if said.isdecimal() and said not in [key for pair in named for key in pair]:
                numbers.add(int(said))
                last = last or int(said) == len(named)
        first = int(0 not in numbers and last)
        told = f"Answers are numbers of choices, of which the first is {first}." if numbers else ""
        return {"first": first}, told

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Accuracy, whatever the rows."""
        return "accuracy", "each row has one right choice"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, first: int = 0, **found: Any
    ) -> Choose:
        """Nothing is learnt from rows but how their answers are counted."""
        return cls(first, metric or cls.choose_metric(train)[0])

    def input(self, row: dict[str, Any], where: str) -> dict[str, Any]:
        """The question and its choices, each once; and the passage where there is one."""
        question, passage = row.get("question"), row.get("passage")
        if not isinstance(question, str) or not question.strip():
            found = f"{where}: the question is empty."
            raise EmptyCell(found, "Each row needs a question.", column="question")
        choices = tuple(dict.fromkeys(text for _, text in _named(row.get("choices"))))
        if not 2 <= len(choices) <= MOST:
            count = f"{len(choices)} different choice{'' if len(choices) == 1 else 's'}"
            raise DataError(
                f"{where}: there are {count}." if choices else f"{where}: there are no choices.",
                f"2 to {MOST} are expected: a list, or a column each.",
                "For a list write --columns choices=NAME, for columns --columns choices=A,B,C.",
                column="choices",
            )
        given = {"question": question, "choices": choices}
        beside = isinstance(passage, str) and passage.strip()
        return {**given, "passage": passage} if beside else given

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `question`, `choices` and `answer` -> an example."""
        given, said = self.input(row, where), row.get("answer")
        if not isinstance(said, str) or not said.strip():
            found = f"{where}: the answer is empty."
            raise EmptyCell(found, "Each row needs an answer.", column="answer")
        target = self._meant(_named(row.get("choices")), " ".join(said.split()))
        if target is None:
            raise DataError(
                f"{where}: the answer {said.strip()[:40]!r} is none of the choices.",
                "The text of a choice, its letter or its number is expected.",
                column="answer",
            )
        return Example(given, target, source=where, group=given.get("passage"))

    def _meant(self, named: Sequence[tuple[str, str]], said: str) -> str | None:
        """The choice with this text, else this letter or column, else this number."""
        texts = [text for _, text in named]
        if said in texts:
            return said
        by_name = {name.casefold(): text for name, text in named}
        if said.casefold() in by_name:
            return by_name[said.casefold()]
        letter = said.strip("().").upper()
        place = int(said) - self.first if said.isdecimal() else -1
        if len(letter) == 1 and letter in ascii_uppercase:
            place = ascii_uppercase.index(letter)
        return texts[place] if 0 <= place < len(texts) else None

    def texts(self, input: Any) -> tuple[str, ...]:
        """The passage where there is one, the question, and the choices."""
        passage = (input["passage"],) if "passage" in input else ()
        return (*passage, input["question"], *input["choices"])

    def shown(self, value: Any) -> str:
        """The choice."""
        return kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The choice itself."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """Whether it is the right choice."""
        return kinds.right(target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the choice begins, after solved examples."""
        solved = [f"{_asked(shot.input)} {shot.target}" for shot in shots]
        return "\n\n".join(["Write out the right choice.", *solved, _asked(input)])

    def parse(self, text: str) -> Answer:
        """The first line of a model's text, as the text of a choice."""
        lines = text.strip().splitlines()
        return Answer(" ".join(lines[0].split()) if lines else None)

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Accuracy, 0 to 1; an answer without a value is wrong."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """Raises NotApplicable: each row has choices of its own."""
        raise NotApplicable("each row has choices of its own, so none can be guessed for all")

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Choose:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})


def _named(cell: Any) -> list[tuple[str, str]]:
    """Each choice with its own name, "" where it has none; empty ones are left out.

    >>> _named({"A": "bank", "B": "library", "C": ""})
    [('A', 'bank'), ('B', 'library')]
    >>> _named([{"label": "1", "text": "bank"}]), _named({"label": ["1"], "text": ["bank"]})
    ([('1', 'bank')], [('1', 'bank')])
    >>> _named(["bank", "library"])
    [('', 'bank'), ('', 'library')]
    """
    if isinstance(cell, dict) and isinstance(cell.get("text"), (list, tuple)):
        texts = cell["text"]
        names = cell.get("label") or [""] * len(texts)
        pairs = list(zip(names, texts, strict=False))
    elif isinstance(cell, dict):
        pairs = list(cell.items())
    elif isinstance(cell, (list, tuple)):
        pairs = [
            (each.get("label", ""), each.get("text")) if isinstance(each, dict) else ("", each)
            for each in cell
        ]
    else:
        pairs = []
    return [
        (str(n), " ".join(str(t).split())) for n, t in pairs if t is not None and str(t).strip()
    ]


def _asked(input: Any) -> str:
    lines = [f"Passage: {' '.join(input['passage'].split())}"] if "passage" in input else []
    lines.append(f"Question: {' '.join(input['question'].split())}")
    lines += [f"- {choice}" for choice in input["choices"]]
    return "\n".join([*lines, "Right choice:"])

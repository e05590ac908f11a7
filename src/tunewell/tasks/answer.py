"""A question and a passage in; the piece of the passage that answers it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell, NotApplicable
from tunewell.inputs import one_line
from tunewell.values import Answer, Column, Example, Kind, Span, to_json

NOTHING = Span(0, 0)
"""The answer that there is none, as the span head gives it."""


@dataclass(frozen=True)
class Extract:
    """Which piece of a passage answers a question, or that none does.

    Row in: `{"question": "Where does the Rhine end?", "context": "The Rhine flows through six
    countries and ends in the North Sea.", "answers": {"text": ["in the North Sea"],
    "answer_start": ["48"]}}`

    Answer out: `Answer(value=Span(start=51, end=64, label="", text="the North Sea"),
    confidence=0.71)`

    Metrics: `f1` decides, the words in common with the nearest right answer: where a piece
    begins and ends is a matter of taste, and it tells two methods apart with fewer rows than
    `exact_match`, which stands beside it. Both follow the rules of SQuAD 2.0.

    SQuAD's own JSON is read as it is. An answer without its place is looked for in the passage.
    A question without an answer has an empty list; in a table its answer is `(nothing)`.
    Questions on one passage stay on one side of the split.
    """

    name: ClassVar[str] = "answer"
    head: ClassVar[str] = "span"
    summary: ClassVar[str] = "a question and a passage in, the piece that answers it out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("question", "The question.", "questions", headers=("question", "query", "frage")),
        Column(
            "passage",
            "The passage in which the answer stands.",
            "passages",
            headers=("context", "passage", "paragraph", "article", "document", "text", "kontext"),
        ),
        Column(
            "answer",
            "The answer word for word as in the passage, or several that are right.",
            "answers",
            headers=("answers", "answer", "answer text", "target", "antwort", "respuesta"),
            nested=True,
            target=True,
        ),
        Column(
            "start",
            "Where the answer begins in the passage, in characters from 0.",
            "places",
            headers=("answer start", "start"),
            needed=False,
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "span"
    windows: ClassVar[bool] = True

    unanswerable: bool = False
    """Whether questions without an answer occur."""
    threshold: float = 0.0
    """By how much the log-probability of no answer must exceed that of the best text."""
    metric: str = "f1"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """F1 and exact match."""
        from tunewell.measure.metrics.extracts import ExactMatch, WordF1

        return {"f1": WordF1(), "exact_match": ExactMatch()}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """F1, whatever the rows."""
        return "f1", "an answer with a word more or less is nearly right"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Extract:
        """Whether there are questions without an answer.

        Raises:
            DataError: none has one, so that there is nothing to learn.
        """
        if train and not any(example.target for example in train):
            raise DataError(
                f"None of the {len(train)} training questions has an answer.",
                "Answers that stand in their passages are expected.",
            )
        unanswerable = any(not example.target for example in train)
        return cls(unanswerable, metric=metric or cls.choose_metric(train)[0])

    def tuned(self, targets: Sequence[Any], answers: Sequence[Answer]) -> Extract:
        """With the threshold that gives these answers the highest deciding metric.

        Among equals the one nearest to 0; as it is where answers do not say how likely none is.
        """
        if not self.unanswerable or any(not said.scores for said in answers):
            return self
        from tunewell.measure.metrics import extracts

        judge = extracts.overlap if self.metric == "f1" else extracts.exact
        return replace(self, threshold=extracts.best_threshold(judge, targets, answers))

    def input(self, row: dict[str, Any], where: str) -> dict[str, str]:
        """Question and passage, as they are."""
        texts = {name: row.get(name) for name in ("question", "passage")}
        for name, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                found = f"{where}: the {name} is empty."
                raise EmptyCell(found, f"Each row needs a {name}.", column=name)
        return {name: str(text) for name, text in texts.items()}

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `question`, `passage` and `answer` -> an example.

        Its target is a tuple of spans, all of them right; () where the passage does not answer.
        """
        given = self.input(row, where)
        passage, asked = given["passage"], _given(row.get("answer"), row.get("start"))
        if asked is None:
            found = f"{where}: the answer is empty."
            raise EmptyCell(found, f"Write {kinds.shown(NOTHING)} where none is.", column="answer")
        spans = [_found(passage, text, start) for text, start in asked]
        target = tuple(dict.fromkeys(span for span in spans if span is not None))
        if asked and not target:
            raise DataError(
                f"{where}: the answer {asked[0][0][:40]!r} does not stand in its passage.",
                "An answer is expected word for word as the passage has it.",
                "Copy it from the passage, or leave the row out.",
                column="answer",
            )
        return Example(given, target, source=where, group=passage)

    def texts(self, input: Any) -> tuple[str, ...]:
        """Question and passage."""
        return (input["question"], input["passage"])

    def shown(self, value: Any) -> str:
        """The text; of several right ones each that is different."""
        if isinstance(value, tuple):
            return " / ".join(dict.fromkeys(map(kinds.shown, value or (NOTHING,))))
        return kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The first of the right spans; an empty one where there is none."""
        return target[0] if target else NOTHING

    def right(self, target: Any, value: Any) -> float:
        """F1 of its words."""
        from tunewell.measure.metrics.extracts import overlap

        return overlap(target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the answer begins, after solved examples."""
        told = "Answer with words of the passage."
        if self.unanswerable:
            told += f" Where it does not answer, write {kinds.shown(NOTHING)}."
        solved = [
            f"{_asked(shot.input)} {one_line(kinds.shown(self.ideal(shot.target)))}"
            for shot in shots
        ]
        return "\n\n".join([told, *solved, _asked(input)])

    def parse(self, text: str) -> Answer:
        """The first line of a model's text; its place in the passage is not known here."""
        lines = text.strip().splitlines()
        if not lines:
            return Answer(None)
        if lines[0] == kinds.shown(NOTHING):
            return Answer(NOTHING)
        return Answer(Span(0, 0, "", lines[0]))

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """F1 and exact match, 0 to 1; an answer without a value is wrong."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """That there is no answer.

        Raises:
            NotApplicable: every question has one.
        """
        share = sum(not example.target for example in train) / max(1, len(train))
        if not share:
            raise NotApplicable("no piece is right for all passages, and each question has one")
        return Answer(NOTHING, share)

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Extract:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})


def _given(cell: Any, start: Any) -> list[tuple[str, str]] | None:
    """Texts that are right and where each begins ("" if that is not said); None: not told.

    >>> _given({"text": ["a", "b"], "answer_start": ["3", "9"]}, None)
    [('a', '3'), ('b', '9')]
    >>> _given([], None), _given("(nothing)", None), _given("", None)
    ([], [], None)
    """
    if isinstance(cell, dict):
        texts, starts = cell.get("text"), cell.get("answer_start", cell.get("start"))
        texts = texts if isinstance(texts, (list, tuple)) else [texts]
        starts = starts if isinstance(starts, (list, tuple)) else [starts] * len(texts)
        starts = [*starts, *[""] * (len(texts) - len(starts))]
        pairs = [(str(t), str(s or "")) for t, s in zip(texts, starts, strict=False) if t]
        return pairs if pairs or not texts else None
    if isinstance(cell, (list, tuple)):
        return [pair for each in cell for pair in _given(each, "") or []]
    if not isinstance(cell, str) or not cell.strip():
        return None
    return [] if cell.strip() == kinds.shown(NOTHING) else [(cell, str(start or ""))]


def _found(passage: str, text: str, start: str) -> Span | None:
    """Where a text stands: as it is said, else the place nearest to that, else None."""
    text = text.strip()
    wanted = int(start) if start.strip().isdecimal() else 0
    places, place = [], passage.find(text) if text else -1
    while place >= 0:
        places.append(place)
        place = passage.find(text, place + 1)
    if not places:
        return None
    nearest = min(places, key=lambda each: abs(each - wanted))
    return Span(nearest, nearest + len(text), "", text)


def _asked(input: Any) -> str:
    return (
        f"Passage: {one_line(input['passage'])}\nQuestion: {one_line(input['question'])}\nAnswer:"
    )

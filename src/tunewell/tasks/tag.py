"""A text, or its words, in; named pieces of it out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell, NotApplicable
from tunewell.imbalance import Imbalance, weights_of
from tunewell.values import Answer, Column, Example, Kind, Span, to_json

MARKS = "BIELSU"
"""Begin, inside, end, last, single, unit: the letters before a type in IOB, IOBES and BILOU."""
FORMS = "Tags such as B-PER I-PER O, one a word, or spans such as [0, 4, 'PER'] were expected."
Places = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Tag:
    """Which pieces of a text are what: names of people and places, parts of speech.

    Row in: `{"tokens": ["Rosa", "lives", "in", "Lima"], "tags": ["B-PER", "O", "O", "B-LOC"]}`

    Answer out: `Answer(value=(Span(0, 4, "PER", "Rosa"), Span(14, 18, "LOC", "Lima")))`

    Metrics: `span_f1` decides: a piece is right if its beginning, end and type all are;
    beside it `precision`, `recall` and `macro_f1`, in which every type counts the same.

    Rows are files in CoNLL columns; words and tags, as lists or with spaces between; or a text
    with spans, `{"text": "Rosa lives in Lima", "spans": [{"start": 0, "end": 4, "label":
    "PER"}]}`. Tags may be IOB1, IOB2, IOBES or BILOU; a tag without such a mark is a piece of one
    word. Words in a list are put together with spaces, and places are counted in that text.
    """

    name: ClassVar[str] = "tag"
    head: ClassVar[str] = "token"
    summary: ClassVar[str] = "a text in, named pieces of it out: names, places, parts of speech"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "input",
            "The text, or the list of its words.",
            "texts",
            headers=("tokens", "words", "text", "sentence", "input", "texto", "texte", "testo"),
            nested=True,
        ),
        Column(
            "target",
            "A tag for each word, or spans with start, end and label.",
            "tags",
            headers=("tags", "ner tags", "spans", "entities", "labels", "ner", "pos tags", "pos"),
            nested=True,
            target=True,
        ),
        Column(
            "document",
            "Which document the row is from: rows of one stay together.",
            "documents",
            headers=("document", "document id", "doc id"),
            needed=False,
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "spans"
    Options: ClassVar[type] = Imbalance
    windows: ClassVar[bool] = True

    labels: tuple[str, ...] = ()
    """All types that a piece may be of, sorted."""
    metric: str = "span_f1"
    """The deciding metric."""
    options: Imbalance = Imbalance()
    """What it is asked to do."""
    weights: dict[str, float] = field(default_factory=dict)
    """What a word of a type counts for in training, where they do not count the same."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Micro F1 of exact pieces, precision and recall, and the mean F1 of the types."""
        from tunewell.measure.metrics.spans import MacroSpanF1, SpanF1, SpanPrecision, SpanRecall

        return {
            "span_f1": SpanF1(),
            "precision": SpanPrecision(),
            "recall": SpanRecall(),
            "macro_f1": MacroSpanF1(labels=self.labels),
        }

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Micro F1 of exact pieces, the field's own."""
        return "span_f1", "it asks for each piece's beginning, end and type, as is usual"

    @classmethod
    def from_examples(
        cls,
        train: Sequence[Example],
        metric: str | None = None,
        options: Imbalance | None = None,
        **found: Any,
    ) -> Tag:
        """The types that occur in training rows, sorted.

        Raises:
            DataError: no row has a piece, so that there is nothing to learn.
        """
        labels = sorted({span.label for example in train for span in example.target})
        if not labels:
            raise DataError(
                f"None of {len(train)} training rows has a span: every tag is O.",
                "Rows with something to find are expected.",
            )
        asked = options or Imbalance()
        weights = weights_of([example.target for example in train], asked)
        return cls(tuple(labels), metric or cls.choose_metric(train)[0], asked, weights)

    def input(self, row: dict[str, Any], where: str) -> str | dict[str, Any]:
        """The text; where its words are given, `{"text": ..., "words": ((start, end), ...)}`."""
        cell = row.get("input")
        empty = EmptyCell(f"{where}: the text is empty.", "Each row needs a text.", column="input")
        if isinstance(cell, str) and cell.strip():
            return cell
        if not isinstance(cell, (list, tuple)) or not cell:
            raise empty
        tokens = list(cell)
        if not all(isinstance(token, str) and token.strip() for token in tokens):
            raise DataError(
                f"{where}: a word is empty, or no text.",
                'A list of words was expected: ["Rosa", "lives", "here"].',
                column="input",
            )
        return {"text": " ".join(tokens), "words": _joined(tokens)}

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `input` and `target` -> an example."""
        given, cell = self.input(row, where), row.get("target")
        text, tags = self.texts(given)[0], _listed(cell, where)
        if all(isinstance(tag, str) for tag in tags) and (tags or not isinstance(given, str)):
            words = _parted(text) if isinstance(given, str) else given["words"]
            spans = _of_tags(text, words, tags, where)
        else:
            spans = tuple(_of_place(text, item, where) for item in tags)
        target = tuple(sorted(set(spans), key=lambda span: (span.start, -span.end, span.label)))
        return Example(given, target, source=where, group=row.get("document") or None)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text."""
        return (input if isinstance(input, str) else input["text"],)

    def shown(self, value: Any) -> str:
        """The pieces, each with its type."""
        return kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The pieces themselves."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """The share of pieces in common."""
        return kinds.right(target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """No question in words.

        Raises:
            NotApplicable: always.
        """
        raise NotApplicable("cannot be asked in words: models do not count characters reliably")

    def parse(self, text: str) -> Answer:
        """No answer: see `prompt`."""
        return Answer(None)

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric; an answer without a value found nothing."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """That there is nothing, as no place is likely before the text is seen."""
        return Answer(())

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Tag:
        """The task that `to_json` wrote."""
        options, weights = Imbalance(**value.get("options", {})), value.get("weights", {})
        return cls(tuple(value["labels"]), value["metric"], options, weights)


def _joined(tokens: Sequence[str]) -> Places:
    """Where words lie once they are put together with spaces."""
    places, start = [], 0
    for token in tokens:
        places.append((start, start + len(token)))
        start += len(token) + 1
    return tuple(places)


def _parted(text: str) -> Places:
    """Where the pieces between spaces lie.

    >>> _parted(" Rosa  lives")
    ((1, 5), (7, 12))
    """
    places, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        places.append((start, start + len(word)))
        start += len(word)
    return tuple(places)


def _listed(cell: Any, where: str) -> list[Any]:
    """The tags or spans in a cell: a list, a list as a JSON text, or tags with spaces between."""
    if isinstance(cell, str) and cell.strip().startswith("["):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError as error:
            found = f"{where}: {cell.strip()[:40]!r} is no valid JSON: {error.msg}."
            raise DataError(found, FORMS, column="target") from error
    elif isinstance(cell, str):
        cell = cell.split() or None
    if cell is None:
        found = f"{where}: the tags are empty."
        raise EmptyCell(found, "Each row needs tags, or [] for none.", column="target")
    if not isinstance(cell, (list, tuple)):
        raise DataError(f"{where}: the tags are no list.", FORMS, column="target")
    return list(cell)


def _of_tags(text: str, words: Places, tags: Sequence[str], where: str) -> tuple[Span, ...]:
    """Spans of words whose tags belong together; what is I- after another type begins anew."""
    if len(tags) != len(words):
        found = f"{where}: {len(words)} words and {len(tags)} tags."
        raise DataError(found, "Each word has one tag.", column="target")
    spans: list[Span] = []
    before = ""  # the type that may go on
    for tag, (start, end) in zip(tags, words, strict=True):
        if tag.strip().isdigit():
            found = f"{where}: the tag {tag} is a number."
            raise DataError(found, FORMS, "Write the names of the tags.", column="target")
        mark, dash, label = tag.partition("-")
        if not dash or mark not in MARKS or len(mark) != 1 or not label:
            mark, label = "S", tag
        if tag in ("O", "_", ""):
            before = ""
            continue
        if mark in "IEL" and before == label:
            start = spans.pop().start
        spans.append(Span(start, end, label, text[start:end]))
        before = label if mark in "BI" else ""
    return tuple(spans)


def _of_place(text: str, item: Any, where: str) -> Span:
    """The span that an object with start, end and label says, or a list of the three."""
    wrong = f"{where}: {json.dumps(item, ensure_ascii=False)[:60]} is no span of the text."
    expected = f"0 <= start < end <= {len(text)}, and a label; end is the place after the last."
    if isinstance(item, dict):
        label = next((item[key] for key in ("label", "type", "entity", "tag") if key in item), None)
        start = item.get("start", item.get("start_offset"))
        item = (start, item.get("end", item.get("end_offset")), label)
    try:
        start, end, label = item
        start, end = int(start), int(end)
    except (TypeError, ValueError) as error:
        raise DataError(wrong, FORMS, column="target") from error
    if not 0 <= start < end <= len(text) or not isinstance(label, str) or not label.strip():
        raise DataError(wrong, expected, column="target")
    return Span(start, end, label, text[start:end])

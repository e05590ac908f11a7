"""Which answers were right and wrong: the confusion matrix and the rows most surely wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tunewell.tell import text

MOST_CLASSES = 30
"""A matrix with more is not legible; the pairs that are mixed up most are listed instead."""
_WRONG_ROWS = 20
_CHARACTERS = 400
_PAIRS = 10


@dataclass(frozen=True)
class Wrong:
    """One row that got a wrong answer."""

    place: str
    input: str
    target: str
    answer: str
    confidence: float | None


@dataclass(frozen=True)
class Line:
    """One class in the confusion matrix."""

    label: str
    counts: tuple[int, ...]
    """How many of its rows got each answer, in the order of `Mistakes.answers`."""
    total: int
    recall: float | None


@dataclass(frozen=True)
class Mistakes:
    """What one method got right and wrong on the test rows."""

    rows: int
    right: int
    labels: tuple[str, ...]
    answers: tuple[str, ...]
    """The labels, and `(no answer)` where that was given."""
    lines: tuple[Line, ...]
    """One a label that has test rows; empty where there are too many classes, or none."""
    precisions: tuple[float | None, ...]
    pairs: tuple[tuple[str, str, int, int], ...]
    """Target, wrong answer, how often, of how many rows; most frequent first."""
    worst: tuple[Wrong, ...]


def mistakes(
    answers: Iterable[dict[str, Any]], labels: Iterable[Any], names: dict[str, str]
) -> Mistakes:
    """Counts the lines of an `answers.jsonl`.

    Args:
        answers: `{"row", "source", "input", "target", "answer", "confidence"}`, one a test row.
        labels: the labels of the task in their order; empty where the task has none.
        names: what labels are called, for those that have a name.
    """
    known = [text.as_text(label) for label in labels]
    tally: Counter[tuple[str, str]] = Counter()
    wrong: list[Wrong] = []
    for item in answers:
        target, answer = text.as_text(item["target"]), text.as_text(item["answer"])
        tally[target, answer] += 1
        if item["target"] != item["answer"]:
            wrong.append(_wrong(item, target, answer, names))
    wrong.sort(key=lambda row: -1.0 if row.confidence is None else row.confidence, reverse=True)
    totals = Counter({target: 0 for target, _ in tally})
    for (target, _), number in tally.items():
        totals[target] += number
    columns = known + sorted({label for pair in tally for label in pair} - set(known))
    show = known and len(columns) <= MOST_CLASSES
    return Mistakes(
        rows=sum(tally.values()),
        right=sum(tally.values()) - len(wrong),
        labels=tuple(_named(label, names) for label in known),
        answers=tuple(_named(label, names) for label in columns) if show else (),
        lines=_lines(columns, tally, totals, names) if show else (),
        precisions=tuple(_precision(label, tally) for label in columns) if show else (),
        pairs=_pairs(tally, totals, names) if known else (),
        worst=tuple(wrong[:_WRONG_ROWS]),
    )


def _wrong(item: dict[str, Any], target: str, answer: str, names: dict[str, str]) -> Wrong:
    source, row = item.get("source"), item.get("row")
    place = ", ".join(part for part in (source, f"row {row}" if row else "") if part)
    shown = text.shorten(text.as_text(item["input"]), _CHARACTERS)
    confidence = item.get("confidence")
    return Wrong(place, shown, _named(target, names), _named(answer, names), confidence)


def _named(label: str, names: dict[str, str]) -> str:
    name = names.get(label)
    return f"{name} ({label})" if name and name != label else label


def _lines(
    columns: list[str], tally: Counter, totals: Counter, names: dict[str, str]
) -> tuple[Line, ...]:
    return tuple(
        Line(
            label=_named(label, names),
            counts=tuple(tally[label, answer] for answer in columns),
            total=totals[label],
            recall=tally[label, label] / totals[label] if totals[label] else None,
        )
        for label in columns
        if label in totals
    )


def _precision(label: str, tally: Counter) -> float | None:
    given = sum(number for (_, answer), number in tally.items() if answer == label)
    return tally[label, label] / given if given else None


def _pairs(
    tally: Counter, totals: Counter, names: dict[str, str]
) -> tuple[tuple[str, str, int, int], ...]:
    mixed = sorted(
        ((target, answer) for target, answer in tally if target != answer),
        key=lambda pair: (-tally[pair], pair),
    )
    return tuple(
        (_named(target, names), _named(answer, names), tally[target, answer], totals[target])
        for target, answer in mixed[:_PAIRS]
    )

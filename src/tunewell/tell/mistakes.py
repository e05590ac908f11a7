"""Which answers were right and wrong: the confusion matrix and the rows most surely wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell import kinds
from tunewell.contracts import Task
from tunewell.tell import text
from tunewell.values import frozen

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

    kind: str
    """What the answers are; only of labels there is a matrix."""
    rows: int
    right: int | None
    """None where answers are nearer or farther, and not right or wrong."""
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
    answers: Iterable[dict[str, Any]],
    labels: Iterable[Any],
    names: dict[str, str],
    task: Task | None = None,
) -> Mistakes:
    """Counts the lines of an `answers.jsonl`.

    Args:
        answers: `{"row", "source", "input", "target", "answer", "confidence"}`, one a test row.
        labels: the labels of the task in their order; empty where the task has none.
        names: what labels are called, for those that have a name.
        task: says how its inputs and answers are shown; None where it is not known.
    """
    if task is not None and task.answers != "label":
        return _of_others(answers, task)
    known = [text.as_text(label) for label in labels]
    tally: Counter[tuple[str, str]] = Counter()
    wrong: list[Wrong] = []
    for item in answers:
        target, answer = text.as_text(item["target"]), text.as_text(item["answer"])
        tally[target, answer] += 1
        if item["target"] != item["answer"]:
            wrong.append(_wrong(item, named(target, names), named(answer, names), task))
    wrong.sort(key=lambda row: -1.0 if row.confidence is None else row.confidence, reverse=True)
    totals = Counter({target: 0 for target, _ in tally})
    for (target, _), number in tally.items():
        totals[target] += number
    columns = known + sorted({label for pair in tally for label in pair} - set(known))
    show = known and len(columns) <= MOST_CLASSES
    return Mistakes(
        kind="label",
        rows=sum(tally.values()),
        right=sum(tally.values()) - len(wrong),
        labels=tuple(named(label, names) for label in known),
        answers=tuple(named(label, names) for label in columns) if show else (),
        lines=_lines(columns, tally, totals, names) if show else (),
        precisions=tuple(_precision(label, tally) for label in columns) if show else (),
        pairs=_pairs(tally, totals, names) if known else (),
        worst=tuple(wrong[:_WRONG_ROWS]),
    )


def _of_others(answers: Iterable[dict[str, Any]], task: Task) -> Mistakes:
    """The same where answers are no single labels: how many are right, and the worst rows."""
    rows, all_right, worst = 0, 0, []
    for item in answers:
        target, value = frozen(item["target"]), frozen(item["answer"])
        right = task.right(target, value)
        rows += 1
        all_right += right >= 1
        if right < 1:
            wrong = _wrong(item, task.shown(target), task.shown(value), task)
            worst.append((right, -1.0 if wrong.confidence is None else -wrong.confidence, wrong))
    worst.sort(key=lambda each: each[:2])
    counted = all_right if task.answers in kinds.EXACT else None
    shown = tuple(wrong for _, _, wrong in worst[:_WRONG_ROWS])
    return Mistakes(task.answers, rows, counted, (), (), (), (), (), shown)


def _wrong(item: dict[str, Any], target: str, answer: str, task: Task | None) -> Wrong:
    source, row = Path(item.get("source") or "").name, item.get("row")
    place = ", ".join(part for part in (source, f"row {row}" if row else "") if part)
    value = item["input"]
    if task is not None:
        # The last text is often a long passage: what stands before it says more of the row.
        texts = task.texts(frozen(value))
        whole = "\n".join(text.shorten(each, _CHARACTERS // len(texts)) for each in texts)
    else:
        whole = text.shorten(text.as_text(value), _CHARACTERS)
    return Wrong(place, whole, target, answer, item.get("confidence"))


def named(label: str, names: dict[str, str]) -> str:
    """A label, with its name before it where it has one."""
    name = names.get(label)
    return f"{name} ({label})" if name and name != label else label


def _lines(
    columns: list[str], tally: Counter, totals: Counter, names: dict[str, str]
) -> tuple[Line, ...]:
    return tuple(
        Line(
            label=named(label, names),
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
        (named(target, names), named(answer, names), tally[target, answer], totals[target])
        for target, answer in mixed[:_PAIRS]
    )

"""The recommended model of a run, asked about one input or about the rows of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewell.contracts import Predictor, Task
from tunewell.errors import DataError
from tunewell.read import find, read_inputs, read_rows
from tunewell.read.asked import asked_columns
from tunewell.serve.web.likeness import Like, alike
from tunewell.serve.web.loaded import BUSY, model
from tunewell.serve.web.shelf import Kept
from tunewell.tell import text
from tunewell.values import Answer, Column, read_json, to_json

_AT_ONCE = 256
_EACH = "Write each on a line of its own."
_SHOWN = 6
_SURE = ((0.9, "very sure"), (0.7, "fairly sure"), (0.5, "not very sure"), (0.0, "unsure"))


@dataclass(frozen=True)
class Told:
    """An answer as the page shows it."""

    asked: str
    answer: str
    confidence: float | None
    sure: str
    """The confidence in words; empty where there is none."""
    scores: tuple[tuple[str, float], ...]
    """The likeliest answers, where they are known."""
    like: tuple[Like, ...] | None
    """Rows that it learnt from; None where they cannot be read."""


@dataclass(frozen=True)
class Question:
    """One field of the form for a text of one's own."""

    name: str
    label: str
    says: str
    needed: bool


def questions(kept: Kept) -> list[Question]:
    """What must be typed to ask the model: one field a column that the task reads."""
    task, named = model(kept).task, _named(kept)
    found: list[Question] = []
    asked = asked_columns(task)
    for column in asked:
        headers = named.get(column.name, ())
        for header in (
            headers if column.several or len(headers) > 1 else [column.name][: len(headers)]
        ):
            alone = len(headers) <= 1
            label = column.one if alone else header
            listed = alone and _one_a_line(column)
            says = f"{column.says} {_EACH}" if listed else column.says
            name = f"{column.name}:{header}"
            needed = column.needed and (alone or not column.nested)
            found.append(Question(name, text.capital(label), says, needed))
    if len(found) == 1 and not _one_a_line(asked[0]):
        return [replace(found[0], says="")]  # its label says it all
    return found


def answer(kept: Kept, typed: Mapping[str, str]) -> Told:
    """What the model says to one input.

    Args:
        typed: the fields of `questions`.

    Raises:
        DataError: the input is empty, or none that the task can read.
    """
    predictor, named = model(kept), _named(kept)
    row: dict[str, Any] = {}
    for column in asked_columns(predictor.task):
        cells = {
            name.partition(":")[2]: value.strip()
            for name, value in typed.items()
            if name.startswith(column.name + ":")
        }
        if cells:
            several = len(named.get(column.name, ())) > 1
            row[column.name] = cells if several else _cell(column, next(iter(cells.values())))
    asked = predictor.task.input(row, "What you typed")
    with BUSY:
        (told,) = predictor.predict([asked])
    whole = " ".join(predictor.task.texts(asked))
    return _told(predictor.task, whole, told, alike(kept, whole))


def _one_a_line(column: Column) -> bool:
    """Whether its cell is a list, which is typed on lines of their own."""
    return column.several and column.nested


def _cell(column: Column, typed: str) -> Any:
    """What was typed as the file would have it."""
    if not _one_a_line(column):
        return typed
    return [line.strip() for line in typed.splitlines() if line.strip()]


def answered_file(kept: Kept, path: Path) -> Iterator[bytes]:
    """The rows of a table with an answer each, as CSV, a piece at a time.

    Raises:
        DataError: before anything is given, where the file or its columns cannot be read.
    """
    predictor = model(kept)
    task = predictor.task
    usual = {name: ",".join(headers) for name, headers in _named(kept).items()}
    columns = find(path, asked_columns(task), {}, usual=usual)
    inputs, _ = read_inputs(path, columns, task)
    if not inputs:
        raise DataError(f"{path.name} has no rows.", "", "Choose a file with texts to answer.")
    headers: dict[str, None] = {}
    for _, cells in read_rows(path):
        headers |= dict.fromkeys(cells)
    return _pieces(predictor, path, list(headers), inputs)


def _pieces(
    predictor: Predictor, path: Path, headers: Sequence[str], inputs: Sequence[Any]
) -> Iterator[bytes]:
    ours = [
        name + ("" if name not in headers else " (Tunewell)") for name in ("answer", "confidence")
    ]
    yield b"\xef\xbb\xbf" + _csv([[*headers, *ours]])  # a spreadsheet knows UTF-8 by this mark
    rows = (cells for _, cells in read_rows(path))
    for start in range(0, len(inputs), _AT_ONCE):
        some = inputs[start : start + _AT_ONCE]
        with BUSY:
            told = iter(predictor.predict([each for each in some if each is not None]))
        lines = []
        for each in some:
            cells = next(rows)
            given = Answer(None) if each is None else next(told)
            value = _whole(predictor.task, given.value)
            sure = "" if given.confidence is None else f"{given.confidence:.4f}"
            lines.append([*(str(cells.get(name, "")) for name in headers), value, sure])
        yield _csv(lines)


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    """Lines of cells, none of which a spreadsheet would compute."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerows([text.inert(cell) for cell in line] for line in lines)
    return file.getvalue().encode("utf-8", "replace")


def _whole(task: Task, value: Any) -> str:
    """An answer as a cell: a number in full, which `shown` would round."""
    if value is None:
        return ""
    return text.as_text(to_json(value)) if task.answers == "number" else task.shown(value)


def _told(task: Task, asked: str, given: Answer, like: tuple[Like, ...] | None) -> Told:
    scores = sorted((given.scores or {}).items(), key=lambda item: -item[1])[:_SHOWN]
    sure = "" if given.confidence is None else _in_words(given.confidence)
    return Told(
        asked=text.visible(asked),
        answer=text.visible(task.shown(given.value)),
        confidence=given.confidence,
        sure=sure,
        scores=tuple((text.visible(task.shown(name)), share) for name, share in scores),
        like=like,
    )


def _in_words(confidence: float) -> str:
    return next(words for least, words in _SURE if confidence >= least)


def _named(kept: Kept) -> dict[str, tuple[str, ...]]:
    """What the task calls a column -> those of the run's file that filled it."""
    columns = read_json(kept.folder / "data.json")["columns"]
    named = columns.get("named") or {"input": [columns["input"]]}
    return {name: tuple(headers) for name, headers in named.items()}

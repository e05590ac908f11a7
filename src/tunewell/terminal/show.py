"""What a command says at its end, to people and to machines."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunewell.errors import TrainingDiverged, UserError
from tunewell.values import Answer, to_json

if TYPE_CHECKING:
    from rich.table import Table

    from tunewell.contracts import Task
    from tunewell.plan.choose import Planned
    from tunewell.run import Checked, Comparison

_TEXT_CHARACTERS = 200
_ORDER = ("error", "warning", "note")


def show_json(document: Any) -> None:
    """One JSON document on standard output."""
    print(json.dumps(to_json(document), ensure_ascii=False, indent=2, allow_nan=False))


def error_json(error: UserError | TrainingDiverged) -> dict[str, Any]:
    """What ended a command as a document: its kind and its three parts."""
    parts = {"found": str(error), "expected": "", "remedy": ""}
    if isinstance(error, UserError):
        parts = {"found": error.found, "expected": error.expected, "remedy": error.remedy}
    return {"error": {"kind": type(error).__name__, **parts}}


def show_table(table: Table) -> None:
    """A table on standard output, as wide as the terminal."""
    from rich.console import Console

    Console().print(table)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> Table:
    """A plain table; figures and the first column are never broken.

    Args:
        headings: one a column.
        rows: texts, one a column.
        right: headings of columns with figures.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(
            heading,
            no_wrap=heading == headings[0] or heading in right,
            justify="right" if heading in right else "left",
        )
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def show_comparison(comparison: Comparison) -> None:
    """The recommendation, the table, where the report is and what to type next."""
    from tunewell import registry
    from tunewell.read.asked import to_type
    from tunewell.tell.table import table as comparison_table

    data, folder = comparison.data, comparison.folder
    if comparison.interrupted:
        print("Stopped before the end; the same command goes on from here.")
    print(data["why"])
    show_table(comparison_table({**data, "why": ""}))
    print(f"Report: {folder / 'report.html'}")
    if data["recommended"] is not None:
        typed = to_type(registry.task(data["task"])())
        print(f"Next: tunewell predict {shlex.quote(str(folder))} {typed}")


def show_check(checked: Checked) -> None:
    """Problems first, then what the rows are; each is a sentence with its row numbers."""
    faults = sorted(checked.faults, key=lambda fault: _ORDER.index(fault.severity))
    problems = [fault for fault in faults if fault.severity != "note"]
    print(f"{len(problems)} to look at:" if problems else "Nothing is wrong with these rows.")
    for fault in faults:
        mark = {"error": "x", "warning": "!", "note": "-"}[fault.severity]
        print(f"{mark} {fault.sentence} {fault.remedy}".rstrip())
    sizes = checked.sizes
    print(
        f"- {sizes['train']} rows to train on, {sizes['validation']} to choose settings on, "
        f"{sizes['test']} to score on."
    )
    print(f"- {checked.metric} decides: {checked.metric_why}.")


def show_plan(rows: Sequence[Planned]) -> None:
    """What would run, for how long and in how much memory."""
    from tunewell.tell import units

    backbones = list(dict.fromkeys(row.backbone for row in rows if row.backbone))
    lines = [
        (
            f"{row.method} on {row.backbone}" if row.backbone and backbones[1:] else row.method,
            str(row.trials) if row.status == "run" else "skipped",
            units.NOTHING if row.seconds is None else units.seconds(row.seconds),
            units.NOTHING if row.estimate is None else units.megabytes(row.estimate.peak_bytes),
            row.reason,
        )
        for row in rows
    ]
    headings = ("method", "trials", "time", "memory", "note")
    show_table(table(headings, lines, right=("trials", "time", "memory")))
    if len(backbones) == 1:
        print(f"Backbone: {backbones[0]}.")
    print(f"All of it takes about {units.seconds(seconds_of(rows))}. Nothing was run.")


def plan_json(rows: Sequence[Planned]) -> dict[str, Any]:
    """The plan as a document."""
    return {"rows": to_json(rows), "seconds": seconds_of(rows)}


def seconds_of(rows: Sequence[Planned]) -> float:
    """What all rows that will run take together."""
    return sum(row.seconds for row in rows if row.status == "run" and row.seconds is not None)


def show_answers(task: Task, inputs: Sequence[Any], answers: Sequence[Answer]) -> None:
    """One answer by itself, several as a table."""
    from tunewell.tell import text, units

    confident = ["" if a.confidence is None else units.percent(a.confidence) for a in answers]
    values = [text.visible(_value(task, answer)) for answer in answers]
    if len(answers) == 1:
        print(f"{values[0]} ({confident[0]})" if confident[0] else values[0])
        return
    texts = [" | ".join(task.texts(each)) for each in inputs]
    shown = [text.shorten(text.one_line(text.visible(t)), _TEXT_CHARACTERS) for t in texts]
    rows = list(zip(values, confident, shown, strict=True))
    show_table(table(("answer", "confidence", "text"), rows, right=("confidence",)))


def _value(task: Task, answer: Answer) -> str:
    """The answer; of several labels each with its probability."""
    from tunewell.tell import units

    if not isinstance(answer.value, tuple) or not answer.value or answer.scores is None:
        return task.shown(answer.value)
    scores = answer.scores
    return ", ".join(f"{task.shown(each)} {units.percent(scores[each])}" for each in answer.value)


def answers_json(inputs: Sequence[Any], answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Each input with its answer, as documents; an input that is a text is called so."""
    return [
        {
            "text" if isinstance(each, str) else "input": each,
            "answer": a.value,
            "confidence": a.confidence,
            "scores": a.scores,
        }
        for each, a in zip(inputs, answers, strict=True)
    ]


def say(sentence: str) -> None:
    """A remark on standard error, out of the way of what a command gives."""
    print(sentence, file=sys.stderr)


def tell(error: Exception | str) -> None:
    """What went wrong, on standard error."""
    print(f"tunewell: {error}", file=sys.stderr)

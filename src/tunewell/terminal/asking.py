"""The commands that ask: a model about texts, a run about its results, us about what there is."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import tyro

from tunewell import registry
from tunewell.errors import ConfigError
from tunewell.options import together
from tunewell.tell.text import as_text, inert
from tunewell.terminal import listing, show
from tunewell.terminal.syntax import JSON, faults, parse
from tunewell.values import Answer, read_json, to_json

if TYPE_CHECKING:
    from tunewell.contracts import Predictor, Task

Asked = TypeVar("Asked")
_RUN = tyro.conf.arg(metavar="RUN", help_behavior_hint="")


@dataclass(frozen=True)
class Texts:
    """Ask the model of a run about texts."""

    run: Annotated[tyro.conf.Positional[str], _RUN] = ""
    """The run's folder, for its recommended model, or the folder of a model."""
    texts: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="TEXT", help_behavior_hint=""),
    ] = ()
    """Texts, each in quotes; a single - reads them from standard input, one a line. What has
    several parts is a JSON object: '{"question": "...", "passage": "..."}'."""
    file: Annotated[str | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """A table of texts instead; answers are written as CSV."""
    input: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The column of the texts. Not given: as in the run's own data, else found and told."""
    columns: Annotated[str | None, tyro.conf.arg(metavar="NAMES", help_behavior_hint="")] = None
    """Columns of the table by what the task calls them, as for `compare`."""
    out: Annotated[str | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Where to write the CSV; standard output unless given."""
    json: Annotated[bool, JSON] = False


@dataclass(frozen=True)
class Report:
    """Write a run's report.html again from its results, and print its table."""

    run: Annotated[tyro.conf.Positional[str], _RUN] = ""
    """The run's folder."""
    json: Annotated[bool, JSON] = False


@dataclass(frozen=True)
class Methods:
    """List the ways of adapting a model, cheapest first, or tell all about one."""

    name: Annotated[
        tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME", help_behavior_hint="")
    ] = ""
    """The method to tell all about, with its options."""
    json: Annotated[bool, JSON] = False


@dataclass(frozen=True)
class Tasks:
    """List the tasks, or tell all about one."""

    name: Annotated[
        tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME", help_behavior_hint="")
    ] = ""
    """The task to tell all about."""
    json: Annotated[bool, JSON] = False


def predict(argv: Sequence[str]) -> int:
    """Ask the model of a run about texts."""
    asked = _asked(Texts, "predict", argv)
    _refuse_nonsense(asked)
    from tunewell import run
    from tunewell.read import input_typed

    predictor = run.load(asked.run)
    if asked.file:
        inputs = _rows(asked, predictor.task)
    else:
        texts: Sequence[str] = asked.texts
        if asked.texts == ("-",):
            texts = [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
        places = [f"text {n}" for n in range(1, len(texts) + 1)]
        inputs = [
            input_typed(predictor.task, text, place)
            for text, place in zip(texts, places, strict=True)
        ]
    task = predictor.task
    answers = _answers(predictor, inputs)
    if asked.out:
        with Path(asked.out).open("w", encoding="utf-8", newline="") as file:
            _write_csv(file, task, inputs, answers)
        show.say(f"{len(answers)} answers are in {asked.out}.")
    if asked.json:
        show.show_json({"answers": show.answers_json(inputs, answers)})
    elif not asked.out and asked.file:
        _write_csv(sys.stdout, task, inputs, answers)
    elif not asked.out:
        show.show_answers(task, inputs, answers)
    return 0


def report(argv: Sequence[str]) -> int:
    """Write a run's report again from its results, and print its table."""
    asked = _asked(Report, "report", argv)
    if not asked.run:
        raise ConfigError("Which run?", "Name its folder: `tunewell report runs/reviews`.")
    from tunewell import run
    from tunewell.tell.table import table

    path = run.report(asked.run)
    if asked.json:
        show.show_json({"report": path})
    else:
        show.show_table(table(read_json(Path(asked.run) / "comparison.json")))
        print(f"Report: {path}")
    return 0


def methods(argv: Sequence[str]) -> int:
    """List the ways of adapting a model and when to choose which; NAME tells all about one."""
    asked = _asked(Methods, "methods", argv)
    if asked.json:
        found = listing.methods_json(asked.name)
        show.show_json(found[0] if asked.name else {"methods": found})
    elif asked.name:
        method = registry.method(asked.name)
        print(listing.page(method))
        show.show_table(listing.options_table(method, method.name))
    else:
        show.show_table(listing.methods_table())
    return 0


def tasks(argv: Sequence[str]) -> int:
    """List the tasks; NAME tells all about one."""
    asked = _asked(Tasks, "tasks", argv)
    if asked.json:
        found = listing.tasks_json(asked.name)
        show.show_json(found[0] if asked.name else {"tasks": found})
    elif asked.name:
        task = registry.task(asked.name)
        print(listing.page(task))
        show.show_table(listing.columns_table(task))
        if hasattr(task, "Options"):
            show.show_table(listing.options_table(task.Options, task.name))
    else:
        show.show_table(listing.tasks_table())
    return 0


def _asked(cls: type[Asked], command: str, argv: Sequence[str]) -> Asked:
    asked, left = parse(cls, command, argv)
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    mistakes = faults(left, command, names)
    if mistakes:
        raise together(mistakes)
    return asked


def _refuse_nonsense(asked: Texts) -> None:
    """What cannot be meant is told before a model is loaded."""
    if not asked.run:
        raise ConfigError("Which model?", 'Name its run: `tunewell predict runs/x "a text"`.')
    if bool(asked.texts) == bool(asked.file):
        raise ConfigError(
            "Texts in quotes or a --file are expected, not both." if asked.file else "Which texts?",
            'Either `tunewell predict runs/x "a text"` or `--file new.csv`.',
        )
    for option in ("input", "columns"):
        if getattr(asked, option) and not asked.file:
            names = "names a column" if option == "input" else "names columns"
            raise ConfigError(f"--{option} {names} of --file, but there is no --file.")
    if asked.out:
        out = Path(asked.out)
        if asked.file and out.resolve() == Path(asked.file).resolve():
            raise ConfigError(f"--out {out} is the file of the texts.", "Choose another name.")
        if not out.parent.is_dir():
            raise ConfigError(
                f"--out {out}: there is no folder {out.parent}.", "", "Make it first."
            )


def _rows(asked: Texts, task: Task) -> list[Any]:
    """The inputs of a table, None where a row has none.

    From the named columns, those of the run's own data, or those that are guessed and told.
    """
    from tunewell.read import Source, find, read_inputs
    from tunewell.read.asked import asked_columns
    from tunewell.read.named import columns_said

    file, record = Path(asked.file or ""), Path(asked.run) / "data.json"
    kept = read_json(record)["columns"] if record.exists() else {}
    own = {name: ",".join(headers) for name, headers in (kept.get("named") or {}).items()}
    own = own or ({"input": kept["input"]} if kept.get("input") else {})
    said = columns_said(Source("", input=asked.input, columns=asked.columns), task)
    columns = find(file, asked_columns(task), said, usual=own)
    inputs, faults = read_inputs(file, columns, task)
    if any(n not in said and ",".join(h) != own.get(n) for n, h in columns.named.items()):
        show.say(columns.why)
    for fault in faults:
        show.say(f"{fault.sentence} {fault.remedy}".rstrip())
    return inputs


def _answers(predictor: Predictor, inputs: Sequence[Any]) -> list[Answer]:
    """One answer an input; a row without an input gets none."""
    there = iter(predictor.predict([each for each in inputs if each is not None]))
    return [Answer(None) if each is None else next(there) for each in inputs]


def _write_csv(file: TextIO, task: Task, inputs: Sequence[Any], answers: Sequence[Answer]) -> None:
    """Texts, answers and confidences; no cell is one that a spreadsheet would compute."""
    rows = [("",) if each is None else task.texts(each) for each in inputs]
    width = max(map(len, rows), default=1)
    writer = csv.writer(file, lineterminator="\n")
    names = ["text"] if width == 1 else [f"text_{n}" for n in range(1, width + 1)]
    writer.writerow([*names, "answer", "confidence"])
    for texts, answer in zip(rows, answers, strict=True):
        value = "" if answer.value is None else as_text(to_json(answer.value))
        cells = [*texts, *[""] * (width - len(texts)), value]
        writer.writerow([*map(inert, cells), answer.confidence])

"""The commands that ask: a model about texts, a run about its results, us about what there is."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, TextIO, TypeVar

import tyro

from tunewell import registry
from tunewell.errors import ConfigError
from tunewell.options import together
from tunewell.tell.text import as_text
from tunewell.terminal import listing, show
from tunewell.terminal.syntax import JSON, faults, parse
from tunewell.values import Answer, read_json

Asked = TypeVar("Asked")
_RUN = tyro.conf.arg(metavar="RUN", help_behavior_hint="")
_ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with where a spreadsheet takes it for a formula."""


@dataclass(frozen=True)
class Texts:
    """Ask the model of a run about texts."""

    run: Annotated[tyro.conf.Positional[str], _RUN] = ""
    """The run's folder, for its recommended model, or the folder of a model."""
    texts: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(metavar="TEXT", help_behavior_hint=""),
    ] = ()
    """Texts, each in quotes; a single - reads them from standard input, one a line."""
    file: Annotated[str | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """A table of texts instead; answers are written as CSV."""
    input: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """The column of the texts. Not given: as in the run's own data, else found and told."""
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

    if asked.file:
        texts = _column(asked)
    elif asked.texts == ("-",):
        texts = [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
    else:
        texts = list(asked.texts)
    answers = run.load(asked.run).predict(texts)
    if asked.out:
        with Path(asked.out).open("w", encoding="utf-8", newline="") as file:
            _write_csv(file, texts, answers)
        show.say(f"{len(answers)} answers are in {asked.out}.")
    if asked.json:
        show.show_json({"answers": show.answers_json(texts, answers)})
    elif not asked.out and asked.file:
        _write_csv(sys.stdout, texts, answers)
    elif not asked.out:
        show.show_answers(texts, answers)
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
        show.show_table(listing.options_table(method))
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
    if asked.input and not asked.file:
        raise ConfigError("--input names a column of --file, but there is no --file.")
    if asked.out:
        out = Path(asked.out)
        if asked.file and out.resolve() == Path(asked.file).resolve():
            raise ConfigError(f"--out {out} is the file of the texts.", "Choose another name.")
        if not out.parent.is_dir():
            raise ConfigError(
                f"--out {out}: there is no folder {out.parent}.", "", "Make it first."
            )


def _column(asked: Texts) -> list[str]:
    """The texts of a table: of the named column, the run's own, or one that is guessed and told."""
    from tunewell.read import find_columns, read_texts

    file, record = Path(asked.file or ""), Path(asked.run) / "data.json"
    own = read_json(record)["columns"]["input"] if record.exists() else None
    columns = find_columns(file, asked.input, need_target=False, usual=own)
    texts, faults = read_texts(file, columns.input)
    if columns.input not in (asked.input, own):
        show.say(columns.why)
    for fault in faults:
        show.say(f"{fault.sentence} {fault.remedy}".rstrip())
    return texts


def _write_csv(file: TextIO, texts: Sequence[str], answers: Sequence[Answer]) -> None:
    """Texts, answers and confidences; no cell is one that a spreadsheet would compute."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["text", "answer", "confidence"])
    for text, answer in zip(texts, answers, strict=True):
        value = "" if answer.value is None else as_text(answer.value)
        writer.writerow([_inert(text), _inert(value), answer.confidence])


def _inert(cell: str) -> str:
    return "'" + cell if cell.startswith(_ACTIVE) else cell

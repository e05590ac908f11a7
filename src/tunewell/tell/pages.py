"""The docs pages of methods and tasks, from their classes: docstring, options, fair start."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tunewell import kinds, registry
from tunewell.convert import metavar
from tunewell.fields import options_of
from tunewell.tell import units
from tunewell.tell.text import capital

_PARTS = ("What moves", "Needs", "Costs", "Choose it", "Neighbours", "Source")
"""How a method's docstring starts its sentences; each becomes a heading of its own."""


@dataclass(frozen=True)
class OptionRow:
    """One option as a docs page lists it."""

    name: str
    """As it is typed: `--lora.rank`."""
    values: str
    """What may stand for it: `INT`, `mean|cls|last`."""
    default: str
    help: str


def option_rows(cls: type[Any], section: str = "") -> list[OptionRow]:
    """The options of a method, a task or a stage, in the order of its fields.

    Args:
        section: that they stand in, where the class has no name of its own.
    """
    prefix = f"{cls.name}." if hasattr(cls, "name") else section
    return [
        OptionRow(
            name="--" + option.name,
            values=metavar(option.hint),
            default=_default(option.default),
            help=option.help,
        )
        for option in options_of(cls, prefix).values()
    ]


def choose_it(cls: type[Any]) -> str:
    """The sentence of a method's docstring that says when to choose it."""
    text = " ".join((inspect.getdoc(cls) or "").split())
    found = re.search(r"Choose it: (.*?)(?= Neighbours: | Source: |$)", text)
    return found[1] if found else ""


def method_page(cls: type[Any]) -> str:
    """The page of one method in Markdown."""
    docs = inspect.getdoc(cls) or ""
    opening, parts = _split(docs)
    facts = [
        *parts,
        ("Backbone", "Needed." if cls.needs_backbone else "None."),
        ("Answers", _answers(cls)),
    ]
    glance = ["| | |", "|:---|:---|", *(f"| {name} | {cell(text)} |" for name, text in facts)]
    sections = [f"# {cls.name}", opening, "\n".join(glance)]
    sections += ["## Use it", _example(cls)]
    sections += ["## Options", options_of_section(cls), *_fair_start(cls)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _answers(cls: type[Any]) -> str:
    """The kinds of answer that a method gives, in words."""
    if cls.answers is None:
        return "Of every kind that a head can be trained for."
    if cls.answers == kinds.KINDS:
        return "Of every kind that can be guessed."
    return ", ".join(kinds.WORDS[kind] for kind in cls.answers) + "."


def index_page(classes: Iterable[type[Any]]) -> str:
    """The list of all methods with what moves in each, in the order given."""
    rows = []
    for cls in classes:
        parts = dict(_split(inspect.getdoc(cls) or "")[1])
        cells = cell(cls.summary), cell(parts.get("Choose it", ""))
        rows.append(f"| [`{cls.name}`]({cls.name}.md) | {' | '.join(cells)} |")
    table = ["| method | what moves | choose it |", "|:---|:---|:---|", *rows]
    return "\n".join(["# Methods", "", "In order of cost, the cheapest first.", "", *table]) + "\n"


def _split(docs: str) -> tuple[str, list[tuple[str, str]]]:
    """The opening of a docstring, and its sentences by what they start with."""
    pieces = re.split(rf"(?:^|(?<=\s))({'|'.join(_PARTS)}): ", " ".join(docs.split()))
    named = zip(pieces[1::2], pieces[2::2], strict=True)
    return pieces[0].strip(), [(name, text.strip()) for name, text in named]


def cell(text: str) -> str:
    """Prose of ours in a cell of a Markdown table, as a sentence."""
    text = text.replace("|", r"\|").replace("<", "&lt;")
    return text if text.startswith("arXiv") else capital(text)


def _example(cls: type[Any]) -> str:
    beside = "features" if getattr(cls, "baseline", False) else "majority"
    more = f" {cls.example}" if hasattr(cls, "example") else ""
    asked = f"{_rows(cls)} --method {cls.name}{more}"
    compared = f"{_rows(cls)} --methods {beside},{cls.name}{more}"
    return f"```sh\ntunewell fit {asked}\ntunewell compare {compared}\n```"


def _rows(cls: type[Any]) -> str:
    """Rows that a method can learn from: of the first task whose answers it gives."""
    gives = cls.answers
    if gives is None or "label" in gives:
        return "reviews.csv"
    task = next(name for name, each in registry.tasks().items() if each().answers in gives)
    return f"rows.jsonl --task {task}"


def options_of_section(cls: type[Any], section: str = "") -> str:
    """The options as a table in Markdown."""
    rows = option_rows(cls, section)
    if not rows:
        return "It has none."
    lines = ["| option | value | default | what it does |", "|:---|:---|:---|:---|"]
    for row in rows:
        cells = (f"`{row.name}`", f"`{row.values}`".replace("|", r"\|"), f"`{row.default}`")
        lines.append(f"| {' | '.join(cells)} | {cell(row.help)} |")
    return "\n".join(lines)


def _fair_start(cls: type[Any]) -> list[str]:
    """Which options the trials of a comparison differ in, and their values."""
    trials = cls().grid()
    fields = [field.name for field in dataclasses.fields(cls)]
    values = {name: [units.option(getattr(trial, name)) for trial in trials] for name in fields}
    varied = [
        f"- `{name}`: {', '.join(found)}" for name, found in values.items() if len(set(found)) > 1
    ]
    if not varied:
        return []
    told = "A comparison tries these on the validation rows and takes the best, the default first:"
    return ["## Trials", told, "\n".join(varied)]


def _default(value: Any) -> str:
    if value is None:
        return "chosen for you"
    return "required" if value is dataclasses.MISSING else units.option(value)

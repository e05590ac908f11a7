"""What each column of a file is taken for, by what the task calls it, and how that is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.errors import UserError
from tunewell.read import Columns, Source
from tunewell.read.named import columns_said
from tunewell.serve.web.asked import task_of
from tunewell.values import Column, Kind

GROUP = "group"
_OPTIONS = ("input", "target")
"""Columns with an option of their own; the others stand in `columns`."""


@dataclass(frozen=True)
class Use:
    """What one column of the file is, and what else it may be taken for."""

    column: str
    taken: str
    """In a word; empty where it is not read."""
    others: tuple[tuple[str, str], ...]
    """What a button sends (`target:2`), and its word."""


def word(column: Column) -> str:
    """What the page calls a column of the task: the one that is learnt is the answer."""
    return "answer" if column.target and column.name == "target" else column.one


def says(column: Column, answers: Kind) -> str:
    """What is in a column, in the page's own words: a label is a category on it."""
    if column.target and answers in ("label", "labels"):
        return "The category, or all that fit."
    return column.says


def taken(columns: Columns, values: Mapping[str, Any]) -> list[tuple[Column, tuple[str, ...]]]:
    """The task's columns with those of the file that fill them."""
    known = task_of(values).columns
    return [
        (column, columns.named[column.name]) for column in known if column.name in columns.named
    ]


def uses(
    columns: Sequence[str], values: Mapping[str, Any], found: Columns | None
) -> dict[str, Use]:
    """For each column of the file what it is, and the buttons that change it."""
    known = task_of(values).columns
    named = found.named if found else {}
    made = {}
    for number, header in enumerate(columns):
        own = next((c for c in known if header in named.get(c.name, ())), None)
        grouped = values.get(GROUP) == header
        others = [(f"{c.name}:{number}", word(c)) for c in known if c is not own]
        others += [
            (f"{c.name}+:{number}", f"also {word(c)}")
            for c in known
            if c.several and own is None and named.get(c.name)
        ]
        others.append((f"{GROUP}:none", "no group") if grouped else (f"{GROUP}:{number}", GROUP))
        made[header] = Use(header, word(own) if own else GROUP if grouped else "", tuple(others))
    return made


def taken_for(
    values: Mapping[str, Any],
    use: str,
    columns: Sequence[str],
    named: Mapping[str, tuple[str, ...]],
) -> dict[str, Any]:
    """The options with a column taken for something else.

    Args:
        use: `target:3` for the fourth column, `input+:1` for one more text, `group:none`.
        columns: those of the file.
        named: what is taken for what so far.

    Raises:
        UserError: there is no such column.
    """
    role, _, number = use.partition(":")
    more, role = role.endswith("+"), role.removesuffix("+")
    known = {column.name: column for column in task_of(values).columns}
    if (role, number) == (GROUP, "none"):
        return {name: value for name, value in values.items() if name != GROUP}
    inside = number.isdecimal() and int(number) < len(columns)
    if role not in (*known, GROUP) or not inside or (more and not known[role].several):
        raise UserError("There is no such column.", "", "Choose one of those in the table.")
    header = columns[int(number)]
    said = {name: _headers(text, columns) for name, text in _said(values).items()}
    if more:
        said[role] = [*named.get(role, ()), header]
    elif role != GROUP:
        said[role] = [header]
    others = {n: [h for h in hs if n == role or h != header] for n, hs in said.items()}
    kept = {n: v for n, v in values.items() if n not in (*_OPTIONS, "columns")}
    if kept.get(GROUP) == header:
        del kept[GROUP]
    if role == GROUP:
        kept[GROUP] = header
    own = {name: ",".join(others[name]) for name in _OPTIONS if others.get(name)}
    rest = {name: hs for name, hs in others.items() if hs and name not in _OPTIONS}
    packed = {"columns": json.dumps(rest, ensure_ascii=False)} if rest else {}
    return {**kept, **own, **packed}


def _said(values: Mapping[str, Any]) -> dict[str, str]:
    given = {name: values[name] for name in (*_OPTIONS, "columns") if name in values}
    return columns_said(Source(data="", **given), task_of(values))


def _headers(text: str, columns: Sequence[str]) -> list[str]:
    return [text] if text in columns else [part.strip() for part in text.split(",")]

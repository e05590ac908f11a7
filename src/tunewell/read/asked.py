"""What people and programs ask a model about, beside rows of a file: a text, a list, an object."""

from __future__ import annotations

import json
import shlex
from typing import Any

from tunewell.contracts import Task
from tunewell.errors import DataError, did_you_mean
from tunewell.read.cells import plain
from tunewell.read.words import columns_listed, shown
from tunewell.values import Column


def input_of(task: Task, value: Any, where: str) -> Any:
    """The input of a task in a JSON value.

    Args:
        value: an object with the task's columns; where one of them alone is needed, also its cell.
        where: begins the messages: `input 3`.

    Raises:
        DataError: it cannot be one.
    """
    columns = asked_columns(task)
    names = [column.name for column in columns]
    if isinstance(value, dict):
        strange = [str(name) for name in value if name not in names]
        if strange:
            found = f"{where}: there is no {shown(strange[0])} in what {task.name} reads."
            raise DataError(found, did_you_mean(strange[0], names))
        row = dict(value)
    else:
        needed = [column.name for column in columns if column.needed]
        if len(needed) != 1:
            raise DataError(
                f"{where} is no object.",
                f"{task.name} reads {columns_listed(needed)}, each under its name.",
                f"Write it as {example(task)}.",
            )
        row = {needed[0]: value}
    for column in columns:
        cell = row.get(column.name, "")
        wide = column.nested or column.several
        if not isinstance(cell, (str, dict, list) if wide else str):
            alone = f"{where} is" if cell is value else f"{where}: {column.name} is"
            raise DataError(f"{alone} no text.", "A text was expected.")
        row[column.name] = plain(cell)
    return task.input(row, where)


def input_typed(task: Task, text: str, where: str) -> Any:
    """The same of a text that was typed: JSON where it is an object with the task's columns."""
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            return input_of(task, text, where)
        if isinstance(value, dict) and value.keys() & {c.name for c in asked_columns(task)}:
            return input_of(task, value, where)
    return input_of(task, text, where)


def asked_columns(task: Task) -> list[Column]:
    """What a task reads where nothing says what is right."""
    return [column for column in task.columns if not column.target]


def example(task: Task) -> str:
    """What a row to be answered looks like as JSON: `{"question": "...", "passage": "..."}`."""
    columns = [column for column in asked_columns(task) if column.needed]
    cells = {c.name: ["...", "..."] if c.nested or c.several else "..." for c in columns}
    return json.dumps(cells)


def to_type(task: Task) -> str:
    """What to type on a command line for an input: a text, or an object of the task's columns."""
    several = sum(column.needed for column in asked_columns(task)) > 1
    return shlex.quote(example(task)) if several else '"a text of yours"'


def any_input(task: Task) -> Any:
    """Some input, for a model that must answer once and to which it does not matter what."""
    columns = asked_columns(task)
    width = getattr(task, "width", 0)  # of tasks that read one text or several
    row = {c.name: ["a", "b"] if c.nested else "a" for c in columns}
    row |= {c.name: ["a"] * width for c in columns if c.several and not c.nested and width > 1}
    try:
        return task.input(row, "a row")
    except DataError:  # lists of texts are none of its lists, but a text may stand for one
        return task.input({**row, **{c.name: "a" for c in columns if c.nested}}, "a row")

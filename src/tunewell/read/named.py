"""What the user says of columns: `--columns question=Frage,choices=A,B,C`, `--input a,b`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tunewell.contracts import Task
from tunewell.errors import ConfigError, did_you_mean
from tunewell.read.records import Source
from tunewell.read.words import shown
from tunewell.values import Column

EXPECTED = "Expected: question=Frage,passage=Text, or choices=A,B,C where several belong together."


def columns_said(source: Source, task: Task) -> dict[str, str]:
    """What the task calls a column -> the columns that the user names, as they were typed.

    Raises:
        ConfigError: the task has no such column, or one is given twice.
    """
    said: dict[str, str] = {}
    typed = {"input": source.input, "target": source.target}
    for name, given in [*typed.items(), *_pairs(source.columns or "")]:
        if given is None:
            continue
        known = [column.name for column in task.columns]
        option = f"--{name}" if typed.get(name) == given else "--columns"
        if name not in known:
            raise ConfigError(
                f"{option}: the task {task.name} has no column called {shown(name)}.",
                did_you_mean(name, known),
                f"`tunewell tasks {task.name}` says what each holds.",
            )
        if name in said:
            raise ConfigError(f"The columns of {shown(name)} are given twice.", EXPECTED)
        said[name] = given
    return said


def option_for(column: Column) -> str:
    """How a column is named by the user: `--input NAME`."""
    return f"--{column.name}" if column.name in ("input", "target") else f"--columns {column.name}="


def remedy_for(columns: Sequence[Column]) -> str:
    """What to type so that these columns are found: `--input NAME --target NAME`."""
    own = [f"{option_for(c)} NAME" for c in columns if c.name in ("input", "target")]
    others = [f"{c.name}=NAME" for c in columns if c.name not in ("input", "target")]
    return " ".join([*own, *([f"--columns {','.join(others)}"] if others else [])])


def _pairs(given: str) -> list[tuple[str, str]]:
    """Pairs of a task's column and the user's; a part without = belongs to the pair before."""
    if given.lstrip().startswith("{"):
        return list(_from_json(given).items())
    pairs: list[tuple[str, str]] = []
    for part in given.split(",") if given.strip() else []:
        name, equals, value = part.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]},{part.strip()}")
        else:
            raise ConfigError(f"--columns {given}: {shown(part)} has no name before it.", EXPECTED)
    if any(not name or not value for name, value in pairs):
        raise ConfigError(f"--columns {given} names nothing in one place.", EXPECTED)
    return pairs


def _from_json(given: str) -> dict[str, str]:
    try:
        value: Any = json.loads(given)
    except json.JSONDecodeError as error:
        raise ConfigError(f"--columns is not valid JSON: {error}.", EXPECTED) from error
    return {
        str(name): ",".join(map(str, names)) if isinstance(names, list) else str(names)
        for name, names in value.items()
    }

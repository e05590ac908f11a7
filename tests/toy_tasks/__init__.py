"""Rows of each task in the toy language: a module of the task's name, found by the laws.

A module has

- `rows(count, seed)`: rows of named cells as `Task.read` gets them, alike in kind but not equal;
- `BAD`: rows that `read` refuses, `{name of the column that is wrong: row}`;
- `FOUND` (may be left out): what reading would have found, for `from_examples`;
- `LEARNT_BY` (may be left out): names of methods that must beat the guess on `rows(240)`.
"""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from tunewell import registry
from tunewell.contracts import Task
from tunewell.values import Example


def modules() -> dict[str, ModuleType]:
    """Task name -> the module with its rows; `classify_pairs` is one more of `classify`."""
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def task_of(name: str) -> str:
    """The task that a module is about: its name, or the part of it before the first `_`."""
    return name if name in registry.tasks() else name.partition("_")[0]


@cache
def examples(name: str, count: int = 60, seed: int = 0) -> tuple[Example, ...]:
    """Rows of a module, read."""
    plain = registry.task(task_of(name))(**getattr(modules()[name], "FOUND", {}))
    rows = modules()[name].rows(count, seed)
    return tuple(plain.read(row, f"toy.jsonl, row {n}") for n, row in enumerate(rows, start=1))


@cache
def learnt(name: str) -> Task:
    """The task as it has learnt from its rows."""
    found = getattr(modules()[name], "FOUND", {})
    return registry.task(task_of(name)).from_examples(examples(name, 240), **found)

"""Names to classes: every file in `methods/` and `tasks/`, and other packages' entry points."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from tunewell.errors import ConfigError, did_you_mean

TASK_ALIASES = {"text-classification": "classify", "sentiment-analysis": "classify"}


@cache
def methods() -> dict[str, type[Any]]:
    """Every way of adapting a model by name, in the order of the ladder (cheapest first)."""
    found = _classes("methods", "fit")
    return dict(sorted(found.items(), key=lambda item: (item[1].rung, item[0])))


@cache
def tasks() -> dict[str, type[Any]]:
    """Every task by name."""
    return _classes("tasks", "from_examples")


@cache
def task_options() -> dict[str, type[Any]]:
    """The options of each task that has some of its own, by the task's name."""
    found = {name: getattr(cls, "Options", None) for name, cls in tasks().items()}
    return {name: options for name, options in found.items() if options is not None}


def method(name: str) -> type[Any]:
    """The method of that name; a ConfigError with the nearest name otherwise."""
    return _named(name, methods(), "method", "tunewell methods")


def task(name: str) -> type[Any]:
    """The task of that name or alias; a ConfigError with the nearest name otherwise."""
    return _named(TASK_ALIASES.get(name, name), tasks(), "task", "tunewell tasks")


def _named(name: str, known: dict[str, type[Any]], kind: str, command: str) -> type[Any]:
    if name in known:
        return known[name]
    raise ConfigError(
        f"There is no {kind} called {name!r}.",
        did_you_mean(name, known),
        f"`{command}` lists what there is.",
    )


def _classes(package: str, verb: str) -> dict[str, type[Any]]:
    """The classes with a `name` and the verb, one to a module, and those of entry points."""
    home = importlib.import_module(f"tunewell.{package}")
    found: dict[str, type[Any]] = {}
    for module_info in pkgutil.iter_modules(home.__path__, home.__name__ + "."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and hasattr(value, verb) and isinstance(getattr(value, "name", None), str):
                found[value.name] = value
    for entry in entry_points(group=f"tunewell.{package}"):
        value = entry.load()
        found[value.name] = value
    return found

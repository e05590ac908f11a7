"""Every way of fitting a language model to your data, side by side."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

from tunewell.errors import ConfigError, DataError, ResourceError, UserError
from tunewell.fit.machine import quiet
from tunewell.library import ask, check, compare, index, load, pretrain, report
from tunewell.values import Answer, Example, Interval

if TYPE_CHECKING:
    from tunewell.library import fit, methods, mix, plan, tasks
    from tunewell.run import Comparison

__all__ = [
    "Answer",
    "Comparison",
    "ConfigError",
    "DataError",
    "Example",
    "Interval",
    "ResourceError",
    "UserError",
    "ask",
    "check",
    "compare",
    "fit",
    "index",
    "load",
    "methods",
    "mix",
    "plan",
    "pretrain",
    "report",
    "tasks",
]


class _Verb(ModuleType):
    """A package that is also the verb of its name: `tunewell.fit("reviews.csv", method="lora")`."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        verb = getattr(import_module("tunewell.library"), self.__name__.rpartition(".")[2])
        return verb(*args, **keywords)


for _name in ("fit", "methods", "mix", "plan", "tasks"):
    import_module(f"tunewell.{_name}").__class__ = _Verb
quiet()


def __getattr__(name: str) -> Any:
    """Comparison, whose home imports more than the rest."""
    if name == "Comparison":
        return import_module("tunewell.run").Comparison
    raise AttributeError(f"module 'tunewell' has no attribute {name!r}")

"""A dataclass's fields as options: name, type, default and the docstring under each."""

from __future__ import annotations

import ast
import dataclasses
import sys
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints


@dataclass(frozen=True)
class Option:
    """One field, as help, form and docs show it."""

    name: str
    """Dotted where it belongs to a method: `lora.rank`."""
    hint: Any
    default: Any
    """`dataclasses.MISSING` where it must be given."""
    help: str


def field_docs(cls: type[Any]) -> dict[str, str]:
    """The docstring under each field of a dataclass, also of inherited ones; "" where none is."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            docs |= _own_docs(base)
    return {field.name: docs.get(field.name, "") for field in dataclasses.fields(cls)}


def options_of(cls: type[Any], prefix: str = "") -> dict[str, Option]:
    """Every option of a dataclass and of the dataclasses nested in it, by dotted name."""
    docs, hints = field_docs(cls), get_type_hints(cls)
    nested = sections(cls)
    found: dict[str, Option] = {}
    for field in dataclasses.fields(cls):
        name = prefix + field.name
        if field.name in nested:
            found |= options_of(nested[field.name], name + ".")
        else:
            factory = field.default_factory
            default = field.default if factory is dataclasses.MISSING else factory()
            found[name] = Option(name, hints[field.name], default, docs[field.name])
    return found


def sections(cls: type[Any]) -> dict[str, type[Any]]:
    """The dataclasses nested in it, by name."""
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    return {name: hints[name] for name in names if dataclasses.is_dataclass(hints[name])}


def with_sections(cls: type[Any], parts: dict[str, type[Any]]) -> type[Any]:
    """The frozen dataclass with one nested section more for each class."""
    fields = [(name, part, dataclasses.field(default_factory=part)) for name, part in parts.items()]
    return dataclasses.make_dataclass("Options", fields, bases=(cls,), frozen=True)


@cache
def _own_docs(cls: type[Any]) -> dict[str, str]:
    # One made by make_dataclass stands in no file, and has no docs of its own.
    node = _classes_in(getattr(sys.modules.get(cls.__module__), "__file__", None)).get(
        cls.__qualname__
    )
    docs: dict[str, str] = {}
    for field, after in pairwise(node.body if node else ()):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr):
            docs[field.target.id] = " ".join(ast.literal_eval(after.value).split())  # type: ignore[union-attr]
    return docs


@cache
def _classes_in(file: str | None) -> dict[str, ast.ClassDef]:
    """Every class of a file by its qualified name.

    Read once for all of them: `inspect.getsource` reads and parses the file for each.
    """
    if file is None:
        return {}
    found: dict[str, ast.ClassDef] = {}

    def collect(nodes: list[ast.stmt], prefix: str) -> None:
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                found[prefix + node.name] = node
                collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.FunctionDef):
                collect(node.body, f"{prefix}{node.name}.<locals>.")

    collect(ast.parse(Path(file).read_bytes()).body, "")
    return found

"""Functions and classes of ours as the lines that they are, with all that they stand on."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

OURS = "tunewell."
ERRORS = "tunewell.errors"
"""Raised in a script as ValueError: whoever runs it reads its lines."""


@dataclass
class Taken:
    """What a script is made of: definitions, each after those that it stands on."""

    imports: list[str] = field(default_factory=list)
    """Of other packages."""
    blocks: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    """Names that are defined, and in which module."""


def taken(roots: Sequence[Any], only: Mapping[type, Sequence[str]] | None = None) -> Taken:
    """Functions and classes, and whatever of ours they use, as they stand in their files.

    Args:
        only: of a class the methods and constants that are wanted; its others go unless these
            use them.

    Raises:
        RuntimeError: two things of one name are wanted, which no script can hold.
    """
    found, wanted = Taken(), {kind.__qualname__: tuple(n) for kind, n in (only or {}).items()}
    for root in roots:
        _visit(found, root.__module__, root.__qualname__, wanted)
    return found


@dataclass(frozen=True)
class _Module:
    lines: list[str]
    definitions: dict[str, tuple[ast.stmt, int]]
    """Of each name what defines it, and its last line, that of its docstring included."""
    imported: dict[str, tuple[str, str]]
    """Of each name the module that it is from, and its line of import."""


@lru_cache(maxsize=64)
def _module(name: str) -> _Module:
    source = inspect.getsource(importlib.import_module(name))
    body = ast.parse(source).body
    definitions: dict[str, tuple[ast.stmt, int]] = {}
    imported: dict[str, tuple[str, str]] = {}
    for at, node in enumerate(body):
        after = body[at + 1] if at + 1 < len(body) else None
        told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = (node, node.end_lineno or 0)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            last = (after.end_lineno if told and after else node.end_lineno) or 0
            definitions |= {t.id: (node, last) for t in targets if isinstance(t, ast.Name)}
        else:
            imported |= _imports(node)
    return _Module(source.splitlines(), definitions, imported)


def _imports(node: ast.stmt) -> dict[str, tuple[str, str]]:
    """Names that a line of import brings."""
    if isinstance(node, ast.ImportFrom):
        lines = {a.asname or a.name: a for a in node.names}
        return {
            name: (node.module or "", f"from {node.module} import {_named(alias)}")
            for name, alias in lines.items()
        }
    if isinstance(node, ast.Import):
        return {
            a.asname or a.name.partition(".")[0]: (a.name, f"import {_named(a)}")
            for a in node.names
        }
    return {}


def _named(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _visit(found: Taken, module: str, name: str, wanted: Mapping[str, Sequence[str]]) -> None:
    """Take one definition, after those that it uses."""
    if module == ERRORS:
        return
    own = _module(module)
    if name not in own.definitions:
        _visit(found, own.imported[name][0], name, wanted)
        return
    if name in found.seen:
        if found.seen[name] != module:
            raise RuntimeError(f"{name} is in {module} and in {found.seen[name]}")
        return
    found.seen[name] = module
    node, last = own.definitions[name]
    left_out = _left_out(node, wanted.get(name))
    inside = dict[str, tuple[str, str]]()
    parts = list[str]()
    for child in _walk(node, left_out):
        if isinstance(child, ast.ImportFrom) and (child.module or "").startswith(OURS):
            inside |= _imports(child)
            left_out.append(child)
    for used, annotation in _names(node, left_out):
        if used in inside:
            _visit(found, inside[used][0], used, wanted)
        elif used in own.definitions and not annotation:
            _visit(found, module, used, wanted)
        elif used in own.imported:
            source, line = own.imported[used]
            if not f"{source}.".startswith(OURS):
                found.imports += [line] if line not in found.imports else []
            elif annotation:
                continue
            elif find_spec(source).submodule_search_locations and find_spec(f"{source}.{used}"):
                for part in _attributes(node, left_out, used):
                    parts.append(f"{used}.{part}")
                    _visit(found, f"{source}.{used}", part, wanted)
            else:
                _visit(found, source, used, wanted)
    found.blocks.append(_text(own.lines, node, last, left_out, parts))


def _left_out(node: ast.stmt, wanted: Sequence[str] | None) -> list[ast.AST]:
    """Methods and constants of a class that neither are wanted nor used by those that are."""
    if wanted is None or not isinstance(node, ast.ClassDef):
        return []
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
    kept, new = set(wanted), [n for n in methods if n in wanted or n.startswith("__")]
    while new:
        used = {
            child.attr
            for name in new
            for child in ast.walk(methods[name])
            if isinstance(child, ast.Attribute)
            and isinstance(child.value, ast.Name)
            and child.value.id in ("self", "cls")
        }
        new = [name for name in methods if name in used - kept]
        kept |= used | set(new)
    gone: list[ast.AST] = [m for name, m in methods.items() if name not in kept]
    gone = [m for m in gone if not str(getattr(m, "name", "")).startswith("__")]
    for at, each in enumerate(node.body):
        if not isinstance(each, ast.AnnAssign) or "ClassVar" not in ast.unparse(each.annotation):
            continue
        if isinstance(each.target, ast.Name) and each.target.id not in kept:
            told = node.body[at + 1] if at + 1 < len(node.body) else None
            gone += [each, told] if isinstance(told, ast.Expr) else [each]
    return gone


def _attributes(node: ast.AST, left_out: Sequence[ast.AST], module: str) -> list[str]:
    """What is taken from a module by its name."""
    found = [
        child.attr
        for child in _walk(node, left_out)
        if isinstance(child, ast.Attribute)
        and isinstance(child.value, ast.Name)
        and child.value.id == module
    ]
    return list(dict.fromkeys(found))


def _walk(node: ast.AST, left_out: Sequence[ast.AST]) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if child not in left_out:
            yield from _walk(child, left_out)


def _names(node: ast.AST, left_out: Sequence[ast.AST]) -> Iterator[tuple[str, bool]]:
    """Every name that is used, and whether an annotation does, which is never evaluated."""
    annotations = [
        each
        for child in _walk(node, left_out)
        for each in (getattr(child, "annotation", None), getattr(child, "returns", None))
        if isinstance(each, ast.AST)
    ]
    inside = {id(child) for each in annotations for child in ast.walk(each)}
    own = _locals(node, left_out)
    for child in _walk(node, left_out):
        used = isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load)
        if used and id(child) not in own:
            yield child.id, id(child) in inside


def _locals(node: ast.AST, left_out: Sequence[ast.AST]) -> set[int]:
    """Names inside of functions that are arguments there, or are set there: none of a module."""
    found = set[int]()
    for function in _walk(node, left_out):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            within = [child for child in ast.walk(function) if isinstance(child, ast.Name)]
            known = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
            known |= {each.id for each in within if isinstance(each.ctx, ast.Store)}
            found |= {id(each) for each in within if each.id in known}
    return found


def _text(
    lines: list[str], node: Any, last: int, left_out: Sequence[Any], parts: Sequence[str]
) -> str:
    """The lines of a definition without what is left out, without our own errors and modules.

    Args:
        parts: of modules, as `turns.asked_text`.
    """
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    gone = set[int]()
    for each in left_out:
        begin = min([each.lineno, *(d.lineno for d in getattr(each, "decorator_list", ()))])
        gone.update(range(begin, each.end_lineno + 1))
    text = "\n".join(lines[n - 1] for n in range(first, last + 1) if n not in gone)
    text = re.sub(r"\b(NotApplicable|ConfigError|DataError|ResourceError)\b", "ValueError", text)
    text = re.sub(r" +# (type: ignore|noqa).*", "", text)
    for part in parts:
        text = re.sub(rf"\b{re.escape(part)}\b", part.partition(".")[2], text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r'("""\n)\n+( {4}\S)', r"\1\n\2", text)).strip("\n")


def refuse_twice(found: Taken, given: Mapping[str, Any]) -> None:
    """A RuntimeError where a script's own constants have names of ours."""
    if twice := found.seen.keys() & given.keys():
        raise RuntimeError(f"{sorted(twice)} would stand twice in a script")


def functions_in(record: Any) -> list[Any]:
    """Functions that a frozen dataclass holds."""
    held = (getattr(record, f.name) for f in fields(record))
    return [each for each in held if inspect.isfunction(each)]


def call_of(record: Any) -> str:
    """A frozen dataclass as the call that makes it, with what is not as usual."""
    usual = {f.name: f.default for f in fields(record)}
    given = {n: getattr(record, n) for n in usual}
    unlike = {n: v for n, v in given.items() if v != usual[n] and v != {}}
    shown = {n: v.__name__ if inspect.isfunction(v) else repr(v) for n, v in unlike.items()}
    told = [f"    {n}={each},\n" for n, each in shown.items()]
    name = type(record).__name__
    return f"{name}(\n{''.join(told)})" if told else f"{name}()"

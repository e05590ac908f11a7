"""The docs page of a task, from its class: docstring, columns, metrics, methods."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from tunewell import kinds, registry
from tunewell.tell.pages import cell, options_of_section
from tunewell.values import Column


def task_page(cls: type[Any]) -> str:
    """The page of one task in Markdown."""
    task = cls()
    made_for = [name for name, method in registry.methods().items() if may_do(method, task)]
    others = [name for name in registry.methods() if name not in made_for]
    linked = ", ".join(f"[`{name}`](../methods/{name}.md)" for name in made_for)
    sections = [
        f"# {cls.name}",
        _prose(inspect.getdoc(cls) or ""),
        "## What it reads",
        _columns(cls.columns),
        "Columns that have one of the usual names are found; what was taken is said, and others "
        f"are named: {_options(cls.columns)}.",
        "## What it answers",
        f"{kinds.WORDS[task.answers].capitalize()}. Metrics: "
        + ", ".join(_metric(task, name) for name in task.metrics)
        + ".",
        "## Methods",
        linked + ".",
    ]
    if hasattr(cls, "Options"):
        sections += ["## Options", options_of_section(cls.Options, f"{cls.name}.")]
    if others:
        sections.append(
            f"Not for this kind of answer: {', '.join(f'`{name}`' for name in others)}. In a "
            "comparison they are rows that say so."
        )
    return "\n\n".join(sections) + "\n"


def task_index(classes: Iterable[type[Any]]) -> str:
    """The list of all tasks."""
    rows = [
        f"| [`{cls.name}`]({cls.name}.md) | {cell(cls.summary)} | "
        f"{cell(kinds.WORDS[cls().answers])} |"
        for cls in classes
    ]
    table = ["| task | what goes in and comes out | answer |", "|:---|:---|:---|", *rows]
    return "\n".join(["# Tasks", "", "`--task NAME` chooses one.", "", *table]) + "\n"


def may_do(method: type[Any], task: Any) -> bool:
    """Whether a method gives the kind of answer that a task asks for."""
    return method.answers is None or task.answers in method.answers


def _prose(docs: str) -> str:
    """A docstring as Markdown: paragraphs on one line each, code and lists as they are."""
    blocks = re.split(r"\n\s*\n", docs)
    return "\n\n".join(
        block if re.match(r"[-|`]{3}|- |\|", block) else " ".join(block.split()) for block in blocks
    )


def _columns(columns: Iterable[Column]) -> str:
    lines = ["| column | what is in it | usual names | needed |", "|:---|:---|:---|:---|"]
    for column in columns:
        usual = ", ".join(f"`{each}`" for each in column.usual) or "by its name or content"
        several = " Several columns may fill it." if column.several else ""
        needed = "yes" if column.needed else "no"
        if column.target:
            needed = "to learn" if column.needed else "no"
        lines.append(f"| `{column.name}` | {cell(column.says)}{several} | {usual} | {needed} |")
    return "\n".join(lines)


def _options(columns: Iterable[Column]) -> str:
    names = [column.name for column in columns]
    plain = [f"`--{name} NAME`" for name in names if name in ("input", "target")]
    others = ",".join(f"{name}=NAME" for name in names if name not in ("input", "target"))
    return " ".join([*plain, *([f"`--columns {others}`"] if others else [])])


def _metric(task: Any, name: str) -> str:
    metric = task.metrics[name]
    decides = " (decides unless you say otherwise)" if name == task.metric else ""
    lower = ", of which less is better" if metric.scale.lower_is_better else ""
    return f"`{name}`{decides}{lower}"

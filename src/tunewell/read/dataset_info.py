"""What LLaMA-Factory's `dataset_info.json` says of the columns of a file that it lies beside.

Its format: the data section of https://github.com/hiyouga/LLaMA-Factory.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tunewell.contracts import Task
from tunewell.read.records import Fault
from tunewell.read.tables import file_and_table
from tunewell.read.words import names_listed, shown

NAME = "dataset_info.json"
CALLED = {
    "prompt": "instruction",
    "query": "input",
    "response": "output",
    "messages": "messages",
    "system": "system",
}
"""Its name of a column -> ours, in tasks whose answers are texts."""


def columns_beside(
    path: Path, task: Task, said: Collection[str]
) -> tuple[dict[str, str], list[Fault]]:
    """What the task calls a column -> what it is called in the file; and what is told of it.

    Args:
        said: columns that the user names, which come first.
    """
    file, _ = file_and_table(path)
    info = file.with_name(NAME)
    if task.answers != "text" or file.name == NAME or not info.is_file():
        return {}, []
    try:
        listed = json.loads(info.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        sentence = (
            f"A file beside may name the columns but is not used: {info} is no JSON ({error})."
        )
        remedy = "Correct it, or name the columns with --columns."
        return {}, [Fault("dataset_info", "warning", sentence, remedy=remedy, source=str(info))]
    name, columns = _entry(listed, file)
    ours = {column.name for column in task.columns} - set(said)
    found = {CALLED[key]: header for key, header in columns.items() if CALLED.get(key) in ours}
    if not found:
        return {}, []
    pairs = ", ".join(f"{column}={header}" for column, header in found.items())
    sentence = f"{info}, which lies beside, names the columns, as {shown(name)}: {pairs}."
    others = [key for key in columns if CALLED.get(key) not in {*ours, *said}]
    if others:
        sentence += f" {task.name} does not read {names_listed(others)}."
    remedy = "If these are not the columns, name others with --columns."
    return found, [Fault("dataset_info", "note", sentence, remedy=remedy, source=str(info))]


def _entry(listed: Any, file: Path) -> tuple[str, dict[str, str]]:
    """The first entry of a file that names columns: what it is called, and these."""
    for name, entry in listed.items() if isinstance(listed, dict) else ():
        given = entry.get("file_name") if isinstance(entry, dict) else None
        if not isinstance(given, str) or (file.parent / given).resolve() != file.resolve():
            continue
        columns = entry.get("columns")
        if isinstance(columns, dict):
            return name, {key: each for key, each in columns.items() if isinstance(each, str)}
    return "", {}

"""From what the user named to the three parts, with all that was left out or altered told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell import kinds, registry
from tunewell.contracts import Task
from tunewell.errors import ConfigError, DataError
from tunewell.read.beside import names_beside
from tunewell.read.columns import columns_in, find
from tunewell.read.dataset_info import NAME as DATASET_INFO
from tunewell.read.dataset_info import columns_beside
from tunewell.read.examples import read_examples, sample_of
from tunewell.read.files import files_of
from tunewell.read.formats import stored_label_names
from tunewell.read.label_names import read_label_names
from tunewell.read.looks import MOST_LABELS, sample_rows
from tunewell.read.named import columns_said, remedy_for
from tunewell.read.overlaps import leaked
from tunewell.read.records import Columns, Data, Fault, Source
from tunewell.read.split import sample, shares, split
from tunewell.read.words import columns_listed, many, names_listed, shown
from tunewell.values import Example, to_json

FEW_ROWS = 200
"""Validation rows that are kept however few training rows are asked for."""


def load(source: Source, seed: int = 0, options: Any = None) -> Data:
    """Read, divide and sample the rows. Depends on the rows, the options and `seed` only.

    Args:
        options: those of the task itself, where it has some.

    Raises:
        ConfigError: an option is wrong, such as the name of a column.
        DataError: a file cannot be read, or nothing could be trained or scored with the rows.
    """
    for option, value, least in (("rows", source.rows, 2), ("test-rows", source.test_rows, 1)):
        if value is not None and value < least:
            raise ConfigError(f"--{option} is {value}.", f"At least {least} was expected.")
    cls = registry.task(source.task)
    plain = cls() if options is None else cls(options=options)
    files, said = files_of(source), columns_said(source, plain)
    beside, told_beside = columns_beside(files["train"], plain, said)
    info = f"{DATASET_INFO} says"
    columns = find(files["train"], plain.columns, said, source.group, beside, info)
    seen_at_once, seen_why = _looked(files["train"], columns, plain)
    task: Task = replace(plain, **seen_at_once)
    why = " ".join(part for part in (columns.why, seen_why) if part)
    columns = replace(columns, why=why)
    faults = [Fault("columns", "note", why, source=str(files["train"])), *told_beside]
    parts: dict[str, list[Example]] = {}
    first = files["train"]
    for part, path in files.items():
        here = columns if part == "train" else columns_in(path, columns, first, plain.columns)
        parts[part], found = read_examples(path, here, task)
        faults += [*found, *_told_ungrouped(path, part, columns, here)]
        faults += _told_absent(path, columns, here)
    by_class = task.answers == "label"
    _refuse_empty(files["train"], columns, task, parts["train"])
    if by_class:
        _refuse_untrainable(files["train"], columns, parts["train"])
        _refuse_unscorable(files, parts)

    wanted = shares("validation" in files, "test" in files)
    if len(wanted) > 1:
        divided = split(parts["train"], wanted, seed, task.texts, by_class)
        faults.append(_told_split(files["train"], columns, divided, seed, by_class))
        parts |= divided
    names, found = _label_names(source, files["train"], columns, _labels(parts, task))
    parts, sampled = _sampled(source, parts, seed, by_class)
    labels = _labels(parts, task)
    names = {label: name for label, name in names.items() if label in labels}
    faults += [*sampled, *found, *_told_unnamed(names, labels)]
    train, validation, test = (tuple(parts[name]) for name in ("train", "validation", "test"))
    mark = _fingerprint({"train": train, "validation": validation, "test": test})
    seen = leaked(test, train, validation, texts=task.texts) if len(files) > 1 else ()
    return Data(
        columns, train, validation, test, tuple(faults), mark, task, names, seen_at_once, seen
    )


def _looked(path: Path, columns: Columns, task: Task) -> tuple[dict[str, Any], str]:
    """What a task that has `look` sees in rows spread over the file."""
    if not hasattr(task, "look"):
        return {}, ""
    _, rows = sample_rows(path, enough=())
    return task.look(sample_of(rows, path, columns, task))


def _labels(parts: Mapping[str, Sequence[Example]], task: Task) -> set[str]:
    """Every label in the targets, of whatever kind they are; none in texts."""
    if task.answers == "text":
        return set()
    targets = (example.target for part in parts.values() for example in part)
    return {label for target in targets for label in kinds.labels_in(target)}


def _label_names(
    source: Source, path: Path, columns: Columns, labels: set[str]
) -> tuple[dict[str, str], list[Fault]]:
    """Names of labels: as the user says, else from the file itself, else from one beside it."""
    if source.label_names is not None:
        return read_label_names(source.label_names, labels), []
    stored = stored_label_names(path, columns.target or "")
    return (stored, []) if stored else names_beside(path, labels)


def _refuse_empty(path: Path, columns: Columns, task: Task, train: Sequence[Example]) -> None:
    """A DataError where no row has all that the task needs."""
    if train:
        return
    needed = [column for column in task.columns if column.name in columns.named and column.needed]
    has = [
        f"{'an' if column.one[0] in 'aeio' else 'a'} {column.one} in "
        f"{columns_listed(columns.named[column.name])}"
        for column in needed
    ]
    raise DataError(
        f"{path}: no row has both {' and '.join(has)}.",
        remedy=f"Name the right columns with {remedy_for(needed)}.",
    )


def _refuse_untrainable(path: Path, columns: Columns, train: Sequence[Example]) -> None:
    """A DataError where the rows with text and label cannot teach anything."""
    column = shown(columns.target or "")
    labels = list(dict.fromkeys(example.target for example in train))
    if len(labels) == 1:
        raise DataError(
            f"{path}: every row has the same label {shown(labels[0])} in column {column}.",
            "Two different labels at least are needed to learn a difference.",
            "Add rows of another class, or choose another column with --target NAME.",
        )
    if len(labels) > MOST_LABELS or 2 * len(labels) > len(train):
        raise DataError(
            f"{path}: column {column} has {many(len(labels), 'different value')} "
            f"in {many(len(train), 'row')}.",
            "It looks like an identifier, a measure or free text, not like a label.",
            "Choose another column with --target NAME.",
        )


def _refuse_unscorable(files: Mapping[str, Path], parts: Mapping[str, list[Example]]) -> None:
    """A DataError where a validation or test file has no row that could be scored."""
    known = {example.target for example in parts["train"]}
    for part in ("validation", "test"):
        if part in parts and not any(example.target in known for example in parts[part]):
            labels = dict.fromkeys(example.target for example in parts[part])
            found = f"its labels are {names_listed(labels)}" if labels else "no row has a label"
            raise DataError(
                f"{files[part]}: no {part} row has a label that occurs in train; {found}.",
                f"The labels in train are {names_listed(sorted(known))}.",
                f"Leave the file out, and {part} rows are taken from the training rows.",
            )


def _told_ungrouped(path: Path, part: str, columns: Columns, here: Columns) -> list[Fault]:
    """That test rows are not grouped as the others are."""
    if part != "test" or columns.group == here.group:
        return []
    sentence = f"{path} has no column {shown(columns.group or '')}: its rows are not grouped by it."
    remedy = "Add the column: without it intervals are too narrow where rows belong together."
    return [Fault("no_groups", "warning", sentence, remedy=remedy, source=str(path))]


def _told_absent(path: Path, columns: Columns, here: Columns) -> list[Fault]:
    """That a file lacks a column which the training file has, and which rows may lack."""
    absent = columns.named.keys() - here.named.keys()
    headers = ", ".join(shown(header) for name in sorted(absent) for header in columns.named[name])
    if not headers:
        return []
    sentence = f"{path} has no column {headers}, which the training file has."
    remedy = "Its rows are read without; add the column if they should not be."
    return [Fault("no_column", "warning", sentence, remedy=remedy, source=str(path))]


def _told_split(
    path: Path,
    columns: Columns,
    parts: Mapping[str, Sequence[Example]],
    seed: int,
    by_class: bool,
) -> Fault:
    sizes = ", ".join(f"{len(rows):,} {part} rows" for part, rows in parts.items())
    groups = f"and rows with the same {shown(columns.group)} " if columns.group else ""
    return Fault(
        "split",
        "note",
        f"{path} was divided into {sizes} (seed {seed}){', class by class' if by_class else ''}; "
        "texts that differ only "
        f"in case, punctuation or space {groups}stay together.",
        count=sum(map(len, parts.values())),
        source=str(path),
    )


def _sampled(
    source: Source, parts: dict[str, list[Example]], seed: int, by_class: bool
) -> tuple[dict[str, list[Example]], list[Fault]]:
    """The parts cut to the rows asked for, and what was cut."""
    most = {"train": source.rows, "test": source.test_rows}
    if source.rows is not None:
        most["validation"] = max(source.rows // 4, FEW_ROWS)
    faults = []
    for part, rows in most.items():
        if rows is None or len(parts[part]) <= rows:
            continue
        before = parts[part]
        parts = parts | {part: sample(before, rows, seed, by_class)}
        why = "to fit the training rows asked for" if part == "validation" else "as asked"
        faults.append(
            Fault(
                "sampled",
                "note",
                f"{rows:,} of {len(before):,} {part} rows are used, {why}, drawn "
                f"{'class by class' if by_class else 'at random'}.",
                count=len(before) - rows,
            )
        )
    if by_class and len({example.target for example in parts["train"]}) < 2:
        raise ConfigError(f"With --rows {source.rows} only one class is left.", "", "Use more.")
    return parts, faults


def _told_unnamed(names: Mapping[str, str], labels: Iterable[str]) -> list[Fault]:
    unnamed = sorted(set(labels) - names.keys()) if names else []
    if not unnamed:
        return []
    sentence = f"Labels without a name: {names_listed(unnamed)}. They go by the label itself."
    return [Fault("unnamed_labels", "warning", sentence, remedy="Name all labels or none.")]


def _fingerprint(parts: Mapping[str, Iterable[Example]]) -> str:
    digest = hashlib.sha256()
    for part, examples in parts.items():
        digest.update(f"{part}\n".encode())
        for example in examples:
            for value in (example.input, example.target):
                text = value if isinstance(value, str) else _as_json(value)
                content = text.encode("utf-8")
                digest.update(b"%d:" % len(content) + content)
            if example.during != (0.0, 1.0):
                digest.update(f"during {example.during}\n".encode())
    return digest.hexdigest()


def _as_json(value: Any) -> str:
    return json.dumps(to_json(value), ensure_ascii=False, sort_keys=True)

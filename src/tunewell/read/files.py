"""What the user named, as files: one table, three tables, or a folder of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tunewell import registry
from tunewell.errors import DataError
from tunewell.read.beside import NAMES_OF_LABELS
from tunewell.read.dataset_info import NAME as DATASET_INFO
from tunewell.read.formats import formats, suffix_of, tables_in
from tunewell.read.formats.plain import as_text
from tunewell.read.opening import no_such_file
from tunewell.read.records import Source
from tunewell.read.tables import file_and_table
from tunewell.read.words import names_listed

NAMES = {
    "train": re.compile(r"train(ing)?(set|data)?(?![a-z])", re.IGNORECASE),
    "validation": re.compile(r"(valid(ation)?|val|dev)(set|data)?(?![a-z])", re.IGNORECASE),
    "test": re.compile(r"test(ing)?(set|data)?(?![a-z])", re.IGNORECASE),
}
"""How the name of a part's file begins: train.csv, train_01.csv, dev.jsonl."""


def files_of(source: Source) -> dict[str, Path]:
    """Part -> its file; "train" always, "validation" and "test" where they are given.

    Parts may be tables of one file, `data.json#train`. What an option names comes before what is
    found in the folder or the file, and has that part alone.
    """
    data = Path(source.data)
    given = {"validation": source.validation, "test": source.test}
    named = {part: Path(name) for part, name in given.items() if name is not None}
    for path in (data, *named.values()):
        file, _ = file_and_table(path)
        if not file.exists():
            raise no_such_file(file)
    for part, path in named.items():
        if path.is_dir():
            raise DataError(f"--{part} {path} is a folder.", "A file was expected.")
    taken = {path.resolve() for path in named.values()}
    found = _in_folder(data) if data.is_dir() else _in_file(data)
    files = {
        part: path
        for part, path in found.items()
        if path.resolve() not in taken or path == data  # the data itself stays train
    } | named
    if getattr(registry.task(source.task), "reads_plain_text", False):
        files = {part: as_text(path) for part, path in files.items()}
    seen: dict[Path, str] = {}
    for part, path in files.items():
        if (other := seen.setdefault(path.resolve(), part)) != part:
            raise DataError(
                f"{path} is named for {other} and for {part}.",
                "Each part needs rows of its own: a model knows the rows that it was fitted to.",
                f"Leave {part} out, and it is taken from the training rows.",
            )
    if "train" not in files:
        raise _no_train(data)
    return files


def _in_folder(folder: Path) -> dict[str, Path]:
    """The parts that a folder holds; its only table, whatever its name, is train."""
    tables = sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and path.name.lower() not in (*NAMES_OF_LABELS, DATASET_INFO)
        and suffix_of(path) in formats()
    )
    found = _parts_among([path.name for path in tables], folder)
    if not found and len(tables) == 1:
        return {"train": tables[0]}
    return {part: folder / name for part, name in found.items()}


def _in_file(file: Path) -> dict[str, Path]:
    """The parts that a file holds as tables by name, if one is train; else the file is train."""
    found = _parts_among(tables_in(file), file)
    if "train" not in found:
        return {"train": file}
    return {part: file.with_name(f"{file.name}#{name}") for part, name in found.items()}


def _parts_among(names: Sequence[str], where: Path) -> dict[str, str]:
    """The names that look like parts; a DataError where two look like one."""
    found: dict[str, str] = {}
    for part, pattern in NAMES.items():
        matching = [name for name in names if pattern.match(name)]
        if len(matching) > 1:
            raise DataError(
                f"{where}: {names_listed(matching)} all look like {part}.",
                "One table for each part was expected.",
                "Put their rows into one, or name the one that you mean.",
            )
        if matching:
            found[part] = matching[0]
    return found


def _no_train(folder: Path) -> DataError:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return DataError(
        f"{folder}: no file here has a name that begins with train.",
        f"It holds {names_listed(names)}." if names else "The folder is empty.",
        "Name the file itself, and others with --validation and --test.",
    )

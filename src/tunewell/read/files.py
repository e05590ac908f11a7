"""What the user named, as files: one table, three tables, or a folder of them."""

from __future__ import annotations

import re
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.formats import formats, suffix_of
from tunewell.read.records import Source
from tunewell.read.text import no_such_file
from tunewell.read.words import names_listed

NAMES = {
    "train": re.compile(r"train(ing)?(set|data)?(?![a-z])", re.IGNORECASE),
    "validation": re.compile(r"(valid(ation)?|val|dev)(set|data)?(?![a-z])", re.IGNORECASE),
    "test": re.compile(r"test(ing)?(set|data)?(?![a-z])", re.IGNORECASE),
}
"""How the name of a part's file begins: train.csv, train_01.csv, dev.jsonl."""


def files_of(source: Source) -> dict[str, Path]:
    """Part -> its file; "train" always, "validation" and "test" where they are given.

    A file named by an option comes before one found in the folder, and has that part alone.
    """
    data = Path(source.data)
    given = {"validation": source.validation, "test": source.test}
    named = {part: Path(name) for part, name in given.items() if name is not None}
    for path in (data, *named.values()):
        if not path.exists():
            raise no_such_file(path)
    for part, path in named.items():
        if path.is_dir():
            raise DataError(f"--{part} {path} is a folder.", "A file was expected.")
    taken = {path.resolve() for path in named.values()}
    if not data.is_dir():
        files = {"train": data, **named}
    else:
        found = _in_folder(data)
        files = {part: path for part, path in found.items() if path.resolve() not in taken} | named
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
        if path.is_file() and not path.name.startswith(".") and suffix_of(path) in formats()
    )
    found: dict[str, Path] = {}
    for part, name in NAMES.items():
        matching = [path for path in tables if name.match(path.name)]
        if len(matching) > 1:
            raise DataError(
                f"{folder}: {names_listed(path.name for path in matching)} all look like {part}.",
                "One file for each part was expected.",
                "Put their rows into one file, or name the files instead of the folder.",
            )
        if matching:
            found[part] = matching[0]
    return found or ({"train": tables[0]} if len(tables) == 1 else {})


def _no_train(folder: Path) -> DataError:
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return DataError(
        f"{folder}: no file here has a name that begins with train.",
        f"It holds {names_listed(names)}." if names else "The folder is empty.",
        "Name the file itself, and others with --validation and --test.",
    )

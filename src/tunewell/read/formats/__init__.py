"""Files to rows: one module a format, found by the ending of a file's name.

A module here is a format when it has `SUFFIXES` (endings in lower case, with the dot) and
`rows(path, tell)`, which yields `(row number, {column: text})` and hands what it finds on the way
to `tell`. It may have `label_names(path, column)` for formats that can carry the names of labels,
and `tables(path)` for those that can hold several tables by name: one is read as `path#name`. One
without endings is asked for by such a name alone: see `plain`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from tunewell.errors import DataError
from tunewell.read.formats import plain
from tunewell.read.opening import no_such_file
from tunewell.read.records import Rows, Tell
from tunewell.read.tables import file_and_table, no_such_table


@functools.cache
def formats() -> dict[str, ModuleType]:
    """Ending of a file's name -> the module that reads it."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return {suffix: module for module in modules for suffix in getattr(module, "SUFFIXES", ())}


def suffix_of(path: Path) -> str:
    """The ending that names the format: `.csv` for `a.csv` and `A.CSV.gz`.

    >>> suffix_of(Path("Reviews.CSV.gz"))
    '.csv'
    """
    return Path(path.name.lower().removesuffix(".gz").removesuffix(".xz")).suffix


def format_of(path: Path) -> ModuleType:
    """The module that reads this file; a DataError where none does."""
    known = formats()
    file, table = file_and_table(path)
    if not file.exists():
        raise no_such_file(file)
    if table == plain.TABLE and suffix_of(file) in plain.ENDINGS:
        return plain
    if suffix_of(file) not in known:
        raise DataError(
            f"{file}: files that end in {suffix_of(file)!r} cannot be read."
            if suffix_of(file)
            else f"{file}: a name without an ending such as .csv does not say what is in the file.",
            f"Known endings: {', '.join(sorted(known))}, each also with .gz or .xz.",
            "Save the table as CSV, or give the file the ending that fits.",
        )
    module = known[suffix_of(file)]
    if table and not hasattr(module, "tables"):
        raise no_such_table(path, [])
    return module


def tables_in(path: Path) -> list[str]:
    """The names of the tables in a file that holds some by name; [] where `path` is one table."""
    module, (_, table) = format_of(path), file_and_table(path)
    return module.tables(path) if hasattr(module, "tables") and not table else []


def read_rows(path: str | Path, tell: Tell = lambda fault: None) -> Rows:
    """The rows of a table: `(row number, {column: text})`, one after the other.

    Every cell is the string it is: `007` stays `007`, `NA` stays `NA`, an empty cell is "".
    Numbers and booleans of JSON and Parquet are their text (`7`, `0.5`, `true`), null is "".
    Row numbers are those of a spreadsheet in CSV, TSV and Excel (the header is row 1, blank rows
    count, a row over several lines is one), line numbers in JSONL, else they count from 1. `tell`
    gets what was guessed or made good, at the latest when the rows are at their end.

    Raises:
        DataError: with file, row and column or byte, where something cannot be read as it stands.
    """
    path = Path(path)
    rows: Rows = format_of(path).rows(path, tell)
    return rows


def stored_label_names(path: Path, column: str) -> dict[str, str]:
    """The names of a column's labels, where the file itself carries them; {} otherwise."""
    reader = getattr(format_of(path), "label_names", None)
    return reader(path, column) if reader else {}

"""Files that hold several tables: `reviews.xlsx#Sheet2` is a sheet, `data.json#train` a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewell.errors import DataError, did_you_mean
from tunewell.read.words import names_listed


def file_and_table(path: Path) -> tuple[Path, str]:
    """`reviews.xlsx#Sheet2` as a file and the table in it, which is "" where none is named.

    A file that is really called so comes first.
    """
    if "#" not in path.name or path.exists():
        return path, ""
    for end, character in enumerate(path.name):
        if character == "#" and end and path.with_name(path.name[:end]).is_file():
            return path.with_name(path.name[:end]), path.name[end + 1 :]
    return path, ""


def several_tables(path: Path, names: Sequence[str]) -> DataError:
    """The refusal of a file where one of several tables must be named."""
    return DataError(
        f"{path} holds {len(names)} tables: {names_listed(names)}.",
        "It is not clear which one is meant.",
        f"Name it after a #, in quotes: {str(path) + '#' + names[0]!r}.",
    )


def no_such_table(path: Path, names: Sequence[str]) -> DataError:
    """The refusal of a name after # that the file does not have."""
    file, table = file_and_table(path)
    if not names:
        return DataError(f"{file} holds one table without a name.", f"Leave out {'#' + table!r}.")
    return DataError(f"{file} holds no table {table!r}.", did_you_mean(table, names))

"""What was made good while a table was read, in sentences: names, and cells that are too many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewell.read.records import Fault, Tell, first_rows
from tunewell.read.words import columns_listed, many, rows_listed

RUN_OVER = 0.5
"""Share of the rows up to which something in a column without a name is no column of its own."""


def tell_unnamed(
    path: Path, names: Sequence[str], used: Sequence[int], total: int, tell: Tell
) -> None:
    """Columns without a name; `used` are those of the `total` rows that hold something in them.

    Where these are few, texts with a delimiter in them may have run over.
    """
    if not names:
        return
    one = len(names) == 1
    sentence = (
        f"{path}: {many(len(names), 'column')} {'has' if one else 'have'} no name; "
        f"{'it is' if one else 'they are'} called {columns_listed(names)} here"
    )
    if used:
        sentence += f", and {'holds' if one else 'hold'} something in {rows_listed(used)}"
    few = bool(used) and len(used) <= RUN_OVER * total
    tell(
        Fault(
            "unnamed_columns",
            "warning" if few else "note",
            sentence + ".",
            first_rows(used),
            len(used),
            "Look whether a text was cut in two there." if few else "",
            str(path),
        )
    )


def tell_alike(path: Path, names: Sequence[str], tell: Tell) -> None:
    """Columns that the file calls alike."""
    if names:
        sentence = (
            f"{path}: some columns have the same name; here they are {columns_listed(names)}."
        )
        tell(Fault("same_names", "note", sentence, source=str(path)))


def tell_empty_cells(path: Path, longer: Sequence[int], shorter: Sequence[int], tell: Tell) -> None:
    """Rows with empty cells after the last column, and rows that lack cells without a name."""
    for rows, verbs, what in (
        (longer, ("has", "have"), "empty cells after the last column, which are dropped"),
        (shorter, ("lacks", "lack"), "cells in columns without a name, which are empty"),
    ):
        if rows:
            verb = verbs[len(rows) > 1]
            sentence = f"{path}: {many(len(rows), 'row')} {verb} {what} ({rows_listed(rows)})."
            tell(Fault("uneven_rows", "note", sentence, first_rows(rows), len(rows), "", str(path)))

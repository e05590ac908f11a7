"""The rows of one file as examples, and the rows that are none."""

from __future__ import annotations

from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.cells import Nested
from tunewell.read.formats import read_rows
from tunewell.read.records import Columns, Fault, first_rows
from tunewell.read.swallowed import labels_inside, refuse_swallowed
from tunewell.read.words import many, rows_listed, shown
from tunewell.values import Example


def read_examples(path: Path, columns: Columns) -> tuple[list[Example], list[Fault]]:
    """Rows with a text and a label as examples; the others are left out and told.

    Raises:
        DataError: a chosen cell holds no text, or a stray quote has swallowed rows.
    """
    input, target, group = columns.input, columns.target or "", columns.group
    source = str(path)
    empty: list[int] = []
    unlabelled: list[int] = []
    several_lines: dict[int, list[str]] = {}
    examples: list[Example] = []
    labels: dict[str, str] = {}
    faults: list[Fault] = []
    for row, cells in read_rows(path, faults.append):
        text, label = cells.get(input, ""), cells.get(target, "")
        tie = (cells.get(group) or None) if group is not None else None
        if type(text) is Nested or type(label) is Nested or type(tie) is Nested:
            raise _no_text(path, row, columns, cells)
        if "\n" in (line := "".join(cells.values())) or "\r" in line:
            inside = labels_inside(cells, target)
            if inside:
                several_lines[row] = inside
        if not label or label.isspace():
            unlabelled.append(row)
        elif not text or text.isspace():
            empty.append(row)
        else:
            examples.append(Example(text, labels.setdefault(label, label), source, row, tie))
    refuse_swallowed(path, several_lines, {label.strip() for label in labels})
    faults += [
        Fault(
            kind,
            "warning",
            f"{source}: {many(len(rows), 'row')} {'has' if len(rows) == 1 else 'have'} no {what} "
            f"({rows_listed(rows)}). {'It is' if len(rows) == 1 else 'They are'} left out.",
            first_rows(rows),
            len(rows),
            remedy,
            source,
        )
        for kind, what, rows, remedy in (
            ("missing_label", "label", unlabelled, "Fill in the labels or delete the rows."),
            ("empty_text", "text", empty, "Fill in the texts or delete the rows."),
        )
        if rows
    ]
    return examples, faults


def read_texts(path: Path, column: str) -> tuple[list[str], list[Fault]]:
    """The cells of one column, one a row, be they empty or not; and what was found on the way.

    Raises:
        DataError: a cell holds no text.
    """
    columns = Columns(column, None, None, "")
    texts: list[str] = []
    faults: list[Fault] = []
    for row, cells in read_rows(path, faults.append):
        text = cells.get(column, "")
        if type(text) is Nested:
            raise _no_text(path, row, columns, cells)
        texts.append(text)
    return texts, faults


def _no_text(path: Path, row: int, columns: Columns, cells: dict[str, str]) -> DataError:
    chosen = [name for name in (columns.input, columns.target, columns.group) if name is not None]
    name = next(name for name in chosen if isinstance(cells.get(name), Nested))
    options = "--input NAME" if columns.target is None else "--input NAME or --target NAME"
    return DataError(
        f"{path}, row {row}, column {shown(name)}: this is {cells[name]}, not a text.",
        "A text, a number, true or false was expected.",
        f"Correct it, or choose another column with {options}.",
    )

"""The rows of one file as examples, and the rows that are none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewell.contracts import Task
from tunewell.errors import DataError, EmptyCell
from tunewell.read.cells import Nested, texts_in
from tunewell.read.formats import read_rows
from tunewell.read.named import option_for
from tunewell.read.records import Columns, Fault, first_rows
from tunewell.read.swallowed import labels_inside, refuse_swallowed
from tunewell.read.text import odd_character, odd_character_error
from tunewell.read.words import columns_listed, many, rows_listed, shown
from tunewell.values import Column, Example

EMPTY = {"target": "missing_label", "input": "empty_text"}
"""What rows without a cell are called among the faults."""


@dataclass(frozen=True)
class Cells:
    """The cells of one row by the task's names, from those by the file's."""

    path: Path
    columns: Columns
    wanted: tuple[Column, ...]
    remedy: str = field(init=False)

    def __post_init__(self) -> None:
        """Find out what is to be typed where another column is meant."""
        options = dict.fromkeys(f"{option_for(column)}NAME" for column in self.wanted)
        told = " or ".join(name.replace("NAME", " NAME").replace("= ", "=") for name in options)
        object.__setattr__(self, "remedy", f"Correct it, or choose another column with {told}.")

    def row(self, number: int, cells: Mapping[str, str]) -> dict[str, Any]:
        """`{name: cell}`; where several columns fill one, `{name: {column: cell}}`.

        Raises:
            DataError: a cell holds a list or an object where there may be none.
        """
        found: dict[str, Any] = {}
        for column in self.wanted:
            headers = self.columns.named[column.name]
            filled = {
                header: self._content(number, header, cells.get(header, ""), column)
                for header in headers
            }
            found[column.name] = filled if len(headers) > 1 else filled[headers[0]]
        return found

    def _content(self, number: int, header: str, cell: str, column: Column) -> Any:
        if type(cell) is not Nested:
            return cell
        if not column.nested or cell.value is None:  # None: an error in a cell of Excel
            raise self.no_text(number, header, cell)
        for text in texts_in(cell.value):
            if what := odd_character(text):
                place = f"{self.path}, row {number}, column {shown(header)}"
                raise odd_character_error(place, what)
        return cell.value

    def no_text(self, number: int, header: str, cell: str) -> DataError:
        """The refusal of a list or an object."""
        return DataError(
            f"{self.path}, row {number}, column {shown(header)}: this is {cell}, not a text.",
            "A text, a number, true or false was expected.",
            self.remedy,
        )

    def located(self, error: DataError, where: str) -> DataError:
        """The same refusal with the user's own name of the column in it."""
        headers = self.columns.named.get(error.column, ())
        if not headers or not error.found.startswith(where):
            return error
        word = "column" if len(headers) == 1 else "columns"
        found = f"{where}, {word} {columns_listed(headers)}{error.found[len(where) :]}"
        return DataError(found, error.expected, error.remedy)


def read_examples(path: Path, columns: Columns, task: Task) -> tuple[list[Example], list[Fault]]:
    """Rows that the task can read as examples; those that lack something are left out and told.

    Raises:
        DataError: a cell holds what the task cannot read, or a stray quote has swallowed rows.
    """
    wanted = tuple(column for column in task.columns if column.name in columns.named)
    needed = sorted((c for c in wanted if c.needed), key=lambda column: not column.target)
    reader, source, group = Cells(path, columns, wanted), str(path), columns.group
    labels_in = next((columns.named[c.name][0] for c in wanted if c.looks == "labels"), "")
    left_out: dict[str, list[int]] = {column.name: [] for column in needed}
    several_lines: dict[int, list[str]] = {}
    examples: list[Example] = []
    labels: dict[Any, Any] = {}
    faults: list[Fault] = []
    for number, cells in read_rows(path, faults.append):
        row = reader.row(number, cells)
        tie = (cells.get(group) or None) if group is not None else None
        if type(tie) is Nested:
            raise reader.no_text(number, group or "", tie)
        if "\n" in (line := "".join(cells.values())) or "\r" in line:
            inside = labels_inside(cells, labels_in)
            if inside:
                several_lines[number] = inside
        empty = next((c.name for c in needed if _is_missing(row[c.name], c)), None)
        if empty is None:
            where = f"{source}, row {number}"
            try:
                read = task.read(row, where)
            except EmptyCell as error:
                left_out.setdefault(error.column, []).append(number)
                continue
            except DataError as error:
                raise reader.located(error, where) from None
            target = read.target
            if type(target) is str:
                target = labels.setdefault(target, target)
            tie = tie if group is not None else read.group
            examples.append(Example(read.input, target, source, number, tie, read.during))
        else:
            left_out[empty].append(number)
    refuse_swallowed(path, several_lines, {label.strip() for label in labels})
    by_name = {column.name: column for column in wanted}
    faults += [_told(by_name[name], source, rows) for name, rows in left_out.items() if rows]
    return examples, faults


def read_inputs(path: Path, columns: Columns, task: Task) -> tuple[list[Any], list[Fault]]:
    """The input of each row, None where it lacks something; and what was found on the way.

    Raises:
        DataError: a cell holds what the task cannot read.
    """
    wanted = tuple(column for column in task.columns if column.name in columns.named)
    reader = Cells(path, columns, wanted)
    inputs: list[Any] = []
    faults: list[Fault] = []
    for number, cells in read_rows(path, faults.append):
        where = f"{path}, row {number}"
        try:
            inputs.append(task.input(reader.row(number, cells), where))
        except EmptyCell:
            inputs.append(None)
        except DataError as error:
            raise reader.located(error, where) from None
    return inputs, faults


def _is_missing(cell: Any, column: Column) -> bool:
    """Whether a row lacks what it needs; an empty list of JSON says that nothing is right."""
    if column.target and column.nested and isinstance(cell, (dict, list)):
        return False
    return _is_empty(cell)


def _is_empty(cell: Any) -> bool:
    """Whether there is nothing in a cell, or in any of those that fill one together."""
    if isinstance(cell, str):
        return not cell or cell.isspace()
    if isinstance(cell, list):
        return False  # a list of nothing may be an answer: the task says
    return not cell or (isinstance(cell, dict) and all(map(_is_empty, cell.values())))


def _told(column: Column, source: str, rows: Sequence[int]) -> Fault:
    have, are = ("has", "It is") if len(rows) == 1 else ("have", "They are")
    return Fault(
        EMPTY.get(column.name, f"empty_{column.name}"),
        "warning",
        f"{source}: {many(len(rows), 'row')} {have} no {column.one} ({rows_listed(rows)}). "
        f"{are} left out.",
        first_rows(rows),
        len(rows),
        f"Fill in the {column.holds} or delete the rows.",
        source,
    )


def sample_of(
    rows: Iterable[Mapping[str, str]], path: Path, columns: Columns, task: Task
) -> list[dict[str, Any]]:
    """Rows of named cells for `Task.look`."""
    wanted = tuple(column for column in task.columns if column.name in columns.named)
    reader = Cells(path, columns, wanted)
    found = []
    for number, cells in enumerate(rows, start=1):
        with contextlib.suppress(DataError):  # told with its place when the rows are read
            found.append(reader.row(number, cells))
    return found

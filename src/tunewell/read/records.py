"""What the user asks for and what reading gives back: frozen records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from tunewell.contracts import Task
from tunewell.values import Example

Severity = Literal["error", "warning", "note"]
ROWS_KEPT = 20


@dataclass(frozen=True)
class Source:
    """Where the rows are and how they are to be read."""

    data: str
    """A table of texts and labels (.csv, .tsv, .txt, .xlsx, .json, .jsonl or .parquet, also with
    .gz), or a folder with train, validation and test files. `reviews.xlsx#Sheet2` is a sheet, and
    `reviews.json#train` a list in an object."""
    input: str | None = None
    """The column that holds the texts; several where a row has more than one text, separated by
    commas: `premise,hypothesis`. Not given: found by names and content, and shown."""
    target: str | None = None
    """The column that holds the labels; several where each label has its own, with 0 and 1 in it.
    Not given: found by names and content, and shown."""
    columns: str | None = None
    """Columns of other tasks by what the task calls them: `question=Frage,passage=Text`;
    `tunewell tasks answer` lists them. Several for one are separated by commas:
    `choices=A,B,C,answer=Key`. Not given: found by names, and shown."""
    group: str | None = None
    """A column whose equal values belong together, such as the author's name: such rows stay on
    one side of the split, and intervals are over groups of them, which are wider."""
    validation: str | None = None
    """A file of rows to choose settings on. Not given: one fifth of the training rows."""
    test: str | None = None
    """A file of rows to score on. Not given: one fifth of all rows."""
    rows: int | None = None
    """Use at most so many training rows, drawn class by class. Not given: all. Validation is then
    kept to a quarter of that, or to 200 rows if that is more."""
    test_rows: int | None = None
    """Use at most so many test rows, drawn class by class. Not given: all."""
    label_names: str | None = None
    """Names for labels that are numbers: `0=negative,1=positive`, or a file with them (a name a
    line, lines such as `0=negative`, a JSON object or list, or a table with the columns label and
    name). Not given: labels.txt, classes.txt or the like beside the data, where it fits."""
    task: str = "classify"
    """What goes in and what counts as right; `tunewell tasks` lists them."""


@dataclass(frozen=True)
class Columns:
    """Which columns are read, and why these."""

    input: str | None
    """That of the texts, as `--input` names it; None where the task has no such column."""
    target: str | None
    group: str | None
    why: str
    """A sentence that says how they were found."""
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the task calls a column -> the columns of the file that fill it."""


@dataclass(frozen=True)
class Fault:
    """Something that the user should know about the rows."""

    kind: str
    """A short fixed name, such as `missing_label`."""
    severity: Severity
    sentence: str
    """What was found and what is done about it."""
    rows: tuple[int, ...] = ()
    """The first 20 rows concerned, as the file numbers them."""
    count: int = 0
    """How many rows are concerned."""
    remedy: str = ""
    """What the user can do; empty where nothing is needed."""
    source: str = ""
    """The file that the row numbers belong to."""


Rows = Iterator[tuple[int, dict[str, str]]]
"""Row numbers and cells by the names of their columns."""
Tell = Callable[[Fault], None]
"""Takes what is found while a file is read."""


@dataclass(frozen=True)
class Data:
    """The rows in their three parts. Validation chooses, test scores, neither is trained on."""

    columns: Columns
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    faults: tuple[Fault, ...]
    """What was found while reading; `check` adds what the rows in use show."""
    fingerprint: str
    """SHA-256 over inputs, targets and parts, in order; names of files do not count."""
    task: Task
    """As it reads rows; what it learns from them it learns later."""
    label_names: dict[str, str] = field(default_factory=dict)
    """Label to name; empty where none were given."""
    found: dict[str, Any] = field(default_factory=dict)
    """What the task saw in the rows before it read them (`Task.look`)."""
    leaked: tuple[int, ...] = ()
    """Places in `test`, from 0, of rows whose text stands in train or validation as well, be it
    with other case, punctuation or space. Rows that we divided ourselves have none."""

    @property
    def parts(self) -> dict[str, tuple[Example, ...]]:
        """The three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def sizes(self) -> dict[str, int]:
        """Rows in each part."""
        return {name: len(part) for name, part in self.parts.items()}


def first_rows(rows: Iterable[int]) -> tuple[int, ...]:
    """The rows that a fault names."""
    return tuple(islice(rows, ROWS_KEPT))

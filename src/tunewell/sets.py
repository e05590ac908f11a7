"""Several labels of one row: how a file writes them down, and how a cell of it is read."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunewell.errors import DataError, EmptyCell

Separator = Literal["bar", "semicolon", "comma", "single"]
"""What a user calls what stands between labels; `single` is nothing."""
CALLED = {"bar": "|", "semicolon": ";", "comma": ",", "single": None}
SEPARATORS = ("|", ";", ",")
"""What may stand between the labels in one cell."""
RARE = ("|", ";")
"""Those that hardly ever stand in a label itself."""
NONE = "none"
"""How a text says that no label fits."""
MOSTLY = 0.8
SOME = 0.1
"""The share of lists from which on they are no oversight."""
MOST_ALONE = 20
"""Labels up to which it is not asked how many stand in one row only."""
YES = ("1", "1.0", "true", "yes", "x")
NO = ("0", "0.0", "false", "no", "")
FORMS = 'A list such as ["joy", "fear"] was expected, or a column of 0 and 1 for each label.'


def separator_in(cells: Sequence[str]) -> str | None:
    """What stands between the labels in these cells; None where each is one label.

    Labels come back in other company: `joy;fear` beside `fear` and `joy;love`. A label that
    merely has a comma in it, such as `Arts, Culture`, has parts that occur nowhere else.

    Raises:
        DataError: it may be both, or there are two separators.

    >>> separator_in(["joy;fear", "fear", "joy"]), separator_in(["Arts, Culture", "Sport"])
    (';', None)
    """
    distinct = sorted({cell.strip() for cell in cells if cell.strip()})
    judged = {each: _recurring(distinct, each) for each in SEPARATORS}
    sure = [each for each, share in judged.items() if share >= MOSTLY or (each in RARE and share)]
    unsure = [each for each, share in judged.items() if 0 < share < MOSTLY and each not in sure]
    if len(sure) == 1 and sure[0] == "," and _may_be_decimals(distinct):
        sure, unsure = [], [","]
    if len(sure) == 1:
        return sure[0]
    if not sure and not unsure:
        return None
    doubtful = sure or unsure
    example = next(cell for cell in distinct if doubtful[0] in cell)
    raise DataError(
        f"{example!r} may be one label, or several with {' or '.join(map(repr, doubtful))} "
        "between them.",
        "It must be clear from the rows whether a cell holds one label or several.",
        "Say --classify.separator comma, semicolon or bar, or single if a cell is one label.",
    )


def _recurring(distinct: Sequence[str], separator: str) -> float:
    """The share of cells with several parts that come back elsewhere, all of them.

    Of a separator that hardly ever stands in a label, one part that comes back is enough.
    """
    parts = [set(parted(cell, separator)) for cell in distinct]
    times = Counter(part for each in parts for part in each)
    several = [each for each in parts if len(each) > 1]
    if not several:
        return 0.0
    enough = any if separator in RARE else all
    return sum(enough(times[part] > 1 for part in each) for each in several) / len(several)


def _may_be_decimals(distinct: Sequence[str]) -> bool:
    """Whether all these may be numbers with a comma for their point: `3,5`."""
    parts = [parted(cell, ",") for cell in distinct]
    return all(len(each) <= 2 and all(part.isdecimal() for part in each) for each in parts)


def parted(cell: str, separator: str) -> list[str]:
    """The parts of a cell without the space around them; empty ones are none."""
    return [part.strip() for part in cell.split(separator) if part.strip()]


@dataclass(frozen=True)
class Form:
    """How the labels of a row are written down."""

    several: bool = False
    """Whether a row may have several."""
    separator: str | None = None
    """What stands between several in one cell."""
    told: str = ""
    """A sentence on it."""


def form_of(cells: Sequence[Any], said: Separator | None = None) -> Form:
    """How labels are written in these cells: as the user says, or DataError as `separator_in`."""
    listed = [isinstance(cell, (dict, list)) or _list_in(cell) is not None for cell in cells]
    if sum(listed) > len(cells) * SOME:
        columns = any(isinstance(cell, dict) for cell in cells)
        told = "in columns of 0 and 1" if columns else "in a list"
        return Form(True, None, f"A row may have several labels, {told}.")
    texts = [cell for cell in cells if isinstance(cell, str)]
    separator = separator_in(texts) if said is None else CALLED[said]
    if separator is None:
        return Form()
    return Form(True, separator, f"A row may have several labels, with {separator!r} between them.")


def labels_of(cell: Any, separator: str | None, where: str) -> tuple[str, ...]:
    """The labels in a cell, each once, in the order in which they stand there.

    Args:
        cell: `{label: 0 or 1}`, a list, a list written as a text, or a text with separators.
        separator: None where a text is one label.

    Raises:
        EmptyCell: there is nothing in the cell; a list of nothing says that there is no label.
        DataError: it is none of these.
    """
    if isinstance(cell, dict):
        return tuple(label for label, given in cell.items() if _given(label, given, where))
    if isinstance(cell, str):
        listed = _list_in(cell)
        if listed is None:
            if not cell.strip():
                found = f"{where}: the labels are empty."
                raise EmptyCell(found, "Each row needs its labels.", column="target")
            listed = parted(cell, separator) if separator else [cell]
        cell = listed
    if not isinstance(cell, (list, tuple)):
        raise EmptyCell(f"{where}: the labels are empty.", FORMS, column="target")
    for label in cell:
        if not isinstance(label, str) or not label.strip():
            raise DataError(f"{where}: {label!r} is no label.", FORMS, column="target")
    return tuple(dict.fromkeys(label.strip() for label in cell))


def _given(label: str, cell: Any, where: str) -> bool:
    """Whether a column of 0 and 1 gives a row its label."""
    said = str("" if cell is None else cell).strip().casefold()
    if said in YES or said in NO:
        return said in YES
    raise DataError(
        f"{where}: {str(cell)[:40]!r} under {label!r} is neither 0 nor 1.",
        "1 was expected where the row has the label, and 0 where it has not.",
        column="target",
    )


def _list_in(cell: Any) -> list[Any] | None:
    """The list that a text writes down, as JSON or as Python has it; None where it does not."""
    text = cell.strip() if isinstance(cell, str) else ""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if not isinstance(value, list):
        return None
    return [item if isinstance(item, str) else str(item) for item in value]


def said(target: Any, named: Callable[[str], str]) -> str:
    """A label in words, or several with `;` between them."""
    if isinstance(target, str):
        return named(target)
    return "; ".join(map(named, target)) or NONE


def understood(text: str, names: Mapping[str, str], several: bool) -> Any:
    """The label that the first line of a model's text names, by itself or in words.

    Of several all must be known; None where that is not so.

    Args:
        names: each label in words.
    """
    lines = text.strip().splitlines()
    first = lines[0].strip(_AROUND).casefold() if lines else ""
    if several and first == NONE:
        return ()
    parts = first.split(";") if several else [first]
    found = [_called(part.strip(_AROUND), names) for part in parts]
    if None in found:
        return None
    return tuple(label for label in names if label in found) if several else found[0]


_AROUND = " .\"'`"


def _called(said: str, names: Mapping[str, str]) -> str | None:
    for label, name in names.items():
        if said in (label.casefold(), name.casefold()):
            return label
    return None


def refuse_unlearnable(targets: Sequence[Sequence[str]]) -> None:
    """DataError where all rows have the same labels, or nearly every label stands in one row only.

    The latter are texts, and no labels.
    """
    if len(set(targets)) < 2:
        raise DataError(
            f"All {len(targets)} training rows have the same labels.",
            "Rows that differ are expected, as there is nothing to learn otherwise.",
        )
    rows = Counter(label for target in targets for label in set(target))
    alone = sum(count == 1 for count in rows.values())
    if len(rows) > MOST_ALONE and alone > 0.9 * len(rows):
        raise DataError(
            f"{alone:,} of {len(rows):,} labels stand in one row only.",
            "A label is learnt from several rows that have it.",
            "Name the column of the labels with --target; texts are written by --task summarise.",
        )

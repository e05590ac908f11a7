"""Inputs that are a text, or several that belong together: `"a"` or `("a", "b")`; and numbers."""

from __future__ import annotations

import math
from typing import Any

from tunewell.errors import DataError, EmptyCell


def texts_of(input: str | tuple[str, ...]) -> tuple[str, ...]:
    """The texts of an input, be it one or several."""
    return (input,) if isinstance(input, str) else tuple(input)


def one_line(text: str) -> str:
    """A text with single spaces for its line breaks, as it stands in a question."""
    return " ".join(text.split())


def filled(row: dict[str, Any], column: str, where: str) -> str:
    """The text of a cell; EmptyCell where there is none."""
    cell = row.get(column)
    if not isinstance(cell, str) or not cell.strip():
        raise EmptyCell(f"{where}: the {column} is empty.", "Each row needs one.", column=column)
    return cell


def lines_of(input: str | tuple[str, ...], ending: str) -> str:
    """The texts as they stand in a question, with what begins the answer behind them.

    >>> lines_of(("a", "b"), "Label:").splitlines()
    ['Text 1: a', 'Text 2: b', 'Label:']
    """
    texts = texts_of(input)
    numbers = [""] if len(texts) == 1 else [f" {n}" for n in range(1, len(texts) + 1)]
    flat = [" ".join(text.split()) for text in texts]
    lines = [f"Text{number}: {text}" for number, text in zip(numbers, flat, strict=True)]
    return "\n".join([*lines, ending])


def text_or_texts(cell: Any, where: str, width: int = 0) -> str | tuple[str, ...]:
    """The input in a cell, or in a list or several columns of cells.

    Args:
        width: how many texts the rows had that a model learnt from; 0 where that is not known.

    Raises:
        EmptyCell: a text is empty.
        DataError: there are more texts or fewer than the model learnt from.
    """
    several = isinstance(cell, (dict, list, tuple))
    texts = tuple(cell.values() if isinstance(cell, dict) else cell) if several else (cell,)
    for text in texts or (None,):
        if not isinstance(text, str) or not text.strip():
            raise EmptyCell(
                f"{where}: the text is empty.", "Each row needs a text.", column="input"
            )
    if width and len(texts) != width:
        raise DataError(
            f"{where}: {len(texts)} {'text' if len(texts) == 1 else 'texts'}, where this model "
            f"learnt from rows with {width}.",
            'Texts that belong together are a list: {"input": ["...", "..."]}.',
            column="input",
        )
    return texts if several and len(texts) > 1 else texts[0]


def number_in(text: str) -> float | None:
    """A finite number, also with a comma for its point: `3,5`; None where it is none.

    What may be thousands (`1,000`) is none: a guess could be wrong by a thousand times.

    >>> number_in(" 3.5 "), number_in("3,5"), number_in("1,000"), number_in("nan")
    (3.5, 3.5, None, None)
    """
    text = text.strip().replace("−", "-")
    whole, comma, part = text.partition(",")
    if comma and len(part) != 3:
        text = f"{whole}.{part}"
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

"""Numbers, row numbers and names as they stand in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

ROWS_IN_A_SENTENCE = 5
NAMES_IN_A_SENTENCE = 10
COLUMNS_IN_A_SENTENCE = 20
LONGEST_NAME = 40


def many(count: int, word: str) -> str:
    """A count with its noun.

    >>> many(1, "row"), many(1200, "row"), many(2, "class")
    ('1 row', '1,200 rows', '2 classes')
    """
    ending = "" if count == 1 else "es" if word.endswith("s") else "s"
    return f"{count:,} {word}{ending}"


def rows_listed(rows: Sequence[int], count: int | None = None) -> str:
    """The first row numbers and how many more there are.

    >>> rows_listed([7]), rows_listed([2, 5]), rows_listed([1, 2, 3, 4, 5, 6], 90)
    ('row 7', 'rows 2, 5', 'rows 1, 2, 3, 4, 5 and 85 more')
    """
    count = len(rows) if count is None else count
    first = ", ".join(map(str, rows[:ROWS_IN_A_SENTENCE]))
    left = count - min(len(rows), ROWS_IN_A_SENTENCE)
    return f"{'row' if count == 1 else 'rows'} {first}" + (f" and {left:,} more" if left else "")


def shown(name: str) -> str:
    """A name in quotes, on one line, cut where it is long.

    >>> shown("a\\nb")
    "'a\\\\nb'"
    """
    return repr(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")


def columns_listed(names: Iterable[str]) -> str:
    """Names of columns in quotes, the first twenty of them."""
    return names_listed(names, COLUMNS_IN_A_SENTENCE)


def names_listed(names: Iterable[str], most: int = NAMES_IN_A_SENTENCE) -> str:
    """Names in quotes, the first `most` of them."""
    names = list(names)
    left = len(names) - most
    first = ", ".join(shown(name) for name in names[:most])
    return first + (f" and {left:,} more" if left > 0 else "")

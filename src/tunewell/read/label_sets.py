"""What there is to tell of rows that may have several labels: how many, and which have none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tunewell.read.records import Data, Fault, first_rows
from tunewell.read.words import many, rows_listed

MOST_LISTED = 6


def label_sets(data: Data) -> Iterable[Fault]:
    """How many labels the rows have, and the training rows with none."""
    counts = Counter(len(e.target) for part in data.parts.values() for e in part)
    rows = sum(counts.values())
    mean = sum(labels * times for labels, times in counts.items()) / rows
    listed = ", ".join(
        f"{counts[labels]:,} {'none' if not labels else 'one' if labels == 1 else labels}"
        for labels in sorted(counts)[:MOST_LISTED]
    )
    more = ", ..." if len(counts) > MOST_LISTED else ""
    yield Fault(
        "label_sets",
        "note",
        f"The {many(rows, 'row')} in use have {mean:.2g} labels on average, "
        f"{max(counts)} at most: {listed}{more}.",
        count=rows,
    )
    without = [example.row for example in data.train if not example.target]
    if without:
        yield Fault(
            "no_label",
            "note",
            f"{many(len(without), 'training row')} {'has' if len(without) == 1 else 'have'} no "
            f"label ({rows_listed(without)}). They teach when to give none.",
            first_rows(without),
            len(without),
            "Leave rows out that nobody has labelled yet.",
            data.train[0].source,
        )

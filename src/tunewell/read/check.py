"""What is wrong with the rows, and what is done about it: in sentences, with row numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import sqrt

from tunewell.kinds import labels_in, unequal
from tunewell.read.label_sets import label_sets
from tunewell.read.lengths import lengths
from tunewell.read.overlaps import repeated, shared
from tunewell.read.records import Data, Fault, first_rows
from tunewell.read.words import many, names_listed, rows_listed, shown
from tunewell.values import Example

FEW_PER_CLASS = 10
"""Training rows below which a class is hardly learnt."""
DISAGREEMENT = 0.2
WIDE_POINTS = 10.0


def check(
    data: Data,
    count_tokens: Callable[[Sequence[str]], list[int]] | None = None,
    max_length: int | None = None,
) -> tuple[Fault, ...]:
    """Everything worth telling about the rows: what reading found, then what the rows show.

    Args:
        data: the rows in use.
        count_tokens: gives the tokens of each text; without it, lengths are told in words.
        max_length: tokens that a row may have; how much longer rows lose is told.
    """
    one_label = data.task.answers == "label"
    return (
        *data.faults,
        *(_classes(data) if one_label or data.task.answers == "labels" else ()),
        *(label_sets(data) if data.task.answers == "labels" else ()),
        *(_label_variants(data) if one_label or data.task.answers == "labels" else ()),
        *(
            fault
            for rows in by_source(data).values()
            for fault in repeated(rows, data.task.texts, one_label)
        ),
        *shared(data),
        *lengths(data, count_tokens, max_length),
        _resolution(data),
    )


def separable_points(test_rows: int, disagreement: float = DISAGREEMENT) -> float:
    """The smallest difference of two accuracies, in points, that a test set can show.

    Two methods that disagree in being right on a share d of n rows differ by d at most, and the
    difference has a standard error of about sqrt(d / n) (McNemar's paired design); 1.96 of these
    are the 95 % limit. Methods that are right in about 80 % of cases disagree on about 20 %.

    >>> round(separable_points(200)), round(separable_points(2000))
    (6, 2)
    """
    return min(100.0, 100 * 1.96 * sqrt(disagreement / test_rows))


def by_source(data: Data) -> dict[str, list[Example]]:
    """The examples of each file, in the order of its rows."""
    files: dict[str, list[Example]] = {}
    for part in data.parts.values():
        for example in part:
            files.setdefault(example.source, []).append(example)
    return {name: sorted(rows, key=lambda example: example.row) for name, rows in files.items()}


def _classes(data: Data) -> Iterable[Fault]:
    """Small classes, unequal ones, and those that train does not have."""
    sizes = Counter(label for example in data.train for label in labels_in(example.target))
    small = sorted(label for label, size in sizes.items() if size < FEW_PER_CLASS)
    if small:
        few = set(small)
        rows = [e.row for e in data.train if few.intersection(labels_in(e.target))]
        yield Fault(
            "small_class",
            "warning",
            f"{many(len(small), 'class')} {'has' if len(small) == 1 else 'have'} fewer than "
            f"{FEW_PER_CLASS} training rows: {names_listed(small)} ({rows_listed(rows)}). "
            "No method learns much from so few.",
            first_rows(rows),
            len(rows),
            "Add rows of these classes, or merge them with others.",
            data.train[0].source,
        )
    if data.task.answers == "label" and unequal(example.target for example in data.train):
        label, most = max(sizes.items(), key=lambda item: item[1])
        least = min(sizes.values())
        yield Fault(
            "unequal_classes",
            "warning",
            f"The classes are unequal: {shown(label)} has {many(most, 'training row')}, the "
            f"smallest class {least:,}. Macro F1, where each class counts the same, "
            "decides unless --metric says otherwise.",
            count=most,
            remedy=f"--{data.task.name}.class_weights balanced makes them count the same in "
            "training as well; compare with and without.",
        )
    for part in ("validation", "test"):
        unseen = [e for e in data.parts[part] if not sizes.keys() >= {*labels_in(e.target)}]
        if unseen:
            rows = [example.row for example in unseen]
            labels = sorted({label for e in unseen for label in labels_in(e.target)} - {*sizes})
            yield Fault(
                "unseen_class",
                "warning",
                f"{many(len(rows), f'{part} row')} ({rows_listed(rows)}) "
                f"{'has' if len(rows) == 1 else 'have'} labels that train does not have: "
                f"{names_listed(labels)}. Every method is wrong there.",
                first_rows(rows),
                len(rows),
                "Correct the labels, or add training rows of these classes.",
                unseen[0].source,
            )


def _label_variants(data: Data) -> Iterable[Fault]:
    """Labels that differ only by case and space."""
    targets = (example.target for part in data.parts.values() for example in part)
    sizes = Counter(label for target in targets for label in labels_in(target))
    same: dict[str, list[str]] = {}
    for label in sorted(sizes, key=lambda each: (-sizes[each], each)):
        same.setdefault(" ".join(label.casefold().split()), []).append(label)
    rare = {label for labels in same.values() for label in labels[1:]}
    for source, examples in by_source(data).items() if rare else ():
        rows = [e.row for e in examples if rare.intersection(labels_in(e.target))]
        if rows:
            alike = [" and ".join(map(shown, labels)) for labels in same.values() if labels[1:]]
            yield Fault(
                "label_variants",
                "warning",
                f"Labels that differ only by case or space: {'; '.join(alike[:5])} (in {source} "
                f"{rows_listed(rows)}). They are different classes as they stand.",
                first_rows(rows),
                len(rows),
                "Write each label in one way.",
                source,
            )


def _resolution(data: Data) -> Fault:
    points = separable_points(len(data.test))
    return Fault(
        "resolution",
        "warning" if points > WIDE_POINTS else "note",
        f"With {many(len(data.test), 'test row')}, differences under {points:.2g} "
        f"points cannot be seen.",
        count=len(data.test),
        remedy="Add test rows." if points > WIDE_POINTS else "",
    )

"""Dividing rows into parts, class by class, with groups and near-duplicates kept on one side."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from tunewell.errors import DataError
from tunewell.read.near import Texts, one_text, units
from tunewell.read.words import names_listed
from tunewell.values import Example

TEST_SHARE = 0.2
"""Of all rows, where no test file is given."""
VALIDATION_SHARE = 0.2
"""Of the rows that are not test, where no validation file is given."""
MIN_CLASSES = 2


def shares(with_validation: bool, with_test: bool) -> dict[str, float]:
    """What part of the rows each part gets that has no file of its own; they sum to 1.

    >>> shares(with_validation=False, with_test=True)
    {'train': 0.8, 'validation': 0.2}
    """
    test = 0.0 if with_test else TEST_SHARE
    validation = 0.0 if with_validation else VALIDATION_SHARE * (1 - test)
    parts = {"train": 1 - test - validation, "test": test, "validation": validation}
    return {name: share for name, share in parts.items() if share > 0}


def split(
    examples: Sequence[Example],
    parts: Mapping[str, float],
    seed: int,
    texts: Texts = one_text,
    by_class: bool = True,
) -> dict[str, list[Example]]:
    """Divide examples by the shares of `parts`, "train" first.

    The split depends on the examples, their order and `seed` only. A class with as many units
    (texts that are not near-duplicates, in different groups) as there are parts is in each part
    if groups allow it; with fewer units it is in the first parts. Targets that are no single
    labels are all of one class.

    Args:
        texts: `Task.texts`.
        by_class: whether targets are labels, each a class.

    Raises:
        DataError: where not even two classes, or not the only one, can be in every part.
    """
    bundles = units(examples, texts)
    classes = [example.target if by_class else "" for example in examples]
    least = MIN_CLASSES if by_class else 1
    random.Random(seed).shuffle(bundles)
    counts = [Counter(classes[index] for index in bundle) for bundle in bundles]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, count in enumerate(counts):
        for label in count:
            holders[label].append(number)
    enough = [label for label, numbers in holders.items() if len(numbers) >= len(parts)]
    if len(enough) < least:
        raise _too_few(examples, enough, len(parts), by_class)

    totals = Counter(classes)
    filled = {part: dict.fromkeys(totals, 0) for part in parts}
    placed: dict[int, str] = {}

    def place(number: int, part: str) -> None:
        placed[number] = part
        for label, rows in counts[number].items():
            filled[part][label] += rows

    def fullness(number: int, part: str) -> float:
        """How full of its labels the part would be with these rows added."""
        full = 0.0
        for label, rows in counts[number].items():
            full += rows * (filled[part][label] + rows) / (parts[part] * totals[label])
        return full

    for label in sorted(holders, key=lambda each: (totals[each], each)):
        by_size = sorted(holders[label], key=lambda number: len(bundles[number]))
        for part in list(parts)[: len(by_size)]:
            order = reversed(by_size) if part == "train" else by_size
            free = next((number for number in order if number not in placed), None)
            if free is not None and not filled[part][label]:
                place(free, part)

    for number in sorted(range(len(bundles)), key=lambda each: -len(bundles[each])):
        if number not in placed:
            place(number, min(parts, key=lambda part: fullness(number, part)))

    members: dict[str, list[int]] = {part: [] for part in parts}
    for number, part in placed.items():
        members[part] += bundles[number]
    learnt = {classes[index] for index in members["train"]}
    if len(learnt) < least or not all(members.values()):
        raise _too_few(examples, sorted(learnt), len(parts), by_class)
    return {part: [examples[index] for index in sorted(each)] for part, each in members.items()}


def _too_few(
    examples: Sequence[Example], enough: Sequence[str], parts: int, by_class: bool
) -> DataError:
    grouped = any(example.group is not None for example in examples)
    what = "different texts in different groups" if grouped else "different texts"
    found = f"only {names_listed(enough)} has that many" if enough else "no class has that many"
    expected = f"At least two classes need {parts} or more {what}; {found}."
    if not by_class:
        expected = f"{parts} or more {what} are needed."
    return DataError(
        f"{examples[0].source}: too few rows to divide them into {parts} parts.",
        expected,
        "Add rows, or name files of your own with --validation and --test.",
    )


def sample(
    examples: Sequence[Example], rows: int, seed: int, by_class: bool = True
) -> list[Example]:
    """At most `rows` examples, class by class in proportion, in their order.

    Each class keeps one at least where `rows` allows it. A smaller sample with the same seed is
    part of a larger one, but for a row or two of rounding.
    """
    if len(examples) <= rows:
        return list(examples)
    members: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        members[example.target if by_class else ""].append(index)
    largest_first = sorted(members, key=lambda label: (-len(members[label]), label))
    kept = dict.fromkeys(largest_first[:rows], 1)
    wanted = {label: rows * len(members[label]) / len(examples) for label in kept}
    for label in kept:
        kept[label] = max(1, int(wanted[label]))
    while sum(kept.values()) != rows:
        if sum(kept.values()) < rows:
            growing = [label for label in kept if kept[label] < len(members[label])]
            kept[max(growing, key=lambda label: wanted[label] - kept[label])] += 1
        else:
            shrinking = [label for label in kept if kept[label] > 1]
            kept[max(shrinking, key=lambda label: kept[label] - wanted[label])] -= 1
    generator = random.Random(seed)
    chosen: list[int] = []
    for label in sorted(members):
        generator.shuffle(members[label])
        chosen += members[label][: kept.get(label, 0)]
    return [examples[index] for index in sorted(chosen)]

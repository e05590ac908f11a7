"""Texts that stand more than once: in one file, with two labels, or in two parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tunewell.read.near import Texts, near_keys, one_text
from tunewell.read.records import Data, Fault, first_rows
from tunewell.read.words import many, rows_listed
from tunewell.values import Example


def repeated(
    examples: Sequence[Example], texts: Texts = one_text, contradict: bool = True
) -> Iterable[Fault]:
    """Duplicates, near-duplicates and contradictions among the rows of one file.

    Args:
        texts: `Task.texts`.
        contradict: whether equal texts with other targets contradict each other.
    """
    source = examples[0].source
    seen: dict[tuple[str, ...], Example] = {}
    keys: set[str] = set()
    exact: list[int] = []
    near: list[int] = []
    conflicts: dict[tuple[str, ...], list[int]] = {}
    for example in examples:
        own = texts(example.input)
        first = seen.setdefault(own, example)
        if first is not example:
            exact.append(example.row)
            if contradict and first.target != example.target:
                conflicts.setdefault(own, [first.row]).append(example.row)
            continue
        key = near_keys(own)
        if key in keys:
            near.append(example.row)
        keys.add(key)
    if exact:
        yield Fault(
            "duplicates",
            "note",
            f"{source}: {many(len(exact), 'row')} {_repeat(exact)} the text of an earlier row "
            f"({rows_listed(exact)}). Kept, all in the same part.",
            first_rows(exact),
            len(exact),
            source=source,
        )
    if near:
        yield Fault(
            "near_duplicates",
            "note",
            f"{source}: {many(len(near), 'row')} {_repeat(near)} an earlier row but for case, "
            f"punctuation or space ({rows_listed(near)}). Kept, all in the same part.",
            first_rows(near),
            len(near),
            source=source,
        )
    if conflicts:
        rows = sorted(row for rows in conflicts.values() for row in rows)
        yield Fault(
            "two_labels",
            "warning",
            f"{source}: {many(len(conflicts), 'text')} {'has' if len(conflicts) == 1 else 'have'} "
            f"different labels in different rows ({rows_listed(rows)}). Kept as they are.",
            first_rows(rows),
            len(rows),
            "Decide which label is right and correct or delete the other row.",
            source,
        )


def leaked(
    part: Sequence[Example], *others: Sequence[Example], texts: Texts = one_text
) -> tuple[int, ...]:
    """Places, from 0, of the examples whose text stands in one of the others as well.

    Texts are the same that differ only in case, punctuation and space: see `near_key`.
    """
    known = {near_keys(texts(example.input)) for other in others for example in other}
    return tuple(n for n, example in enumerate(part) if near_keys(texts(example.input)) in known)


def shared(data: Data) -> Iterable[Fault]:
    """Test rows whose text a model may have seen, and validation rows that train has too."""
    for part, others in (("test", ("train", "validation")), ("validation", ("train",))):
        rows, seen = data.parts[part], [data.parts[other] for other in others]
        own = data.task.texts
        places = data.leaked if part == "test" else leaked(rows, *seen, texts=own)
        if not places:
            continue
        leaks = [rows[place] for place in places]
        texts = {own(example.input) for other in seen for example in other}
        exact = {own(example.input) for example in leaks} & texts
        near = {near_keys(own(e.input)) for e in leaks if own(e.input) not in exact}
        found = [many(len(exact), "text")] if exact else []
        if near:
            found.append(f"{many(len(near), 'text')} (but for case, punctuation or space)")
        numbers = [example.row for example in leaks]
        verb = "stands" if len(exact) + len(near) == 1 else "stand"
        yield Fault(
            "shared_rows",
            "warning",
            f"{' and '.join(found)} {verb} both in {part} and in {' or '.join(others)} ({part} "
            f"{rows_listed(numbers)}). Kept; scores on {part} may look better than they are.",
            first_rows(numbers),
            len(numbers),
            f"Delete these rows from the {part} file or from the other.",
            leaks[0].source,
        )


def _repeat(rows: Sequence[int]) -> str:
    return "repeats" if len(rows) == 1 else "repeat"

"""What is special to a kind of answer, in one place: its words, how it is shown, what is right."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from tunewell.values import Kind, Span

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDS: dict[str, str] = {
    "label": "one label",
    "labels": "several labels",
    "number": "a number",
    "spans": "pieces of a text",
    "span": "a piece of a text",
    "choice": "a choice",
    "vector": "a vector",
    "text": "a text",
}
"""What is asked for or given, in a sentence."""
UNEQUAL = 3.0
EXACT = ("label", "labels", "spans", "span", "choice")
"""Kinds whose answers are right or wrong, so that right ones can be counted."""


def misfit(gives: Sequence[str], asked: str) -> str:
    """Why a method that gives these kinds is not for a task that asks for another.

    >>> misfit(("label", "number"), "spans")
    'gives one label or a number; this task asks for pieces of a text'
    """
    return f"gives {' or '.join(WORDS[kind] for kind in gives)}; this task asks for {WORDS[asked]}"


def shown(value: Any) -> str:
    """A target or an answer's value in a text, whatever its kind.

    >>> shown(("joy", "fear")), shown(2.5), shown((Span(0, 4, "PER", "Rosa"),))
    ('joy, fear', '2.5', 'Rosa (PER)')
    """
    if value is None:
        return "(no answer)"
    if isinstance(value, str):
        return value
    if isinstance(value, Span):
        return f"{value.text} ({value.label})" if value.label else value.text or "(nothing)"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return ", ".join(shown(item) for item in value) or "(none)"
    return json.dumps(value, ensure_ascii=False)


def right(target: Any, value: Any) -> float:
    """How right a value is, 0 to 1: whether it is the target; for sets, the share in common.

    >>> right("joy", "joy"), right(("joy", "fear"), ("joy",)), right((), ())
    (1.0, 0.5, 1.0)
    """
    if value is None:
        return 0.0
    if isinstance(target, tuple) and isinstance(value, tuple):
        both = len({*target} & {*value})
        either = len({*target} | {*value})
        return both / either if either else 1.0
    return float(value == target)


def labels_in(target: Any) -> tuple[str, ...]:
    """The labels in a target; () where it has none.

    >>> labels_in("joy"), labels_in((Span(0, 4, "PER", "Rosa"),)), labels_in(2.5)
    (('joy',), ('PER',), ())
    """
    if isinstance(target, tuple):
        return tuple(label for item in target for label in labels_in(item))
    if isinstance(target, Span):
        return (target.label,) if target.label else ()
    return (target,) if isinstance(target, str) else ()


def unequal(targets: Iterable[str]) -> bool:
    """Whether the largest class has over three times the rows of the median of the others.

    Accuracy then says little about the small classes, and macro F1 decides instead.

    >>> unequal("aaab"), unequal("aaaab"), unequal("aabbc")
    (False, True, False)
    """
    sizes = sorted(Counter(targets).values())
    return len(sizes) > 1 and sizes[-1] > UNEQUAL * statistics.median(sizes[:-1])


def by_value(label: str) -> tuple[int, float, str]:
    """Numbers before words and by value, so that 10 comes after 9: a key to sort labels by.

    >>> sorted(["b", "10", "9", "a"], key=by_value)
    ['9', '10', 'a', 'b']
    """
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)

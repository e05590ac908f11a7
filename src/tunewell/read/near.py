"""Texts that are the same but for case, punctuation and space, and the rows that they tie."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from tunewell.values import Example


class _Dropped(dict[int, int | None]):
    """A table for `str.translate` that drops punctuation and space, filled as it is used."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        drop = character.isspace() or unicodedata.category(character)[0] in "PZ"
        self[code] = None if drop else code
        return self[code]


_DROPPED = _Dropped()
# ASCII is its own NFKC, and bytes are translated four times as fast.
_ASCII_DROPPED = bytes(code for code in range(128) if _DROPPED[code] is None)


def near_key(text: str) -> str:
    """Equal for near-duplicates: NFKC, casefolded, without punctuation and space.

    A text of nothing but punctuation keeps it, so that "?" and "!!!" stay two texts.

    >>> near_key("Don't  STOP!") == near_key("dont stop"), near_key(" ?! ")
    (True, '?!')
    """
    if text.isascii():
        key = text.lower().encode("ascii").translate(None, _ASCII_DROPPED).decode("ascii")
        return key or "".join(text.split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.translate(_DROPPED) or "".join(folded.split())


Texts = Callable[[Any], tuple[str, ...]]
"""`Task.texts`: the texts of an input."""


def one_text(input: Any) -> tuple[str, ...]:
    """The texts of an input that is a text."""
    return (input,)


def near_keys(texts: Sequence[str]) -> str:
    """Equal where each of the texts is nearly the same as its counterpart."""
    return near_key(texts[0]) if len(texts) == 1 else "\0".join(map(near_key, texts))


def units(examples: Sequence[Example], texts: Texts = one_text) -> list[list[int]]:
    """Indices of examples that must stay together, because texts or group tie them.

    The sets are disjoint, cover all examples, and come in the order of their first example.
    """
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def tie(keys: Iterable[Hashable]) -> None:
        first: dict[Hashable, int] = {}
        for index, key in enumerate(keys):
            if key is not None:
                other = first.setdefault(key, index)
                if other != index:
                    a, b = root(other), root(index)
                    parent[max(a, b)] = min(a, b)

    tie(near_keys(texts(example.input)) for example in examples)
    tie(example.group for example in examples)
    together: dict[int, list[int]] = {}
    for index in range(len(examples)):
        together.setdefault(root(index), []).append(index)
    return list(together.values())

"""The words of a text, each with its place, in whatever script it is written.

A word is a run of letters and digits with their marks. Scripts that put no space between words
(Han, kana, Thai, Lao, Myanmar, Khmer) give a word a character; so does every other sign.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

JOINERS = "\u200c\u200d"
"""Hold together what stands before and after: parts of an emoji, letters of a word."""
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def words(text: str) -> list[tuple[int, int]]:
    """Where each word begins and ends, in characters.

    >>> [("No way, 東京!"[a:b]) for a, b in words("No way, 東京!")]
    ['No', 'way', ',', '東', '京', '!']
    """
    return list(_each_word(text))


def _each_word(text: str) -> Iterator[tuple[int, int]]:
    start, before = 0, "space"
    for place, character in enumerate(text):
        kind = _kind(character)
        joined = place > 0 and text[place - 1] in JOINERS and kind != "space"
        goes_on = kind == "mark" or (kind == before == "letter") or joined
        if before != "space" and not goes_on:
            yield start, place
            before = "space"
        if before == "space":
            start = place
            before = kind
        elif kind != "mark":
            before = kind
    if before != "space":
        yield start, len(text)


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace() or category in ("Cc", "Zs", "Zl", "Zp"):
        return "space"
    if category[0] == "M" or character in JOINERS:
        return "mark"
    if any(low <= ord(character) <= high for low, high in UNSPACED):
        return "sign"
    return "letter" if category[0] in "LN" or character == "_" else "sign"

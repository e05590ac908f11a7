"""Names that columns of texts and of labels usually have."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Usual:
    """Usual names of one sort of column: telling ones, and ones that are used for others too."""

    telling: frozenset[str]
    vague: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


INPUT = Usual(
    telling=_words(
        "text texts sentence sentences review reviews comment message body tweet content contents "
        "description input question utterance document post sms email feedback statement"
    ),
    vague=_words("title headline subject query ticket quote article prompt summary abstract"),
)
TARGET = Usual(
    telling=_words("label labels target class classes category sentiment topic intent emotion y"),
    vague=_words("type tag genre rating stars output answer department priority result"),
)
SAYS_OTHERWISE = _words(
    "id ids date time created updated count url link score confidence probability length lang "
    "language author user username name number index source"
)
"""`tweet_id` is no tweet."""


def words_of(name: str) -> list[str]:
    """The words of a column name in lower case.

    >>> words_of("ReviewText"), words_of("airline_sentiment"), words_of("question1")
    (['review', 'text'], ['airline', 'sentiment'], ['question', '1'])
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


VAGUE = 2
NUMBERED = re.compile(r" \(column \d+\)$")


def numbered(name: str, number: int) -> str:
    """What a column is called whose name others have as well.

    >>> numbered("text", 3)
    'text (column 3)'
    """
    return f"{name} (column {number})"


def plain(name: str) -> str:
    """The name that the file gives, without the number that `numbered` adds."""
    return NUMBERED.sub("", name)


def name_weight(name: str, usual: Usual) -> int:
    """How much a column's name says that it is of this sort, 0 to 4.

    4: a telling name; 3: one with words before it; 2: a vague name; 1: a telling word in it.
    """
    words = words_of(plain(name))
    if not words or SAYS_OTHERWISE & set(words):
        return 0
    if len(words) == 1:
        return 4 if words[0] in usual.telling else VAGUE if words[0] in usual.vague else 0
    if words[-1] in usual.telling:
        return 3
    return 1 if usual.telling & set(words) else 0

"""What a body reads at once: a text, two texts together, or a window of a long one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tunewell.errors import NotApplicable

OVERLAP = 4
"""A window shares one part in so many with the window before it."""

Text = str | tuple[str, ...]
"""One text, or several that are read together: premise and hypothesis, question and passage.

A body tells two apart at most, so all from the second on are one, each on a line of its own.
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that stand in one line of a batch, and the row that they are of."""

    ids: Sequence[int]
    type_ids: Sequence[int] | None = None
    """For each token, which of two texts it is of, where the backbone wants to know."""
    row: int = 0
    """The input it belongs to; the pieces of a row follow each other."""
    extra: Any = None
    """What its head needs to find the way back to the input: offsets, places of words."""
    labels: Sequence[int] | None = None
    """Where a text is learnt: its tokens, and -100 for those that the model need not say. As many
    as `ids`, or the tokens that a decoder writes."""

    @property
    def tokens(self) -> int:
        """What it takes in a batch: tokens of the longer side."""
        return max(len(self.ids), len(self.labels or ()))


def whole(tokenizer: Any, texts: Sequence[Text], max_length: int) -> list[Piece]:
    """One piece a text or pair, cut at `max_length`; of a pair, the longer text is cut first.

    A text without tokens becomes one of padding.
    """
    if not texts:
        return []
    firsts, seconds = _split(texts)
    if seconds is None:
        encoded = tokenizer(firsts, truncation=True, max_length=max_length)
        kinds = None  # the backbone takes them all to be of the first text
    else:
        if not _separates(tokenizer):
            seconds = ["\n" + second for second in seconds]
        encoded = tokenizer(firsts, seconds, truncation=True, max_length=max_length)
        kinds = encoded.get("token_type_ids")
    return [
        Piece(ids or [tokenizer.pad_token_id], kinds and kinds[row], row)
        for row, ids in enumerate(encoded["input_ids"])
    ]


def windows(
    tokenizer: Any,
    texts: Sequence[Text],
    max_length: int,
    extra: Callable[[int, Any], Any] = lambda row, encoding: None,
    runs: Literal["first", "second"] = "second",
) -> list[Piece]:
    """Each text or pair as windows of at most `max_length` tokens that overlap by a quarter.

    Of a pair, one text runs through the windows and the other stands in each of them, cut where
    it would take more than half of a window.

    Args:
        runs: which text of a pair runs through the windows.
        extra: makes a piece's `extra` from its row and the window's `tokenizers.Encoding`, whose
            offsets are those of the texts as they were given.

    Raises:
        NotApplicable: the tokenizer does not tell where in the text its tokens stand.
    """
    if not tokenizer.is_fast:
        raise NotApplicable("its tokenizer does not tell where in a text a token stands")
    if not texts:
        return []
    firsts, seconds = _split(texts)
    room = max_length - tokenizer.num_special_tokens_to_add(pair=seconds is not None)
    given: tuple[Any, ...] = (firsts,)
    if seconds is not None:
        break_ = "" if _separates(tokenizer) else "\n"
        if runs == "first":
            given = (firsts, [break_ + text for text in _cut(tokenizer, seconds, room // 2)])
        else:
            given = ([text + break_ for text in _cut(tokenizer, firsts, room // 2)], seconds)
        room -= room // 2
    encoded = tokenizer(
        *given,
        truncation="only_first" if seconds is None else f"only_{runs}",
        max_length=max_length,
        stride=max(0, room // OVERLAP),
        return_overflowing_tokens=True,
    )
    kinds = None if seconds is None else encoded.get("token_type_ids")
    rows = encoded["overflow_to_sample_mapping"]
    return [
        Piece(
            ids or [tokenizer.pad_token_id],
            kinds and kinds[number],
            rows[number],
            extra(rows[number], encoded.encodings[number]),
        )
        for number, ids in enumerate(encoded["input_ids"])
    ]


def whole_or_windows(tokenizer: Any, texts: Sequence[Text], max_length: int) -> list[Piece]:
    """One piece a text or pair that has at most `max_length` tokens, else its windows.

    Of a pair, the text with more characters runs through the windows.

    Raises:
        NotApplicable: a text is longer, and the tokenizer cannot cut it into windows.
    """
    pieces = whole(tokenizer, texts, max_length + 1)
    long = [piece.row for piece in pieces if len(piece.ids) > max_length]
    cut: dict[int, list[Piece]] = {}
    sides: tuple[Literal["first", "second"], ...] = ("first", "second")
    for runs in sides if long else ():
        rows = [row for row in long if _longer(texts[row]) == runs]
        given = [texts[row] for row in rows]
        for piece in windows(tokenizer, given, max_length, runs=runs):
            row = rows[piece.row]
            cut.setdefault(row, []).append(replace(piece, row=row))
    return [each for piece in pieces for each in cut.get(piece.row, [piece])]


def in_windows(*parts: Sequence[Piece]) -> int:
    """How many rows are more than one piece, in all parts together."""
    cut = [pieces for pieces in parts if pieces and len(pieces) > pieces[-1].row + 1]
    return sum(len(numbers) > 1 for pieces in cut for numbers in by_row(pieces))


def by_row(pieces: Sequence[Piece]) -> list[list[int]]:
    """Numbers of the pieces of each row, row by row.

    >>> by_row([Piece([1], row=0), Piece([2], row=1), Piece([3], row=1)])
    [[0], [1, 2]]
    """
    rows: dict[int, list[int]] = {}
    for number, piece in enumerate(pieces):
        rows.setdefault(piece.row, []).append(number)
    return list(rows.values())


def _split(texts: Sequence[Text]) -> tuple[list[str], list[str] | None]:
    """The first texts, and what is read with them; None where every text stands alone."""
    if all(isinstance(text, str) for text in texts):
        return list(texts), None  # type: ignore[arg-type]
    several = [(text,) if isinstance(text, str) else text for text in texts]
    firsts = [text[0] for text in several]
    if all(len(text) == 1 for text in several):
        return firsts, None
    return firsts, ["\n".join(text[1:]) for text in several]


def _longer(text: Text) -> Literal["first", "second"]:
    """Which of two texts has more characters."""
    several = (text,) if isinstance(text, str) else text
    return "first" if len(several[0]) > len("\n".join(several[1:])) else "second"


def _separates(tokenizer: Any) -> bool:
    """Whether something stands between two texts; decoders' tokenizers often put nothing there."""
    count = tokenizer.num_special_tokens_to_add
    return bool(count(pair=True) > count(pair=False))


def _cut(tokenizer: Any, texts: Sequence[str], most: int) -> list[str]:
    """Texts cut at `most` tokens."""
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ends = [at[most - 1][1] if len(at) > most else None for at in encoded["offset_mapping"]]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]

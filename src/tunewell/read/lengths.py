"""How long the texts are, and how much of them a limit cuts off."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from tunewell.read.records import Data, Fault, first_rows
from tunewell.read.words import many, rows_listed
from tunewell.values import Example

MUCH_LOST = 0.01
"""Share of all tokens from which a cut is a warning."""
COUNTED_ROWS = 50_000
"""Rows whose tokens are counted; more would take a minute and say the same."""
COUNTED_CHARACTERS = 100_000
"""Of one text; the rest is taken to be alike."""
ROWS_AT_ONCE = 1000

CountTokens = Callable[[Sequence[str]], list[int]]


def lengths(
    data: Data, count_tokens: CountTokens | None, max_length: int | None
) -> Iterable[Fault]:
    """Median and longest text, in tokens where they can be counted, and what is cut off.

    Of more than 50,000 rows as many are counted, evenly spread, and the longest.
    """
    examples: list[Example] = [example for part in data.parts.values() for example in part]
    looked_at = ""
    if count_tokens and len(examples) > COUNTED_ROWS:
        longest_text = max(examples, key=lambda example: len(whole(data, example)))
        step = -(-len(examples) // COUNTED_ROWS)
        looked_at = f" of the {len(examples[::step]):,} looked at"
        examples = [*examples[::step], longest_text]
    unit = "token" if count_tokens else "word"
    read = [whole(data, example) for example in examples]
    sizes = _tokens(read, count_tokens) if count_tokens else [len(text.split()) for text in read]
    longest = max(range(len(sizes)), key=sizes.__getitem__)
    yield Fault(
        "length",
        "note",
        f"Half of the texts{looked_at} have at most {many(int(statistics.median(sizes)), unit)}, "
        f"the longest has {sizes[longest]:,} ({examples[longest].place}).",
        (examples[longest].row,),
        1,
        source=examples[longest].source,
    )
    if not count_tokens or max_length is None:
        return
    lost = sum(size - max_length for size in sizes if size > max_length) / max(1, sum(sizes))
    cut = sum(size > max_length for size in sizes)
    if cut and getattr(data.task, "windows", False):
        yield Fault(
            "windows",
            "note",
            f"{many(cut, 'row')}{looked_at} ({100 * cut / len(sizes):.2g} %) "
            f"{'is' if cut == 1 else 'are'} longer than {max_length:,} tokens and read in "
            f"overlapping windows, so that nothing is lost{_unless(data, examples[0])}.",
            count=cut,
        )
    elif cut:
        first = examples[next(i for i, size in enumerate(sizes) if size > max_length)].source
        rows = [
            example.row
            for example, size in zip(examples, sizes, strict=True)
            if size > max_length and example.source == first
        ]
        yield Fault(
            "cut_off",
            "warning" if lost >= MUCH_LOST else "note",
            f"{many(cut, 'row')}{looked_at} ({100 * cut / len(sizes):.2g} %) "
            f"{'is' if cut == 1 else 'are'} longer than {max_length:,} tokens and cut off there "
            f"(in {first} {rows_listed(rows)}): {100 * lost:.2g} % of all tokens are lost.",
            first_rows(rows),
            cut,
            _remedy(data) if lost >= MUCH_LOST else "",
            first,
        )


def _unless(data: Data, example: Example) -> str:
    """What may be lost in windows after all."""
    if len(data.task.texts(example.input)) == 1:
        return ""
    return ", unless both texts of a row take more than half of a window"


def _remedy(data: Data) -> str:
    """How less is lost."""
    if hasattr(getattr(data.task, "options", None), "long_texts"):
        return (
            f"--{data.task.name}.long_texts windows reads all of them, a greater --max-length "
            "more; both take longer."
        )
    return "A greater --max-length keeps more and takes longer."


def whole(data: Data, example: Example) -> str:
    """The text of a row, or its texts one after the other."""
    return " ".join(data.task.texts(example.input))


def _tokens(read: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Tokens of each text, a thousand texts at once; those of a very long one are estimated."""
    sizes: list[int] = []
    for start in range(0, len(read), ROWS_AT_ONCE):
        texts = read[start : start + ROWS_AT_ONCE]
        counted = count_tokens([text[:COUNTED_CHARACTERS] for text in texts])
        sizes += [
            round(size * max(1.0, len(text) / COUNTED_CHARACTERS))
            for text, size in zip(texts, counted, strict=True)
        ]
    return sizes

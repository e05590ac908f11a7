"""How long the texts are, and how much of them a limit cuts off."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from tunewell.read.records import Data, Fault, first_rows
from tunewell.read.words import many, rows_listed
from tunewell.values import Example

MUCH_LOST = 0.01
"""Share of all tokens from which a cut is a warning."""


def lengths(
    data: Data,
    count_tokens: Callable[[Sequence[str]], list[int]] | None,
    max_length: int | None,
) -> Iterable[Fault]:
    """Median and longest text, in tokens where they can be counted, and what is cut off."""
    examples: list[Example] = [example for part in data.parts.values() for example in part]
    texts = [example.input for example in examples]
    unit = "token" if count_tokens else "word"
    sizes = count_tokens(texts) if count_tokens else [len(text.split()) for text in texts]
    longest = max(range(len(sizes)), key=sizes.__getitem__)
    yield Fault(
        "length",
        "note",
        f"Half of the texts have at most {many(int(statistics.median(sizes)), unit)}, the longest "
        f"has {sizes[longest]:,} ({examples[longest].place}).",
        (examples[longest].row,),
        1,
        source=examples[longest].source,
    )
    if not count_tokens or max_length is None:
        return
    lost = sum(size - max_length for size in sizes if size > max_length) / max(1, sum(sizes))
    cut = sum(size > max_length for size in sizes)
    if cut:
        first = examples[next(i for i, size in enumerate(sizes) if size > max_length)].source
        rows = [
            example.row
            for example, size in zip(examples, sizes, strict=True)
            if size > max_length and example.source == first
        ]
        yield Fault(
            "cut_off",
            "warning" if lost >= MUCH_LOST else "note",
            f"{many(cut, 'row')} ({100 * cut / len(sizes):.2g} %) {'is' if cut == 1 else 'are'} "
            f"longer than {max_length:,} tokens and cut off there (in {first} "
            f"{rows_listed(rows)}): {100 * lost:.2g} % of all tokens are lost.",
            first_rows(rows),
            cut,
            "A greater --max-length keeps more and takes longer." if lost >= MUCH_LOST else "",
            first,
        )

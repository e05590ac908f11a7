"""A question with passages before it, from which a model is to answer."""

from __future__ import annotations

from collections.abc import Sequence

from tunewell.fit.prompting.writers import Writer
from tunewell.fit.turns import Asked

TOLD = "Answer the question from these passages."
CITE = (
    "Answer the question from these passages alone, in one or two sentences, and write the number "
    "of the passage behind what you take from it, as in [1]. If they do not answer it, say so."
)


def with_passages(
    writer: Writer, question: str, passages: Sequence[str], most: int, told: str = TOLD
) -> tuple[Asked, int]:
    """What a model is asked, and how many of the passages, the best first, have room in it.

    Args:
        most: tokens of the answer.
        told: what is to be done.
    """
    count = len(passages)
    while True:
        listed = [f"[{n}] {' '.join(p.split())}" for n, p in enumerate(passages[:count], start=1)]
        text = "\n\n".join([told, *listed, question] if listed else [question])
        asked: Asked = ({"role": "user", "content": text},) if writer.talks else text
        window = writer.window
        if not count or window is None or writer.tokens(asked) + most <= window:
            return asked, count
        count -= 1

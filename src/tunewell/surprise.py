"""How little a language model expected texts: records, like those of `values`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Surprise:
    """How little a model expected a text: cross-entropy summed over it, and how long it is."""

    nats: float
    tokens: int
    """That the model was to say, with the one that ends the text."""
    bytes: int
    """Of the text in UTF-8, which do not depend on the tokenizer."""


@dataclass(frozen=True)
class Recall:
    """How little a backbone, and the model made of it, expected the same texts."""

    unit: str
    """What bits are counted for: `byte`, or `masked token`."""
    before: tuple[Surprise, ...]
    """Of each text, to the backbone."""
    after: tuple[Surprise, ...]

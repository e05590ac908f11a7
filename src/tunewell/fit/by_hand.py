"""What a method adds to a script that makes its model again without us."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from tunewell.fit import anatomy


@dataclass(frozen=True)
class ByHand:
    """A method in plain lines of torch, transformers, peft and scikit-learn.

    A method that trains with the loop defines `prepare(model)`, which decides what moves of
    `model.body`, and may define `factors(model, epoch)`. Another one defines
    `fit(texts, labels, read)`, which returns a function from texts to shares (texts, labels);
    `read` turns texts into vectors (texts, hidden) by the frozen backbone.
    """

    code: str
    imports: tuple[str, ...] = ()
    any_head: bool = True
    """Whether it is for the architecture's own head as well, and not for ours alone."""

    @property
    def trains(self) -> bool:
        """Whether it trains with the loop."""
        return "def prepare(" in self.code

    @property
    def has_factors(self) -> bool:
        """Whether learning rates differ between parameters."""
        return "def factors(" in self.code


def lines(code: str) -> str:
    """Code without the indentation that it has in a method's file."""
    return textwrap.dedent(code).strip() + "\n"


def in_every_layer(body: nn.Module, names: Sequence[str]) -> tuple[str, int, tuple[str, ...]]:
    """Full names inside a body as: name of the stack, number of layers, names inside a layer.

    >>> from torch.nn import Linear, ModuleDict, ModuleList
    >>> body = ModuleDict({"h": ModuleList([ModuleDict({"up": Linear(2, 2)}) for _ in "ab"])})
    >>> in_every_layer(body, ["h.0.up", "h.1.up"])
    ('h', 2, ('up',))
    """
    stack, layers = anatomy.layers(body)
    inside = [name.removeprefix(f"{stack}.").partition(".")[2] for name in names]
    return stack, len(layers), tuple(dict.fromkeys(inside))

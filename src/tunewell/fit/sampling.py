"""How the next token of a text is chosen: the likeliest, or drawn as is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tunewell.errors import ConfigError

MOST_TEMPERATURE = 2.0
MOST_SEED = 2**63 - 1
LEAST_LOGPROB = -9999.0
"""Told of tokens that a model rules out; JSON has no infinity."""


@dataclass(frozen=True)
class Draw:
    """How the next token is chosen.

    Of the likeliest tokens as many as have `top_p` of the probability together may be drawn
    (nucleus sampling, arXiv 1904.09751).
    """

    temperature: float = 0.0
    """0: the likeliest token each time; 1: as the model gives them; above: more evenly."""
    top_p: float = 1.0
    seed: int | None = None
    """None: another text each time."""
    told: int = 0
    """Likeliest tokens that are told beside each token."""

    def __post_init__(self) -> None:
        """Refuse what is no way to choose."""
        if not 0 <= self.temperature <= MOST_TEMPERATURE:
            found = f"temperature is {self.temperature:g}."
            raise ConfigError(found, f"0 to {MOST_TEMPERATURE:g} is expected.")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p:g}.", "More than 0, up to 1 is expected.")
        if self.seed is not None and not 0 <= self.seed <= MOST_SEED:
            raise ConfigError(f"seed is {self.seed}.", f"0 to {MOST_SEED} is expected.")

    def chance(self, device: str) -> torch.Generator:
        """What draws, from its seed on."""
        made = torch.Generator(device)
        if self.seed is None:
            made.seed()
        else:
            made.manual_seed(self.seed)
        return made


class Token(NamedTuple):
    """A token that was written."""

    id: int
    logprob: float
    """Natural logarithm of the probability that the model gave it, at a temperature of 1."""
    likeliest: tuple[tuple[int, float], ...]
    """As many as were asked for, the likeliest first, with theirs."""
    ends: bool
    """Whether it ends the text, and so is no part of it."""


def chosen(logits: Tensor, draw: Draw, chance: torch.Generator) -> Tensor:
    """A token of each row (rows,), from logits (rows, words)."""
    if draw.temperature == 0:
        return logits.argmax(-1)
    chances, order = (logits / draw.temperature).softmax(-1).sort(dim=-1, descending=True)
    before = chances.cumsum(-1) - chances
    chances[:, 1:][before[:, 1:] >= draw.top_p] = 0
    place = torch.multinomial(chances, 1, generator=chance)
    return order.gather(-1, place).squeeze(1)


def told_of(logits: Tensor, ids: Tensor, stops: frozenset[int], most: int) -> list[Token]:
    """What is told of tokens (rows,) that were chosen from logits (rows, words).

    Args:
        stops: tokens that end a text.
        most: likeliest tokens that are told beside each.
    """
    known = logits.log_softmax(-1).clamp(min=LEAST_LOGPROB)
    logprobs = known.gather(-1, ids[:, None]).squeeze(1).tolist()
    values, places = known.topk(most, dim=-1)
    pairs = zip(places.tolist(), values.tolist(), strict=True)
    likeliest = [tuple(zip(*pair, strict=True)) for pair in pairs]
    rows = zip(ids.tolist(), logprobs, likeliest, strict=True)
    return [Token(id, logprob, near, id in stops) for id, logprob, near in rows]

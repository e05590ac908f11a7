"""A text written token by token, each drawn as is asked for, several from one beginning."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tunewell.errors import ConfigError
from tunewell.fit import anatomy
from tunewell.fit.generate import Prompt
from tunewell.fit.tensors import autocast
from tunewell.values import Machine

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


class Token(NamedTuple):
    """A token that was written."""

    id: int
    logprob: float
    """Natural logarithm of the probability that the model gave it, at a temperature of 1."""
    likeliest: tuple[tuple[int, float], ...]
    """As many as were asked for, the likeliest first, with theirs."""
    ends: bool
    """Whether it ends the text, and so is no part of it."""


def drawn(
    model: nn.Module,
    prompt: Prompt,
    count: int,
    stops: Sequence[int],
    machine: Machine,
    draw: Draw,
) -> Iterator[list[Token | None]]:
    """The next token of each of `count` texts after a prompt; None of those that have ended.

    With a temperature of 0 they are those of `generate`. Nothing is computed ahead of what is
    asked for, so that whoever reads may stop.

    Args:
        prompt: of a decoder what it goes on with, of an encoder-decoder what it reads.
        stops: tokens that end a text.
    """
    inside: Any = anatomy.unwrapped(model)
    inside.eval()
    chance = torch.Generator(machine.device)
    if draw.seed is None:
        chance.seed()
    else:
        chance.manual_seed(draw.seed)
    with torch.inference_mode(), autocast(machine):
        step = _reading(inside, torch.tensor([prompt.ids] * count, device=machine.device))
    ended = [False] * count
    new: Tensor | None = None
    for _ in range(prompt.most):
        with torch.inference_mode(), autocast(machine):
            logits = step(new).float()  # (texts, words)
            ids = chosen(logits, draw, chance)
            known = logits.log_softmax(-1).clamp(min=LEAST_LOGPROB)
            logprobs = known.gather(-1, ids[:, None]).squeeze(1).tolist()
            values, places = known.topk(draw.told, dim=-1)
        likeliest = zip(places.tolist(), values.tolist(), strict=True)
        told = [tuple(zip(*pair, strict=True)) for pair in likeliest]
        given: list[Token | None] = []
        for row, number in enumerate(ids.tolist()):
            token = Token(number, logprobs[row], told[row], number in stops)
            given.append(None if ended[row] else token)
            ended[row] = ended[row] or token.ends
        yield given
        if all(ended):
            return
        new = ids[:, None]


def chosen(logits: Tensor, draw: Draw, chance: torch.Generator) -> Tensor:
    """A token of each row (rows,), from logits (rows, words)."""
    if draw.temperature == 0:
        return logits.argmax(-1)
    chances, order = (logits / draw.temperature).softmax(-1).sort(dim=-1, descending=True)
    before = chances.cumsum(-1) - chances
    chances[:, 1:][before[:, 1:] >= draw.top_p] = 0
    place = torch.multinomial(chances, 1, generator=chance)
    return order.gather(-1, place).squeeze(1)


def _reading(model: Any, ids: Tensor) -> Any:
    """What gives the logits (texts, words) after the beginning, and then after each new token."""
    two = model.config.is_encoder_decoder
    fixed: dict[str, Any] = {"use_cache": True}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        fixed["logits_to_keep"] = 1
    name, whole = "input_ids", ids
    if two:
        fixed["attention_mask"] = torch.ones_like(ids)
        fixed["encoder_outputs"] = model.get_encoder()(ids, fixed["attention_mask"])
        start = model.config.decoder_start_token_id
        name, whole = "decoder_input_ids", torch.full_like(ids[:, :1], start)
    cache: Any = None

    def step(new: Tensor | None) -> Tensor:
        nonlocal cache, whole
        if new is not None:
            whole = torch.cat([whole, new], dim=1)
        # A model that keeps nothing of what it has read reads it again.
        given = whole if cache is None or new is None else new
        output = model(**{name: given}, past_key_values=cache, **fixed)
        cache = getattr(output, "past_key_values", None)
        return output.logits[:, -1]

    return step

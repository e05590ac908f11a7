"""Texts written by a model, greedily: in batches padded on the left, bounded, to their end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import nn

from tunewell.errors import NotApplicable
from tunewell.fit import anatomy
from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.tensors import autocast
from tunewell.values import Machine


class Prompt(NamedTuple):
    """What is read, and how much may be written after it."""

    ids: Sequence[int]
    most: int
    """Tokens."""


class Written(NamedTuple):
    """What was written."""

    ids: list[int]
    """Without the token that ended it."""
    ended: bool
    """Whether it came to its own end, and not to the bound."""


def greedy(model: Any) -> Any:
    """The model, to write the likeliest token each time, with none of its own ways to do so.

    Raises:
        NotApplicable: its files hold no output layer, so that it never learnt to write.
    """
    from transformers import GenerationConfig

    if model.fresh_head:
        raise NotApplicable("its files hold no output layer that writes; choose a model with one")

    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    known = {name: getattr(model.config, name, None) for name in names}
    model.generation_config = GenerationConfig(do_sample=False, **known)
    return model


def generate(
    model: nn.Module,
    prompts: Sequence[Prompt],
    stops: Sequence[int],
    pad_id: int,
    machine: Machine,
    tokens: int = TOKENS,
) -> list[Written]:
    """What a model writes after each prompt, in their order.

    Rows with other bounds never share a batch, so that a row is answered as it is alone.

    Args:
        prompts: of a decoder what it goes on with, of an encoder-decoder what it reads.
        stops: tokens that end a text.
        pad_id: fills up rows; it may be one of the stops.
        tokens: that run at once, padding and new ones included.
    """
    inside: Any = anatomy.unwrapped(model)
    inside.eval()
    lengths = [len(prompt.ids) + prompt.most for prompt in prompts]
    by_bound = sorted(range(len(prompts)), key=lambda number: prompts[number].most)
    found: dict[int, Written] = {}
    for most, alike in groupby(by_bound, key=lambda number: prompts[number].most):
        for numbers in within_tokens(alike, lengths, tokens):
            two = inside.config.is_encoder_decoder
            rows = [prompts[number].ids for number in numbers]
            batch = _padded(rows, pad_id, machine, on_the_left=not two)
            with torch.inference_mode(), autocast(machine):
                output = inside.generate(
                    **batch,
                    max_new_tokens=most,
                    eos_token_id=list(stops),
                    pad_token_id=pad_id,
                )
            new = output[:, 1:] if two else output[:, batch["input_ids"].shape[1] :]
            for number, row in zip(numbers, new.tolist(), strict=True):
                found[number] = _to_its_end(row, stops)
    return [found[number] for number in range(len(prompts))]


def _padded(
    rows: Sequence[Sequence[int]], pad_id: int, machine: Machine, on_the_left: bool
) -> dict[str, torch.Tensor]:
    """`input_ids` and `attention_mask` (rows, tokens).

    What is gone on with must end where the others end; encoders count positions from the left.
    """
    longest = max(map(len, rows))
    ids, mask = [], []
    for row in rows:
        pads, ones = [pad_id] * (longest - len(row)), [1] * len(row)
        zeros = [0] * len(pads)
        ids.append([*pads, *row] if on_the_left else [*row, *pads])
        mask.append([*zeros, *ones] if on_the_left else [*ones, *zeros])
    return {
        "input_ids": torch.tensor(ids, device=machine.device),
        "attention_mask": torch.tensor(mask, device=machine.device),
    }


def _to_its_end(row: list[int], stops: Sequence[int]) -> Written:
    """The tokens before the first stop."""
    for place, number in enumerate(row):
        if number in stops:
            return Written(row[:place], True)
    return Written(row, False)

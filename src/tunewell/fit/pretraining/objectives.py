"""What is learnt of a piece of text: the next token, or tokens that are hidden.

Hidden are three tokens in ten, as ModernBERT hides them (arXiv 2412.13663); of these eight in ten
are replaced by the mask, one by any token, one stays (Devlin et al., arXiv 1810.04805).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tunewell.errors import ConfigError
from tunewell.fit.pieces import Piece
from tunewell.fit.pretraining.settings import Objective
from tunewell.fit.tensors import padded
from tunewell.fit.vocabulary import IGNORED

HIDDEN, MASK, OTHER = 0.3, 0.8, 0.1
CLASSES = {"causal": "AutoModelForCausalLM", "masked": "AutoModelForMaskedLM"}
"""Of transformers, with the output layer that each needs."""


def own_objective(config: Any, tokenizer: Any, name: str) -> Objective:
    """What a backbone was trained for.

    Raises:
        ConfigError: neither, as an encoder-decoder.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
    )

    if not config.is_encoder_decoder:
        if tokenizer.mask_token is not None and type(config) in MODEL_FOR_MASKED_LM_MAPPING:
            return "masked"
        if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
            return "causal"
    raise ConfigError(
        f"{name} is neither a decoder nor an encoder that fills in words.",
        "One of the two is expected to read on: the others learn from pairs of texts.",
    )


def refuse_other(objective: Objective, own: Objective, name: str) -> None:
    """Raise a ConfigError where a backbone cannot learn what it is asked to."""
    if objective != own:
        raise ConfigError(
            f"objective is {objective}, but {name} was trained for {own}.",
            f"{own} is expected.",
            "Leave --objective out.",
        )


def room(objective: Objective, window: int, tokenizer: Any) -> int:
    """Tokens of text in a piece; the rest of the window is for what stands around each."""
    return window - (sum(map(len, around(tokenizer))) if objective == "masked" else 0)


def around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The tokens that stand before a text, and those after it."""
    whole = tokenizer("a")["input_ids"]
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    at = next(n for n in range(len(whole)) if whole[n : n + len(bare)] == bare)
    return whole[:at], whole[at + len(bare) :]


def batch_of(
    objective: Objective,
    pieces: Sequence[Sequence[int]],
    tokenizer: Any,
    device: str,
    chance: torch.Generator | None = None,
) -> tuple[dict[str, Tensor], Tensor]:
    """What a model is given of pieces of text, and what it is to say.

    Args:
        pieces: token ids; for `masked` without what stands around a text.
        chance: decides what is hidden, and then nothing but the mask stands in its place; torch's
            own on the CPU, with the whole rule, if None.

    Returns:
        The batch, `input_ids` and `attention_mask` (pieces, tokens); labels (pieces, tokens),
        `IGNORED` where nothing is to be said.
    """
    if objective == "causal":
        batch = padded([Piece(list(ids)) for ids in pieces], tokenizer.pad_token_id, device)
        ids = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, IGNORED)
        return batch, torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], IGNORED)], dim=1)
    before, after = around(tokenizer)
    whole = [Piece([*before, *ids, *after]) for ids in pieces]
    batch = padded(whole, tokenizer.pad_token_id, "cpu")
    ids = batch["input_ids"]
    text = torch.ones(len(tokenizer), dtype=torch.bool)
    text[tokenizer.all_special_ids] = False
    drawn = torch.rand(ids.shape, generator=chance)
    hidden = text[ids] & (batch["attention_mask"] == 1) & (drawn < HIDDEN)
    labels = ids.masked_fill(~hidden, IGNORED)
    if chance is None:
        fate = torch.rand(ids.shape)
        others = torch.randint(len(tokenizer), ids.shape)
        seen = torch.where(fate < MASK, tokenizer.mask_token_id, others)
        seen = torch.where(fate < MASK + OTHER, seen, ids)
    else:
        seen = torch.full_like(ids, tokenizer.mask_token_id)
    batch["input_ids"] = torch.where(hidden, seen, ids)
    return {name: each.to(device) for name, each in batch.items()}, labels.to(device)

"""What a tuned model still knows of language: texts of another kind, to it and to its backbone.

A proxy for forgetting (McCloskey and Cohen, 1989). The layer over words is the backbone's own, so
that a body that was tuned for labels can be asked too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import nn

from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, turns
from tunewell.fit.backbones import load_config, load_tokenizer
from tunewell.fit.heads.causal import CausalHead
from tunewell.fit.heads.masked import MaskedHead, masked_at_random
from tunewell.fit.heads.writing import learnt_tokens
from tunewell.fit.pieces import Piece
from tunewell.fit.surprise import piece_nats
from tunewell.fit.vocabulary import IGNORED
from tunewell.surprise import Recall, Surprise
from tunewell.values import Backbone, Machine

MASKED = 0.15
"""Share of the tokens that an encoder is asked for."""


@dataclass(frozen=True)
class _Asked:
    """A backbone, and texts as it reads them."""

    head: Any
    tokenizer: Any
    pieces: list[Piece]
    machine: Machine

    def surprises(self, model: nn.Module) -> tuple[Surprise, ...]:
        """Of each text to a model of this backbone."""
        pad_id = self.tokenizer.pad_token_id
        nats = piece_nats(
            model.to(self.machine.device), self.head, pad_id, self.pieces, self.machine
        )
        found = []
        for piece, each in zip(self.pieces, nats, strict=True):
            said = self.tokenizer.decode([n for n in piece.labels or () if n != IGNORED])
            found.append(Surprise(each, learnt_tokens(piece), len(said.encode("utf-8"))))
        return tuple(found)


def why_untold(backbone: Backbone, machine: Machine, texts: Sequence[str]) -> str:
    """Why a backbone cannot tell how little it expects texts; "" where it can."""
    found = _of_backbone(backbone, machine, tuple(texts))
    return found if isinstance(found, str) else ""


def recalled(
    model: nn.Module, backbone: Backbone, machine: Machine, texts: Sequence[str]
) -> Recall:
    """How little texts are expected by a backbone, and by a model that was made of it.

    Args:
        model: of any head, with a body that differs from the backbone's; left as it was.
        machine: where both run, and in which precision.

    Raises:
        NotApplicable: the backbone has no layer over words, or what was learnt is no part of it.
    """
    found = _of_backbone(backbone, machine, tuple(texts))
    if isinstance(found, str):
        raise NotApplicable(found)
    asked, before = found
    if not anatomy.writes(model):
        if hasattr(anatomy.carrier(model), "prompt_encoder"):
            raise NotApplicable(
                "its virtual tokens are for this task; without them nothing changed"
            )
        body, model = anatomy.body(model), asked.head.build(backbone, 0.0, 0)
        setattr(model, model.base_model_prefix, body)
    unit = "masked token" if isinstance(asked.head, MaskedHead) else "byte"
    return Recall(unit, before, asked.surprises(model))


@lru_cache(maxsize=4)
def _of_backbone(
    backbone: Backbone, machine: Machine, texts: tuple[str, ...]
) -> tuple[_Asked, tuple[Surprise, ...]] | str:
    """Of the backbone as it is, or why it cannot tell: every trial asks for the same."""
    tokenizer = load_tokenizer(backbone)
    try:
        head: Any = _head(backbone)
        head.equip(tokenizer)
        pieces = _pieces(head, tokenizer, texts, backbone.max_length)
        sample = [Piece(piece.ids) for piece in pieces[:1]]
        head, model = head.settle(backbone, 0.0, 0, sample, tokenizer.pad_token_id)
    except NotApplicable as reason:
        return str(reason)
    asked = _Asked(head, tokenizer, pieces, machine)
    return asked, asked.surprises(model)


def _head(backbone: Backbone) -> MaskedHead | CausalHead:
    """Which words this kind of backbone expects: masked ones, or those that follow."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
    )

    config = load_config(backbone)
    if config.is_encoder_decoder:
        raise NotApplicable("an encoder-decoder expects no word of a text that it reads")
    if type(config) in MODEL_FOR_MASKED_LM_MAPPING:
        return MaskedHead(None)
    if type(config) in MODEL_FOR_CAUSAL_LM_MAPPING:
        return CausalHead(None)
    raise NotApplicable("it is of a kind that expects no words")


def _pieces(head: Any, tokenizer: Any, texts: Sequence[str], most: int) -> list[Piece]:
    """Texts with what is to be expected of them, each cut where the backbone reads no further."""
    if isinstance(head, MaskedHead):
        return masked_at_random(tokenizer, texts, most, MASKED)
    start = turns.asked_text(tokenizer, "")
    given = [start + text for text in texts]
    encoded = tokenizer(given, add_special_tokens=False, truncation=True, max_length=most)
    return [Piece(ids, labels=[IGNORED, *ids[1:]]) for ids in encoded["input_ids"]]

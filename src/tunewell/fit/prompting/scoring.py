"""How likely each of some answers is to follow a question, by a model on this machine."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, turns
from tunewell.fit.tensors import autocast, padded
from tunewell.fit.turns import Asked

if TYPE_CHECKING:
    from tunewell.fit.prompting.writers import LocalWriter

TOGETHER = 64
"""Answers that run at once."""


def nats(writer: LocalWriter, asked: Asked, answers: Sequence[str]) -> list[float]:
    """The logarithm of how likely each answer is, to its end.

    A decoder reads the question once; in a text that is gone on with an answer ends with its line.

    Raises:
        NotApplicable: an answer is as long as all that the model reads at once.
    """
    if not writer.head.one_stack:
        return _by_an_encoder_decoder(writer, asked, answers)
    tokenizer, window = writer.tokenizer, writer.backbone.max_length
    endings = _endings(tokenizer, asked, answers)
    most = max(map(len, endings))
    if most >= window:
        raise NotApplicable(f"an answer has {most} tokens, and the model reads {window} at once")
    head = replace(writer.head, new_tokens=0)  # what follows has its room already
    ids = head.encode(tokenizer, [asked], window - most)[0].ids
    return _after(writer, ids[-(window - most) :], endings)


def _endings(tokenizer: Any, asked: Asked, answers: Sequence[str]) -> list[list[int]]:
    """Tokens of each answer as they stand behind the question."""
    before = turns.asked_text(tokenizer, asked)
    read = _ids(tokenizer, before)
    endings = []
    for answer in answers:
        if isinstance(asked, str):
            text = f" {answer}\n"
        else:
            text = turns.solved_parts(tokenizer, asked, answer)[-1].text
        whole = _ids(tokenizer, before + text)
        same = whole[: len(read)] == read and len(whole) > len(read)
        endings.append(whole[len(read) :] if same else _ids(tokenizer, text))
    return endings


def _after(writer: LocalWriter, ids: Sequence[int], endings: Sequence[list[int]]) -> list[float]:
    model: Any = anatomy.unwrapped(writer.model)
    last = {"logits_to_keep": 1} if _keeps(model) else {}
    asked = torch.tensor([list(ids)], device=writer.machine.device)
    found: list[float] = []
    with torch.inference_mode(), autocast(writer.machine):
        mask = torch.ones_like(asked)
        before = model(input_ids=asked, attention_mask=mask, use_cache=True, **last)
        first = before.logits[:, -1:].float()  # (1, 1, vocabulary)
        for start in range(0, len(endings), TOGETHER):
            some = endings[start : start + TOGETHER]
            cache = copy.deepcopy(before.past_key_values)
            found += _said(model, cache, first, len(ids), some).tolist()
    return found


def _said(model: Any, cache: Any, first: Tensor, read: int, endings: Sequence[list[int]]) -> Tensor:
    """Nats of endings (endings,) after what the cache holds.

    Args:
        first: logits of the token that follows it (1, 1, vocabulary).
        read: tokens in the cache.
    """
    rows, most = len(endings), max(map(len, endings))
    ids = torch.tensor([[*e, *[0] * (most - len(e))] for e in endings], device=first.device)
    there = torch.tensor([[1.0] * len(e) + [0.0] * (most - len(e)) for e in endings])
    logits = first.expand(rows, -1, -1)
    if most > 1:
        cache.batch_repeat_interleave(rows)
        mask = torch.ones(rows, read + most - 1, dtype=torch.long, device=first.device)
        after = model(
            input_ids=ids[:, :-1], attention_mask=mask, past_key_values=cache, use_cache=True
        )
        logits = torch.cat([logits, after.logits.float()], dim=1)  # (endings, tokens, vocabulary)
    each = logits.log_softmax(-1).gather(-1, ids.unsqueeze(-1)).squeeze(-1)
    return (each.cpu() * there).sum(1)


def _by_an_encoder_decoder(
    writer: LocalWriter, asked: Asked, answers: Sequence[str]
) -> list[float]:
    found: list[float] = []
    for start in range(0, len(answers), TOGETHER):
        some = list(answers[start : start + TOGETHER])
        window = writer.backbone.max_length
        pieces = writer.head.solved(writer.tokenizer, [asked] * len(some), some, window)
        batch = padded(pieces, writer.tokenizer.pad_token_id, writer.machine.device)
        with torch.inference_mode(), autocast(writer.machine):
            losses = writer.head.logits(writer.model, batch)  # (answers, tokens)
        found += (-losses.clamp(min=0).sum(-1)).tolist()
    return found


def _keeps(model: Any) -> bool:
    """Whether logits of the last token alone can be asked for."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])

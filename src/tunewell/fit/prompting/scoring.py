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
        cache = getattr(before, "past_key_values", None)
        for start in range(0, len(endings), TOGETHER):
            given, there = _filled(endings[start : start + TOGETHER], asked.device)
            logits = first.expand(len(given), -1, -1)
            if given.shape[1] > 1 and hasattr(cache, "batch_repeat_interleave"):
                rest = _from_a_cache(model, copy.deepcopy(cache), len(ids), given)
                logits = torch.cat([logits, rest], dim=1)
            elif given.shape[1] > 1:
                logits = _read_whole(model, asked, given)
            each = logits.log_softmax(-1).gather(-1, given.unsqueeze(-1)).squeeze(-1)
            found += (each * there).sum(1).tolist()
    return found


def _filled(endings: Sequence[list[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Endings (endings, tokens) filled up on the right, and 1 where there is a token."""
    most = max(map(len, endings))
    ids = [[*ending, *[0] * (most - len(ending))] for ending in endings]
    there = [[1.0] * len(ending) + [0.0] * (most - len(ending)) for ending in endings]
    return torch.tensor(ids, device=device), torch.tensor(there, device=device)


def _from_a_cache(model: Any, cache: Any, read: int, given: Tensor) -> Tensor:
    """Logits (endings, tokens - 1, vocabulary) of all tokens but the first.

    Args:
        cache: of what was read, `read` tokens; it is used up.
    """
    rows, most = given.shape
    cache.batch_repeat_interleave(rows)
    mask = torch.ones(rows, read + most - 1, dtype=torch.long, device=given.device)
    after = model(
        input_ids=given[:, :-1], attention_mask=mask, past_key_values=cache, use_cache=True
    )
    return after.logits.float()


def _read_whole(model: Any, asked: Tensor, given: Tensor) -> Tensor:
    """Logits (endings, tokens, vocabulary), by a model that keeps nothing of what it has read."""
    ids = torch.cat([asked.expand(len(given), -1), given], dim=1)
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return logits[:, asked.shape[1] - 1 : -1].float()


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
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

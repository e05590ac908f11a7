"""Conversations as token ids, and what a model misses of their answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class Writer(nn.Module):
    """A model that writes, as the part `body` that may be wrapped."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, **batch: Tensor) -> Tensor:
        """Token ids and masks (batch, tokens) -> logits (batch, tokens, words)."""
        return self.body(**batch).logits


def conversations(file: str) -> dict[int, tuple[list[dict[str, str]], str]]:
    """Messages and the answer of every line, by its number."""
    with Path(file).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {number: (row["messages"], row["answer"]) for number, row in enumerate(rows, start=1)}


def said(
    tokenizer: Any,
    messages: Sequence[dict[str, str]],
    answer: str,
    every_turn: bool,
    before: str,
    end: str,
) -> tuple[list[int], list[int]]:
    """Token ids of a conversation with its answer, and -100 for those that need not be said.

    Args:
        every_turn: whether what the assistant said earlier is learnt as well.
        before, end: what the template has around what the assistant says.
    """
    talk = [*messages, {"role": "assistant", "content": answer}]
    ids: list[int] = []
    labels: list[int] = []
    text = ""
    for number, message in enumerate(talk):
        last = number == len(talk) - 1
        if not last and not (every_turn and message["role"] == "assistant"):
            continue
        asked = tokenizer.apply_chat_template(
            talk[:number], tokenize=False, add_generation_prompt=True
        )
        own = before + message["content"].strip() + end
        for part, learnt in ((asked[len(text) :], False), (own, True)):
            text += part
            whole = tokenizer(text, add_special_tokens=False)["input_ids"]
            if whole[: len(ids)] != ids:
                whole = ids + tokenizer(part, add_special_tokens=False)["input_ids"]
            new = whole[len(ids) :]
            labels += new if learnt else [-100] * len(new)
            ids = whole
    return ids, labels


def gone_on(
    tokenizer: Any, text: str, rest: str, before: str, end: str
) -> tuple[list[int], list[int]]:
    """Token ids of a text that is learnt whole, and -100 for what stands before it."""
    first = list(tokenizer(before, add_special_tokens=False)["input_ids"])
    ids = list(tokenizer(before + text + rest + end, add_special_tokens=False)["input_ids"])
    if ids[: len(first)] != first:
        ids = first + list(tokenizer(text + rest + end, add_special_tokens=False)["input_ids"])
    return ids, [-100] * len(first) + ids[len(first) :]


def missed(model: nn.Module, rows: Sequence[Any], pad_id: int) -> Tensor:
    """What a decoder misses of each row's answer (rows,), in nats; rows are those of `said`."""
    ids, mask, labels = side_by_side(rows, pad_id)
    logits = model(input_ids=ids, attention_mask=mask)[:, :-1].float()
    each = nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="none")
    return each.sum(1)


def asked_and_said(
    tokenizer: Any, messages: Sequence[dict[str, str]], answer: str, max_length: int
) -> tuple[list[int], list[int]]:
    """What an encoder reads, and what the decoder is to write after it, to its end."""
    asked = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(asked, truncation=True, max_length=max_length)["input_ids"]
    labels = tokenizer(text_target=answer)["input_ids"]
    if labels[-1:] != [tokenizer.eos_token_id]:
        labels = [*labels, tokenizer.eos_token_id]
    return ids or [tokenizer.pad_token_id], labels[:max_length]


def missed_by_two(model: nn.Module, rows: Sequence[Any], pad_id: int) -> Tensor:
    """What an encoder and its decoder miss of each row's answer (rows,), in nats."""
    ids, mask, labels = side_by_side(rows, pad_id)
    logits = model(input_ids=ids, attention_mask=mask, labels=labels).float()
    each = nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return each.sum(1)


def side_by_side(rows: Sequence[Any], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, mask and labels (rows, tokens), padded on the right."""
    longest, most = max(len(ids) for ids, _ in rows), max(len(labels) for _, labels in rows)
    ids = torch.tensor([[*own, *[pad_id] * (longest - len(own))] for own, _ in rows])
    mask = torch.tensor([[1] * len(own) + [0] * (longest - len(own)) for own, _ in rows])
    labels = torch.tensor([[*own, *[-100] * (most - len(own))] for _, own in rows])
    return ids, mask, labels

"""A backbone with output layers: token ids in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """A backbone, its token vectors pooled into one, and output layers from there."""

    def __init__(self, body: nn.Module, head: nn.Module, pooling: str) -> None:
        super().__init__()
        self.body, self.head, self.pooling = body, head, pooling

    def vectors(self, input_ids: Tensor, attention_mask: Tensor, **more: Tensor) -> Tensor:
        """Token ids and mask (batch, tokens) -> vectors (batch, hidden), or of every token."""
        read = self.body(input_ids=input_ids, attention_mask=attention_mask, **more)
        hidden = read.last_hidden_state
        if self.pooling == "tokens":
            return hidden
        if self.pooling == "cls":
            return hidden[:, 0]
        if self.pooling == "last":
            return hidden[torch.arange(len(hidden)), attention_mask.sum(1) - 1]
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **more: Tensor) -> Tensor:
        """Token ids and mask (batch, tokens) -> logits (batch, outputs), or of every token."""
        return self.head(self.vectors(input_ids, attention_mask, **more))


def output_layers(width: int, labels: int, hidden: int | None, dropout: float) -> nn.Sequential:
    """One linear layer, or two with `hidden` units between them."""
    if hidden is None:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, labels))
    first, last = nn.Linear(width, hidden), nn.Linear(hidden, labels)
    return nn.Sequential(nn.Dropout(dropout), first, nn.GELU(), nn.Dropout(dropout), last)


def token_ids(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of each text, cut at `max_length`; one of padding where it has none."""
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [ids or [tokenizer.pad_token_id] for ids in rows]


def windows(
    tokenizer: Any, texts: Sequence[str], max_length: int
) -> tuple[list[list[int]], Tensor]:
    """Token ids of each text, of a long one in windows that share a quarter; whose each is."""
    room = max_length - tokenizer.num_special_tokens_to_add(pair=False)
    rows = tokenizer(
        list(texts),
        truncation="only_first",
        max_length=max_length,
        stride=max(0, room // 4),
        return_overflowing_tokens=True,
    )
    owner = torch.tensor(rows["overflow_to_sample_mapping"])
    return [ids or [tokenizer.pad_token_id] for ids in rows["input_ids"]], owner


def by_row(logits: Tensor, owner: Tensor) -> Tensor:
    """The mean of the logits of each row's windows (rows, outputs)."""
    count = torch.bincount(owner).unsqueeze(1)
    return torch.zeros(len(count), logits.shape[1]).index_add(0, owner, logits) / count


def padded(encoded: Sequence[Sequence[int]], pad_id: int) -> dict[str, Tensor]:
    """Token ids -> `input_ids` and `attention_mask` (batch, tokens), padded on the right."""
    longest = max(map(len, encoded))
    ids = [[*row, *[pad_id] * (longest - len(row))] for row in encoded]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in encoded]
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def in_batches(run: Any, encoded: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """What `run` makes of all rows (rows, ...), 32 of like length at a time."""
    order = sorted(range(len(encoded)), key=lambda row: len(encoded[row]))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            batch = padded([encoded[row] for row in order[start : start + 32]], pad_id)
            parts.append(run(**batch))
    return torch.cat(parts)[torch.tensor(order).argsort()].clone()

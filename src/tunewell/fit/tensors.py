"""Rows as padded tensors, run in the precision that the machine is set to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.values import Machine


def autocast(machine: Machine) -> torch.autocast:
    """Matrix products in the machine's dtype; weights stay float32."""
    dtype = getattr(torch, machine.dtype)
    return torch.autocast(
        machine.device.split(":")[0], dtype=dtype, enabled=dtype is not torch.float32
    )


def token_ids(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of each text, cut at `max_length`; a text without tokens becomes one of padding."""
    rows = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [ids or [tokenizer.pad_token_id] for ids in rows]


def padded(
    encoded: Sequence[Sequence[int]], pad_id: int, device: str | torch.device
) -> dict[str, torch.Tensor]:
    """Token ids -> `input_ids` and `attention_mask` (batch, tokens), padded on the right."""
    longest = max(len(ids) for ids in encoded)
    ids = [[*row, *[pad_id] * (longest - len(row))] for row in encoded]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in encoded]
    return {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }


def run_rows(
    model: nn.Module,
    head: Any,
    encoded: Sequence[Sequence[int]],
    pad_id: int,
    machine: Machine,
    tokens: int = TOKENS,
) -> torch.Tensor:
    """Logits of encoded rows, in the order of the rows, on the CPU."""
    model.eval()
    lengths = [len(ids) for ids in encoded]
    parts, order = [], []
    with torch.inference_mode(), autocast(machine):
        for rows in within_tokens(range(len(encoded)), lengths, tokens):
            batch = padded([encoded[row] for row in rows], pad_id, machine.device)
            parts.append(head.logits(model, batch).cpu())
            order += rows
    return torch.cat(parts)[torch.tensor(order).argsort()]

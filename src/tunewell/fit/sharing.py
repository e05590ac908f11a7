"""Several models of one backbone in memory: what is equal in them lies there once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

LEAST = 1024
"""Numbers that a tensor has at least, for sharing it to be worth the look."""


def networks(value: Any) -> Iterator[nn.Module]:
    """The networks in a predictor, also in one that another predictor asks."""
    if isinstance(value, nn.Module):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from networks(getattr(value, field.name))


def share(models: Iterable[nn.Module]) -> int:
    """Let equal parameters of models that no longer move lie in memory once; bytes saved.

    Adapters leave most of a backbone as it is, frozen layers all of theirs. Training a model
    after this would move the others too.
    """
    kept: dict[tuple[str, torch.Size, torch.dtype, torch.device], Tensor] = {}
    saved = 0
    for model in models:
        for p in model.parameters():
            if p.numel() < LEAST:
                continue
            p.requires_grad_(False)
            known = kept.setdefault((_digest(p), p.shape, p.dtype, p.device), p.data)
            if known.data_ptr() != p.data_ptr():
                p.data = known
                saved += p.numel() * p.element_size()
    return saved


def _digest(p: Tensor) -> str:
    """SHA-256 of the numbers."""
    return hashlib.sha256(p.detach().cpu().contiguous().view(torch.uint8).numpy()).hexdigest()

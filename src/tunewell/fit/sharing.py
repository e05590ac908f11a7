"""Several models of one backbone in memory: what is equal in them lies there once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn


def networks(value: Any) -> Iterator[nn.Module]:
    """The networks in a predictor, also in one that another predictor asks."""
    if isinstance(value, nn.Module):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from networks(getattr(value, field.name))


Kept = dict[tuple[str, torch.Size, torch.dtype, torch.device], Tensor]
"""What lies in memory once, by its content."""


def share(models: Iterable[nn.Module], kept: Kept) -> int:
    """Let equal parameters of models that no longer move lie in memory once; bytes saved.

    Adapters leave most of a backbone as it is, frozen layers all of theirs. Small parameters are
    shared as well, as one that is left would hold the file that all of them were read from.
    Training a model after this would move the others too.

    Args:
        models: those that come to the ones before.
        kept: of the models before; theirs is added.
    """
    there = {tensor.data_ptr() for tensor in kept.values()}
    saved = 0
    for model in models:
        for p in model.parameters():
            p.requires_grad_(False)
            if p.data_ptr() in there:
                continue
            known = kept.setdefault((_digest(p), p.shape, p.dtype, p.device), p.data)
            there.add(known.data_ptr())
            if known.data_ptr() != p.data_ptr():
                p.data = known
                saved += p.numel() * p.element_size()
    return saved


def _digest(p: Tensor) -> str:
    """SHA-256 of the numbers."""
    numbers = p.detach().cpu().reshape(-1).contiguous()  # a single number cannot be seen as bytes
    return hashlib.sha256(numbers.view(torch.uint8).numpy()).hexdigest()

"""Attention of rows that lie end to end in one: each token reads its own row only.

Registered with transformers under a name of its own; for padded rows it is the fused attention
that transformers has.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit.few import FEW

NAME = "rows_end_to_end"
"""Of the attention, among those of transformers."""
BIASES = ("position_bias", "softcap", "s_aux")
"""What some attentions add to their scores."""


class NotPackable(Exception):
    """A body cannot run rows end to end; says why."""


@dataclass(frozen=True)
class Rows:
    """Where rows lie in one that holds them all."""

    lengths: tuple[int, ...]
    """Tokens of each row, in order."""
    past: int = 0
    """Keys before the first row that every row reads as well."""


ROWS: ContextVar[Rows | None] = ContextVar("rows", default=None)
"""How the rows lie that are running; None: padded."""
PADDED: ContextVar[bool] = ContextVar("padded", default=False)
"""Whether rows stay padded whatever the body can."""
WINDOWS: ContextVar[set[int] | None] = ContextVar("windows", default=None)
"""Collects the attention windows that layers ask for, where it is a set."""


@contextmanager
def staying_padded() -> Iterator[None]:
    """Inside, every body runs its rows padded, as transformers does."""
    token = PADDED.set(True)
    try:
        yield
    finally:
        PADDED.reset(token)


@functools.cache
def register() -> None:
    """Make the name known to transformers, and spare the user its advice on masks.

    Rows end to end have none, and may well end with a token that elsewhere fills up rows.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    logging.getLogger("transformers.modeling_utils").addFilter(
        lambda record: "recommend passing in an `attention_mask`" not in record.getMessage()
    )

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _mask)


def _mask(*args: Any, **kwargs: Any) -> Tensor | None:
    """No mask for rows end to end; else the one of the fused attention."""
    from transformers.masking_utils import sdpa_mask

    if ROWS.get() is None:
        return sdpa_mask(*args, **kwargs)
    _note(kwargs.get("local_size"))
    return None


def _note(window: int | None) -> None:
    seen = WINDOWS.get()
    if seen is not None and window is not None:
        seen.add(window)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Fused attention of each row to itself and to what stands before all; in float32 on a CPU.

    Rows of one length that follow each other are taken at once.

    Args:
        query: (1, heads, all tokens, width).
        key, value: (1, heads of keys, past + all tokens, width).

    Returns:
        (1, all tokens, heads, width).
    """
    rows = ROWS.get()
    if rows is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        named = {"dropout": dropout, "scaling": scaling, "is_causal": is_causal}
        named |= {"sliding_window": sliding_window, **kwargs}
        return sdpa_attention_forward(module, query, key, value, attention_mask, **named)
    if attention_mask is not None or any(kwargs.get(name) is not None for name in BIASES):
        raise NotPackable("its attention has a bias of its own")
    _note(sliding_window)
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    few = FEW.get()
    stops = few is not None and few.begins_at(module)
    past = [rows.past] if rows.past else []
    with torch.autocast(query.device.type, enabled=False):
        alike = [(length, len(list(group))) for length, group in groupby(rows.lengths)]
        cuts = [length * many for length, many in alike]
        # The gradient of a split is one tensor, of slices one as large as all rows for each.
        queries, keys, values = (
            state[0].transpose(0, 1).float().split([*before, *cuts])  # (tokens, heads, width) each
            for state, before in ((query, []), (key, past), (value, past))
        )
        parts: list[Tensor] = []
        first = 0
        for number, (length, many) in enumerate(alike):
            q, k, v = (
                cut[number - len(alike)].unflatten(0, (many, length)).transpose(1, 2)
                for cut in (queries, keys, values)
            )  # (many, heads, length, width)
            if rows.past:
                k, v = (
                    torch.cat([cut[0].transpose(0, 1).expand(many, -1, -1, -1), own], dim=2)
                    for cut, own in ((keys, k), (values, v))
                )
            at = None
            if few is not None and stops:
                at = few.places[first]  # rows of one length are read at one place
                q = q[:, :, at : at + 1]
            first += many
            mask = _pattern(length, rows.past, causal, sliding_window, q.device, at)
            part = nn.functional.scaled_dot_product_attention(
                q,
                k,
                v,
                mask,
                dropout_p=dropout,
                scale=scaling,
                is_causal=causal and mask is None and at is None,
                enable_gqa=q.shape[1] != k.shape[1],
            )
            parts.append(part.transpose(1, 2).flatten(0, 1))  # (many * length, heads, width)
    attended = torch.cat(parts).unsqueeze(0)
    if few is not None and stops:
        few.begin()
    return attended, None


def _pattern(
    length: int,
    past: int,
    causal: bool,
    window: int | None,
    device: torch.device,
    at: int | None = None,
) -> Tensor | None:
    """Which keys (past + length) each token (length) reads; None where its rule needs no mask.

    Args:
        at: the one token of the row that is looked at; None: all.
    """
    windowed = window is not None and past + length > window
    if not windowed and not (causal and (past or at is not None)):
        return None
    own = torch.arange(past, past + length, device=device).unsqueeze(1)
    if at is not None:
        own = own[at : at + 1]
    apart = own - torch.arange(past + length, device=device)  # (length or 1, past + length)
    mask = apart >= 0 if causal else torch.ones_like(apart, dtype=torch.bool)
    return mask & (apart.abs() < window) if windowed else mask

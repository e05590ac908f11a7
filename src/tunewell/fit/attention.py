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
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit import row_by_row, varlen
from tunewell.fit.few import FEW
from tunewell.fit.row_by_row import Rows, Rule

NAME = "rows_end_to_end"
"""Of the attention, among those of transformers."""
BIASES = ("position_bias", "softcap", "s_aux")
"""What some attentions add to their scores."""


class NotPackable(Exception):
    """A body cannot run rows end to end; says why."""


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
    """Attention of each row to itself and to what stands before all; in float32 on a CPU.

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
    rule = Rule(causal, sliding_window, scaling)
    few = FEW.get()
    stops = few is not None and few.begins_at(module)
    places = few.places if few is not None and stops else None
    device = query.device
    states = (query, key, value)
    by_kernel = device.type in varlen.KERNELS
    if by_kernel and torch.is_autocast_enabled(device.type):
        low = torch.get_autocast_dtype(device.type)
        states = tuple(state.to(low) for state in states)
    with torch.autocast(device.type, enabled=False):
        if by_kernel:
            attended = _by_kernel(states, rows, rule, places, dropout)
        else:
            attended = row_by_row.attend(*states, rows, rule, places, dropout)
    attended = attended.unsqueeze(0)
    if few is not None and stops:
        few.begin()
    return attended, None


def _by_kernel(
    states: tuple[Tensor, ...],
    rows: Rows,
    rule: Rule,
    places: tuple[int, ...] | None,
    dropout: float,
) -> Tensor:
    """As `varlen.attend`, if that was seen to be right.

    Raises:
        NotPackable: it was not.
    """
    if dropout:
        raise NotPackable("its attention drops some of what it reads")
    query, key, _ = states
    heads = varlen.Heads(
        query.shape[1], key.shape[1], query.shape[-1], query.dtype, query.device, rows.past > 0
    )
    if reason := varlen.fault(heads, rule):
        raise NotPackable(reason)
    return varlen.attend(*states, rows, rule, places)

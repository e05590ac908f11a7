"""Attention of rows that lie end to end by one kernel for rows of many lengths, on a GPU.

It is torch's own (`torch.nn.attention.varlen`: FlashAttention-2, Dao, arXiv 2307.08691), which
computes in 16 bits and takes not every width. Whether it says what rows by themselves say, and
gives their gradients, is tried once for each shape of heads and each rule.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor

from tunewell.fit import row_by_row
from tunewell.fit.row_by_row import Rows, Rule
from tunewell.fit.tensors import is_out_of_memory

CLOSE = 5e-2
"""Share of the largest value by which 16 bits may differ from float32; a wrong mask is far off."""
TRIED = Rows((2, 5, 12))
"""The rows that are tried."""
PAST, WINDOW = 3, 6
"""Keys before all rows, and a window, where it is tried with them; the last row has more."""


class Spans(NamedTuple):
    """What a kernel is told of the rows: where the queries and the keys of each begin and end."""

    query_ends: Tensor  # int32 (rows + 1,)
    key_ends: Tensor  # int32 (rows + 1,)
    most_queries: int
    """Of a row."""
    most_keys: int
    window: tuple[int, int]
    """Keys that a query reads before its own place and after it, counted from the row's end; -1:
    all of them."""
    scale: float | None


Kernel = Callable[[Tensor, Tensor, Tensor, Spans], Tensor]
"""From queries, keys and values (all tokens, heads, width) to what queries read, of their shape."""


def torchs(query: Tensor, key: Tensor, value: Tensor, spans: Spans) -> Tensor:
    """torch's kernel; where it wants as many heads of keys as of queries, keys are repeated."""
    from torch.nn.attention.varlen import varlen_attn

    groups, more = query.shape[1] // key.shape[1], {}
    if groups > 1 and _takes_fewer_keys():
        more["enable_gqa"] = True
    elif groups > 1:
        key, value = (state.repeat_interleave(groups, dim=1) for state in (key, value))
    *ends_and_most, window, scale = spans
    return varlen_attn(query, key, value, *ends_and_most, window_size=window, scale=scale, **more)


@functools.cache
def _takes_fewer_keys() -> bool:
    """Whether torch's kernel takes fewer heads of keys than of queries, as it does from 2.12 on."""
    from torch.nn.attention.varlen import varlen_attn

    return "enable_gqa" in inspect.signature(varlen_attn).parameters


KERNELS: dict[str, Kernel] = {"cuda": torchs}
"""By the kind of device; elsewhere there is none."""


def usable(device: torch.device) -> bool:
    """Whether rows may run end to end there now: on a CPU, or in 16 bits where a kernel is."""
    if device.type == "cpu":
        return True
    return device.type in KERNELS and torch.is_autocast_enabled(device.type)


@dataclass(frozen=True)
class Heads:
    """What decides whether a kernel can be used."""

    queries: int
    keys: int
    width: int
    dtype: torch.dtype
    device: torch.device
    past: bool
    """Whether there are keys before all rows."""


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    rows: Rows,
    rule: Rule,
    places: tuple[int, ...] | None = None,
) -> Tensor:
    """As `row_by_row.attend`, by the kernel of the device, in the precision of what is given."""
    spans, asking, read = _spans(rows, rule, places, query.device)
    q, k, v = (state[0].transpose(0, 1) for state in (query, key, value))  # (tokens, heads, width)
    if asking is not None:
        q = q.index_select(0, asking)
    if read is not None:
        k, v = k.index_select(0, read), v.index_select(0, read)
    return KERNELS[query.device.type](q, k, v, spans)


@functools.lru_cache(maxsize=32)
def _spans(
    rows: Rows, rule: Rule, places: tuple[int, ...] | None, device: torch.device
) -> tuple[Spans, Tensor | None, Tensor | None]:
    """Of rows; which tokens ask, and which keys are read, each row's in turn; None: all in order.

    All layers ask for the same.
    """
    starts = list(accumulate(rows.lengths[:-1], initial=0))
    left = -1 if rule.window is None else rule.window - 1
    window = (left, 0 if rule.causal else left)
    keys = [range(rows.past + length) for length in rows.lengths]
    queries, asking, read = list(rows.lengths), None, None
    with torch.inference_mode(False):  # a later training step keeps them for its gradients
        if places is not None:
            # One query a row, which reads all the keys that it is given.
            window, queries = (-1, -1), [1] * len(places)
            both = zip(places, keys, strict=True)
            keys = [_reach(rows.past + place, own, rule) for place, own in both]
            at = [start + place for start, place in zip(starts, places, strict=True)]
            asking = torch.tensor(at, device=device)
        if any(own != range(length) for own, length in zip(keys, rows.lengths, strict=True)):
            both = zip(starts, keys, strict=True)
            at = [n if n < rows.past else start + n for start, own in both for n in own]
            read = torch.tensor(at, device=device)
        counts = [len(own) for own in keys]
        query_ends, key_ends = (
            torch.tensor([0, *accumulate(each)], dtype=torch.int32, device=device)
            for each in (queries, counts)
        )
    spans = Spans(query_ends, key_ends, max(queries), max(counts), window, rule.scale)
    return spans, asking, read


def _reach(place: int, keys: range, rule: Rule) -> range:
    """The keys that the one at a place reads."""
    end = place + 1 if rule.causal else len(keys)
    if rule.window is None:
        return range(end)
    return range(max(0, place - rule.window + 1), min(end, place + rule.window))


@functools.cache
def fault(heads: Heads, rule: Rule) -> str:
    """Why the kernel of a device cannot be used for such heads, or nothing; windows are alike."""
    if rule.window is not None:
        rule = replace(rule, window=WINDOW)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            apart = next((share for share in _apart(heads, rule) if not share <= CLOSE), 0.0)
    except (RuntimeError, ValueError, TypeError, AttributeError, ImportError) as error:
        if is_out_of_memory(error):
            raise
        return f"its attention has no kernel: {str(error).strip().splitlines()[0][:160]}"
    return f"its attention by a kernel differs by {apart:.1e} of the largest" if apart else ""


def _apart(heads: Heads, rule: Rule) -> Iterator[float]:
    """Shares of the largest value by which outputs and gradients differ, on a few rows."""
    chance = torch.Generator().manual_seed(0)
    rows = replace(TRIED, past=PAST if heads.past else 0)
    counts = ((heads.queries, 0), (heads.keys, rows.past), (heads.keys, rows.past))
    given = [
        torch.randn(1, many, past + sum(rows.lengths), heads.width, generator=chance)
        .to(heads.device, heads.dtype)
        .requires_grad_()
        for many, past in counts
    ]
    for places in (None, tuple(length - 1 for length in rows.lengths), (0,) * len(rows.lengths)):
        found = []
        for way in (attend, row_by_row.attend):
            output = way(*given, rows, rule, places).float()
            weighed = output * torch.linspace(-1, 1, heads.width, device=heads.device)
            found.append([output.detach(), *torch.autograd.grad(weighed.sum(), given)])
        largest = max(float(other.abs().max()) for other in found[1])
        for one, other in zip(*found, strict=True):
            # What is nothing row by row, as where one key is read, has no largest of its own.
            yield float((one - other).abs().max() / other.abs().max().clamp(min=largest / 10))

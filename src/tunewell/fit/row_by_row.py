"""Attention of rows that lie end to end: each token reads its own row, one row after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Rows:
    """Where rows lie in one that holds them all."""

    lengths: tuple[int, ...]
    """Tokens of each row, in order."""
    past: int = 0
    """Keys before the first row that every row reads as well."""


@dataclass(frozen=True)
class Rule:
    """Which keys of its row a token reads."""

    causal: bool
    """None that come after it."""
    window: int | None = None
    """Only nearer ones than so many tokens."""
    scale: float | None = None
    """Scores are multiplied by this; None: 1 / sqrt(width)."""


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    rows: Rows,
    rule: Rule,
    places: Sequence[int] | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Fused attention of each row to itself and to what stands before all, in float32.

    Rows of one length that follow each other are taken at once.

    Args:
        query: (1, heads, all tokens, width).
        key, value: (1, heads of keys, past + all tokens, width).
        places: of each row, the one token that asks, the same in rows of one length; None: all.

    Returns:
        (tokens that ask, heads, width).
    """
    past = [rows.past] if rows.past else []
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
        if places is not None:
            at = places[first]
            q = q[:, :, at : at + 1]
        first += many
        mask = _pattern(length, rows.past, rule, q.device, at)
        part = nn.functional.scaled_dot_product_attention(
            q,
            k,
            v,
            mask,
            dropout_p=dropout,
            scale=rule.scale,
            is_causal=rule.causal and mask is None and at is None,
            enable_gqa=q.shape[1] != k.shape[1],
        )
        parts.append(part.transpose(1, 2).flatten(0, 1))  # (many * length, heads, width)
    return torch.cat(parts)


def _pattern(
    length: int, past: int, rule: Rule, device: torch.device, at: int | None
) -> Tensor | None:
    """Which keys (past + length) each token (length) reads; None where its rule needs no mask.

    Args:
        at: the one token of the row that is looked at; None: all.
    """
    windowed = rule.window is not None and past + length > rule.window
    if not windowed and not (rule.causal and (past or at is not None)):
        return None
    own = torch.arange(past, past + length, device=device).unsqueeze(1)
    if at is not None:
        own = own[at : at + 1]
    apart = own - torch.arange(past + length, device=device)  # (length or 1, past + length)
    mask = apart >= 0 if rule.causal else torch.ones_like(apart, dtype=torch.bool)
    return mask & (apart.abs() < rule.window) if windowed else mask

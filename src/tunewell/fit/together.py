"""Texts written token by token, those of several askers side by side in one batch.

Each text joins the batch when it has been read and leaves it at its end, whatever the others do
(continuous batching: Orca, Yu et al., OSDI 2022). Texts of unlike length are filled up on the left.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tunewell.fit import anatomy, skeleton
from tunewell.fit.generate import Prompt
from tunewell.fit.sampling import Draw, Token, chosen, told_of
from tunewell.fit.tensors import autocast
from tunewell.values import Machine

CELLS = 16_384
"""Tokens of a batch, those that fill it up included, beyond which no more texts join it."""


@dataclass(eq=False)
class Member:
    """Some texts from one beginning, and what has been written of them."""

    count: int
    left: int
    """Tokens that each may yet have."""
    stops: frozenset[int]
    draw: Draw
    chance: torch.Generator
    ended: list[bool]
    written: list[list[Token | None]] = field(default_factory=list)
    """A token of each text, step by step, until whoever waits takes them; None: it has ended."""
    gone: bool = False
    """Whether nobody waits for it any more."""
    failed: bool = False
    """Whether a step broke off, so that it cannot go on."""

    @property
    def over(self) -> bool:
        """Whether nothing more is to be written."""
        return self.gone or not self.left or all(self.ended)

    def take(self, logits: Tensor) -> Tensor:
        """Choose the next tokens (count,) from logits (count, words), and note them."""
        ids = chosen(logits, self.draw, self.chance)
        tokens = told_of(logits, ids, self.stops, self.draw.told)
        self.written.append(
            [None if ended else token for ended, token in zip(self.ended, tokens, strict=True)]
        )
        self.ended = [e or token.ends for e, token in zip(self.ended, tokens, strict=True)]
        self.left -= 1
        return ids


@dataclass(eq=False)
class Batch:
    """Members whose next tokens are computed at once."""

    members: list[Member]
    ids: Tensor
    """Tokens that have not been read yet (rows, tokens); all, of a model that keeps nothing."""
    run: Callable[..., Any]
    """The model: tokens to logits, and to what it keeps of them."""
    machine: Machine
    places: bool
    """Whether the model can be told at which place in its text a token stands."""
    cache: Any = None
    """Keys and values of what was read."""
    mask: Tensor | None = None
    """1 where the cache holds a token, 0 where it is filled up (rows, tokens); None: nowhere."""
    merged_into: Batch | None = None

    @property
    def rows(self) -> int:
        """Texts in it."""
        return int(self.ids.shape[0])

    @property
    def read(self) -> int:
        """Tokens of the longest text that are in the cache."""
        return int(self.cache.get_seq_length())

    @property
    def joins(self) -> bool:
        """Whether others can be put beside it: of each layer all keys and values are kept."""
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer

        if not self.places or not isinstance(self.cache, DynamicCache):
            return False
        layers = self.cache.layers
        return all(type(layer) is DynamicLayer and layer.is_initialized for layer in layers)

    def now(self) -> Batch:
        """The batch that its members are in by now."""
        return self if self.merged_into is None else self.merged_into.now()


def begun(
    model: nn.Module,
    prompt: Prompt,
    count: int,
    stops: Sequence[int],
    machine: Machine,
    draw: Draw,
) -> Batch:
    """`count` texts after a prompt, of which no token has been computed yet.

    Args:
        prompt: of a decoder what it goes on with, of an encoder-decoder what it reads.
        stops: tokens that end a text.
    """
    inside: Any = anatomy.unwrapped(model)
    inside.eval()
    ids = torch.tensor([prompt.ids] * count, device=machine.device)
    fixed: dict[str, Any] = {"use_cache": True}
    known = inspect.signature(inside.forward).parameters
    if "logits_to_keep" in known:
        fixed["logits_to_keep"] = 1
    two, name = inside.config.is_encoder_decoder, "input_ids"
    if two:
        with torch.inference_mode(), autocast(machine):
            fixed["attention_mask"] = torch.ones_like(ids)
            fixed["encoder_outputs"] = inside.get_encoder()(ids, fixed["attention_mask"])
        ids = torch.full_like(ids[:, :1], inside.config.decoder_start_token_id)
        name = "decoder_input_ids"

    def run(given: Tensor, cache: Any, **more: Any) -> Any:
        return inside(**{name: given}, past_key_values=cache, **fixed, **more)

    chance = draw.chance(machine.device)
    ended = [False] * count
    member = Member(count, prompt.most, frozenset(stops), draw, chance, ended)
    # RoBERTa's kin count places from another number than 0.
    places = not two and "position_ids" in known and not skeleton.padding_offset(inside)
    return Batch([member], ids, run, machine, places)


def step(batch: Batch) -> None:
    """One token more of each member, which stands in `written`; those that are over leave."""
    _leave(batch)
    if not batch.members:
        return
    try:
        _write(batch)
    except BaseException:  # its cache may hold the half of a step
        for member in batch.members:
            member.failed = True
        batch.members = []
        raise
    _leave(batch)


def joined(batches: Sequence[Batch]) -> list[Batch]:
    """The same texts in as few batches as may be."""
    groups: list[list[Batch]] = []
    able = [batch for batch in batches if batch.joins]
    for batch in sorted(able, key=lambda batch: batch.read):
        rows = batch.rows + sum(other.rows for other in groups[-1]) if groups else 0
        if groups and rows * batch.read <= CELLS:
            groups[-1].append(batch)
        else:
            groups.append([batch])
    apart = [batch for batch in batches if not batch.joins]
    return [*apart, *(_merged(group) for group in groups)]


def drawn(
    model: nn.Module,
    prompt: Prompt,
    count: int,
    stops: Sequence[int],
    machine: Machine,
    draw: Draw,
) -> Iterator[list[Token | None]]:
    """The next token of each of `count` texts after a prompt; None of those that have ended.

    With a temperature of 0 they are those of `generate`. Nothing is computed ahead of what is
    asked for, so that whoever reads may stop.
    """
    batch = begun(model, prompt, count, stops, machine, draw)
    (member,) = batch.members
    while not member.over:
        step(batch)
        yield member.written.pop()


def _write(batch: Batch) -> None:
    """The next token of each text."""
    with torch.inference_mode(), autocast(batch.machine):
        output = batch.run(batch.ids, batch.cache, **_filled_up(batch))
        batch.cache = getattr(output, "past_key_values", None)
        logits = output.logits[:, -1].float()  # (rows, words)
        each = logits.split([member.count for member in batch.members])
        new = [m.take(own) for m, own in zip(batch.members, each, strict=True)]
        last = torch.cat(new)[:, None]
        # A model that keeps nothing of what it has read reads it again.
        batch.ids = torch.cat([batch.ids, last], dim=1) if batch.cache is None else last


def _filled_up(batch: Batch) -> dict[str, Tensor]:
    """What a model must be told where texts are filled up: with what, and the tokens' places."""
    if batch.mask is None:
        return {}
    places = batch.mask.sum(1, keepdim=True)
    batch.mask = torch.cat([batch.mask, torch.ones_like(places)], dim=1)
    return {"attention_mask": batch.mask, "position_ids": places}


@torch.inference_mode()
def _leave(batch: Batch) -> None:
    """Take out the members that are over, and what only they had filled up."""
    stay = [member for member in batch.members if not member.over]
    if len(stay) == len(batch.members):
        return
    rows = [not member.over for member in batch.members for _ in range(member.count)]
    batch.members = stay
    if not stay:
        batch.cache = batch.mask = None
        return
    kept = torch.tensor(rows, device=batch.ids.device).nonzero().squeeze(1)
    batch.ids = batch.ids[kept]
    batch.cache.batch_select_indices(kept)
    if batch.mask is None:
        return
    mask = batch.mask[kept]
    empty = int(mask.any(0).int().argmax())
    for layer in batch.cache.layers:
        layer.keys, layer.values = layer.keys[..., empty:, :], layer.values[..., empty:, :]
    mask = mask[:, empty:]
    batch.mask = None if mask.all() else mask


@torch.inference_mode()
def _merged(group: Sequence[Batch]) -> Batch:
    """Several batches as the first of them, in which the texts of all then are."""
    first, *others = group
    if not others:
        return first
    longest = max(batch.read for batch in group)
    spare = [longest - batch.read for batch in group]
    masks = []
    for batch, empty in zip(group, spare, strict=True):
        mask = batch.mask
        if mask is None:
            mask = batch.ids.new_ones(batch.rows, batch.read)
        masks.append(pad(mask, (empty, 0)))
    whole = torch.cat(masks)
    for number, layer in enumerate(first.cache.layers):
        own = [batch.cache.layers[number] for batch in group]
        layer.keys, layer.values = (
            torch.cat([pad(t, (0, 0, empty, 0)) for t, empty in zip(each, spare, strict=True)])
            for each in ([one.keys for one in own], [one.values for one in own])
        )
    first.mask = None if whole.all() else whole
    first.ids = torch.cat([batch.ids for batch in group])
    first.members = [member for batch in group for member in batch.members]
    for batch in others:
        batch.members, batch.cache, batch.mask = [], None, None
        batch.merged_into = first
    return first

"""Layers that training does not reach run once over the rows, not once an epoch.

What they give is kept (`fit.kept`) for every epoch, trial and method that leaves the same layers
as they are, and for a later run in the same folder. They run without dropout.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.errors import is_disk_full
from tunewell.fit import kept
from tunewell.fit.batches import TOKENS, probe_batches, within_tokens
from tunewell.fit.depth import Lower, lower_layers, proven
from tunewell.fit.feeds import KeptFeed, TokenFeed
from tunewell.fit.kept import Kept, Plan
from tunewell.fit.pieces import Piece
from tunewell.fit.prefix import key_of
from tunewell.fit.tensors import autocast, padded
from tunewell.values import Progress

TRIED = 3
"""Pieces on which it is tried what cannot change: the shortest."""
CLOSE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}
"""Share by which kept states may differ from those of the model at hand; those of other weights
differ by all of it."""


def kept_feeds(
    job: Job, model: nn.Module, train: TokenFeed, validation: TokenFeed, epochs: int
) -> tuple[KeptFeed, KeptFeed] | None:
    """Both parts with the states that the frozen layers give; None where it is better without.

    That is where no layer is frozen, where each row is read once, where there is no room, and
    where three rows are not answered and learnt from as they are without.
    """
    few = sorted(train.pieces, key=lambda piece: len(piece.ids))[:TRIED]
    if len(few) == len(few[-1].ids):  # rows and tokens could not be told apart
        few.pop()

    def run() -> Tensor:
        return _logits(train, model, few)

    lower = lower_layers(model, run)
    if lower is None or not proven(lower, run, _lengths(few)):
        return None
    pieces = [*train.pieces, *validation.pieces]
    plan = _plan(job, lower, pieces)
    if job.probe:
        if epochs < 2 or not kept.has_room(plan, job.machine.memory_bytes):
            return None
        states, seconds = _probed(job, lower, train, pieces, plan)
    else:
        found = _before(job, lower, train, pieces, plan)
        if found is None and epochs > 1:
            found = _computed(job, lower, train, pieces, plan)
        if found is None:
            return None
        states, seconds = found, 0.0
    cut = len(train.pieces)
    return (
        KeptFeed(train, lower, states, 0, seconds),
        KeptFeed(validation, lower, states, cut, seconds),
    )


def _plan(job: Job, lower: Lower, pieces: Sequence[Piece]) -> Plan:
    assert job.backbone is not None
    path = None
    if job.cache is not None:
        key = key_of(job.backbone, job.machine, pieces)
        path = job.cache / f"{kept.PREFIX}{lower.depth}-{key}.safetensors"
    dtype = torch.bfloat16 if job.machine.dtype == "bfloat16" else torch.float32
    return Plan(path, _lengths(pieces), lower.width, dtype)


def _before(
    job: Job, lower: Lower, feed: TokenFeed, pieces: Sequence[Piece], plan: Plan
) -> Kept | None:
    """What an earlier fit kept, if it is of these weights; its seconds are borrowed."""
    try:
        found = kept.read(plan)
    except SafetensorError:
        assert plan.path is not None
        job.report_progress(Progress(note=f"{plan.path.name} was damaged and is computed again"))
        return None
    if found is None:
        return None
    tried = sorted(range(len(pieces)), key=lambda number: plan.lengths[number])[:TRIED]
    own = _states(lower, feed, [pieces[number] for number in tried])
    apart = (own - found.of(tried).to(own)).norm() / own.norm()
    if not apart <= CLOSE[plan.dtype]:
        return None
    job.report_progress(Progress(borrowed_seconds=found.seconds))
    return found


def _computed(
    job: Job, lower: Lower, feed: TokenFeed, pieces: Sequence[Piece], plan: Plan
) -> Kept | None:
    """The states of all pieces; None where there is no room for them."""
    if not kept.make_room(plan, job.machine.memory_bytes):
        gigabytes = plan.size_bytes / 1e9
        note = f"its {lower.depth} frozen layers run in every epoch: no room for {gigabytes:.1f} GB"
        job.report_progress(Progress(note=note))
        return None

    def batches() -> Iterator[tuple[list[int], Tensor]]:
        for numbers in within_tokens(range(len(pieces)), plan.lengths, TOKENS):
            yield numbers, _states(lower, feed, [pieces[number] for number in numbers])

    try:
        return kept.compute(plan, batches())
    except OSError as error:
        if not is_disk_full(error):
            raise
    job.report_progress(Progress(note="its frozen layers run in every epoch: the disk is full"))
    return None


def _probed(
    job: Job, lower: Lower, feed: TokenFeed, pieces: Sequence[Piece], plan: Plan
) -> tuple[Kept, float]:
    """States in memory for a probe, empty, and the seconds that computing them would take."""
    begun = time.perf_counter()
    first, chosen = probe_batches(plan.lengths)
    _states(lower, feed, [pieces[number] for number in first])  # pays for the start
    start = time.perf_counter()
    for numbers in chosen:
        _states(lower, feed, [pieces[number] for number in numbers]).cpu()  # a GPU is waited for
    tokens = sum(plan.lengths[number] for numbers in chosen for number in numbers)
    seconds = (time.perf_counter() - start) / tokens * sum(plan.lengths)
    job.report_progress(Progress(measuring_seconds=time.perf_counter() - begun))
    return kept.compute(replace(plan, path=None), ()), seconds


def _states(lower: Lower, feed: TokenFeed, pieces: Sequence[Piece]) -> Tensor:
    """States (tokens, hidden) of pieces, one after the other, in the machine's precision."""

    def run() -> Tensor:
        with autocast(feed.machine):
            return _logits(feed, lower.model, pieces)

    lower.model.eval()
    return lower.states(run, _lengths(pieces))


def _logits(feed: TokenFeed, model: nn.Module, pieces: Sequence[Piece]) -> Tensor:
    """Of the pieces' own tokens alone, where there are some for each."""
    batch = padded(pieces, feed.pad_id, feed.machine.device)
    logits = feed.head.logits(model, batch)
    mask = batch["attention_mask"].bool()
    return logits[mask] if logits.dim() == 3 and logits.shape[:2] == mask.shape else logits


def _lengths(pieces: Sequence[Piece]) -> tuple[int, ...]:
    return tuple(len(piece.ids) for piece in pieces)

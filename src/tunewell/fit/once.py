"""What trials of a comparison have in common is done once in a process.

Rows become pieces once. A body that a method was seen to leave as it is is neither loaded nor
tried again for the method's further trials: they stand on the one that is loaded.
"""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.alone import reads_padding
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.dropout import draw_less
from tunewell.fit.feeds import only_head_moves, what_the_head_reads
from tunewell.fit.fused import fuse
from tunewell.fit.heads import Head, writes
from tunewell.fit.heads.own import upon
from tunewell.fit.heads.writing import what_is_cut
from tunewell.fit.pieces import Piece
from tunewell.fit.prefix import POOLINGS, body_of
from tunewell.fit.quantised import size
from tunewell.values import Backbone, Example, Progress

Prepare = Callable[[nn.Module], nn.Module]
"""Decides which parameters of a model move; may wrap it."""

SAMPLE = 32
"""Rows on which it is tried whether a row alone is answered as beside a longer one."""
PARTS = 2
"""Sets of rows whose pieces are kept: those to train on and those to validate on."""


@dataclass(frozen=True)
class Built:
    """A head and a model that are ready to be trained."""

    head: Head
    model: nn.Module
    tokenizer: Any
    total: int
    """Parameters before anything was added."""


@dataclass(frozen=True)
class _Read:
    """Rows as pieces, and what decides them."""

    examples: tuple[Example, ...]
    head: Head
    backbone: Backbone
    training: bool
    pieces: list[Piece]
    seconds: float


_read: deque[_Read] = deque(maxlen=PARTS)
_left_alone: WeakKeyDictionary[Any, dict[Any, float]] = WeakKeyDictionary()
"""Preparations that left a body as it is, by which body and head; seconds of finding that out."""


def encoded(
    job: Job, head: Head, tokenizer: Any, examples: tuple[Example, ...], training: bool
) -> list[Piece]:
    """The pieces of some rows of a job; who gets those of another fit reports their seconds.

    Where texts are written, with their answers; what training rows have lost is told.
    """
    backbone = job.backbone
    assert backbone is not None
    for known in _read:
        same = (known.head, known.backbone, known.training) == (head, backbone, training)
        if known.examples is examples and same:
            job.report_progress(Progress(borrowed_seconds=known.seconds))
            _tell_what_is_cut(job, known)
            return known.pieces
    begun = time.perf_counter()
    inputs = [example.input for example in examples]
    if writes(head):
        targets = [example.target for example in examples]
        pieces = head.solved(tokenizer, inputs, targets, backbone.max_length, training)
    else:
        pieces = head.encode(tokenizer, inputs, backbone.max_length, training)
    read = _Read(examples, head, backbone, training, pieces, time.perf_counter() - begun)
    _tell_what_is_cut(job, read)
    _read.append(read)
    return pieces


def _tell_what_is_cut(job: Job, read: _Read) -> None:
    """What training rows with their answers have lost; NotApplicable where nothing is left."""
    if read.training and writes(read.head):
        most = read.backbone.max_length
        for note in what_is_cut(read.pieces, len(read.examples), most):
            job.report_progress(Progress(note=note))


def built(job: Job, prepare: Prepare, head: Head, dropout: float) -> Built:
    """The head as it fits the backbone, and its prepared model with fresh output layers.

    Raises:
        NotApplicable: the model answers a row differently beside a longer one, or nothing of it
            would move.
    """
    backbone = job.backbone
    assert backbone is not None
    known = _left_alone.get(prepare, {}) if inspect.isfunction(prepare) else {}
    key = (backbone, job.machine.device, job.machine.dtype, type(head), head.pooling)
    if key in known:
        body = body_of(backbone, job.machine)
        with upon(body.model):
            model = head.build(backbone, dropout, job.seed)
        job.report_progress(Progress(borrowed_seconds=known[key]))
        return _prepared(job, prepare, head, model, body.tokenizer)
    begun = time.perf_counter()
    tokenizer = load_tokenizer(backbone)
    if writes(head):
        head.equip(tokenizer)
    texts = [example.input for example in job.train[:SAMPLE]]
    sample = head.encode(tokenizer, texts, backbone.max_length, training=True)
    pad_id = tokenizer.pad_token_id
    settled, model = head.settle(backbone, dropout, job.seed, sample, pad_id)
    if settled.pooling is None and not writes(head):
        model.reads = what_the_head_reads(model, settled, sample, pad_id)  # type: ignore[assignment]
    ready = _prepared(job, prepare, settled, model, tokenizer)
    if reads_padding(ready.model, settled, sample, pad_id):
        raise NotApplicable(
            "so adapted, this backbone answers a row differently beside a longer one"
        )
    one_vector = head.pooling in POOLINGS and only_head_moves(ready.model)
    if one_vector and inspect.isfunction(prepare):
        _left_alone.setdefault(prepare, {})[key] = time.perf_counter() - begun
    return ready


def _prepared(job: Job, prepare: Prepare, head: Head, model: nn.Module, tokenizer: Any) -> Built:
    total = size(model)
    torch.manual_seed(job.seed)
    model = prepare(model).to(job.machine.device)
    if not any(p.requires_grad for p in model.parameters()):
        raise NotApplicable("nothing would move: a model that writes gets no new output layers")
    draw_less(model)
    fuse(model, told=lambda note: job.report_progress(Progress(note=note)))
    return Built(head, model, tokenizer, total)

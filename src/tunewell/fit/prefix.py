"""Work that is the same for every epoch, trial and method: the output of a frozen body.

A frozen body gives the same vectors for a row each time, so they are computed once and kept.
What a head may read is a handful of vectors a piece: the mean over tokens, the first, the last.
"""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tunewell.contracts import Job
from tunewell.fit.backbones import load_model, load_tokenizer
from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.heads.own import pool, row_vectors
from tunewell.fit.machine import set_up
from tunewell.fit.pieces import Piece, Text, in_windows, whole, whole_or_windows
from tunewell.fit.probed import probed
from tunewell.fit.tensors import autocast, padded
from tunewell.values import Backbone, Machine, Progress, whole_file

POOLINGS = ("mean", "cls", "last")


@dataclass(frozen=True)
class FrozenBody:
    """A backbone that only reads."""

    model: Any
    tokenizer: Any
    backbone: Backbone
    machine: Machine
    load_seconds: float
    size_bytes: int
    """Of its weights."""

    def vectors(self, texts: Sequence[Text], pooling: str) -> tuple[Tensor, list[int]]:
        """One vector a text (texts, hidden), of length 1, and how many tokens each has."""
        pieces = self.encode(texts)
        unit = torch.nn.functional.normalize(self.read(pieces)[pooling], dim=-1)
        return unit, [len(piece.ids) for piece in pieces]

    def encode(self, texts: Sequence[Text], windows: bool = False) -> list[Piece]:
        """One piece a text or pair, cut at the backbone's length, or `windows` of a long one."""
        cut = whole_or_windows if windows else whole
        return cut(self.tokenizer, texts, self.backbone.max_length)

    def read(self, pieces: Sequence[Piece]) -> dict[str, Tensor]:
        """Each pooling's vectors (pieces, hidden) in float32, in the order of the pieces."""
        lengths = [len(piece.ids) for piece in pieces]
        parts: dict[str, list[Tensor]] = {pooling: [] for pooling in POOLINGS}
        order: list[int] = []
        with torch.inference_mode(), autocast(self.machine):
            for rows in within_tokens(range(len(pieces)), lengths, TOKENS):
                batch = padded(
                    [pieces[row] for row in rows], self.tokenizer.pad_token_id, self.machine.device
                )
                hidden = self.model(**batch).last_hidden_state.float()  # (batch, tokens, hidden)
                for pooling in POOLINGS:
                    parts[pooling].append(pool(hidden, batch["attention_mask"], pooling).cpu())
                order += rows
        back = torch.tensor(order).argsort()
        return {pooling: torch.cat(part)[back] for pooling, part in parts.items()}


_LOADED: WeakSet[FrozenBody] = WeakSet()


@lru_cache(maxsize=2)
def frozen_body(backbone: Backbone, machine: Machine) -> FrozenBody:
    """The backbone in evaluation mode, loaded once per process."""
    set_up(machine.threads)
    begun = time.perf_counter()
    model = load_model(backbone, "AutoModel", dropout=0.0).eval().requires_grad_(False)
    model = model.to(machine.device)
    tokenizer = load_tokenizer(backbone)
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    body = FrozenBody(model, tokenizer, backbone, machine, time.perf_counter() - begun, size)
    _LOADED.add(body)
    return body


def keep_bodies(count: int) -> None:
    """Keep so many backbones loaded at once, for models that answer in turn."""
    global frozen_body
    frozen_body = lru_cache(maxsize=count)(frozen_body.__wrapped__)


def loaded_bodies() -> list[Any]:
    """The networks of the backbones that are loaded."""
    return [body.model for body in _LOADED]


def embed(
    backbone: Backbone,
    machine: Machine,
    texts: Sequence[Text],
    pooling: str | None = None,
    windows: bool = False,
) -> Tensor:
    """One vector a text or pair (texts, hidden); of a long one the mean of its `windows`', if so.

    Pooled as asked, else as the backbone, else by mean.
    """
    pieces = body_of(backbone, machine).encode(texts, windows)
    pooling = pooling or backbone.pooling or "mean"
    return row_vectors(read_pieces(backbone, machine, pieces, pooling), pieces, pooling)


def read_pieces(
    backbone: Backbone, machine: Machine, pieces: Sequence[Piece], pooling: str
) -> Tensor:
    """One vector a piece (pieces, hidden) from the frozen body."""
    shared = _SHARED.get()
    key = key_of(backbone, machine, pieces) if shared is not None else ""
    if shared is not None and (key in shared or key in _PASSED):
        return (shared.get(key) or _PASSED[key])[pooling]
    vectors = body_of(backbone, machine).read(pieces)
    if shared is not None:
        shared[key] = vectors
    return vectors[pooling]


_PASSED: dict[str, dict[str, Tensor]] = {}
"""Vectors of the validation rows of the last frozen pass, for whoever may share them."""
_SHARED: ContextVar[dict[str, dict[str, Tensor]] | None] = ContextVar("shared", default=None)


@contextmanager
def shared_reading(vectors: dict[str, dict[str, Tensor]]) -> Iterator[None]:
    """Inside, texts that a frozen body has read are taken from `vectors`, and new ones added.

    For answering one test set by several predictors; never around a measurement of speed.
    """
    token = _SHARED.set(vectors)
    try:
        yield
    finally:
        _SHARED.reset(token)


def body_of(backbone: Backbone, machine: Machine) -> FrozenBody:
    """The backbone, ready to read, shared by everything in this process that does not move it."""
    # How a vector is pooled and how much memory is free do not change the loaded body.
    return frozen_body(replace(backbone, pooling=None), replace(machine, memory_bytes=0))


def borrow_body(job: Job) -> FrozenBody:
    """The body for a fit; if it was loaded before, its time and memory are reported as borrowed."""
    assert job.backbone is not None
    loaded = frozen_body.cache_info().misses
    body = body_of(job.backbone, job.machine)
    if frozen_body.cache_info().misses == loaded:
        borrowed = Progress(borrowed_seconds=body.load_seconds, borrowed_bytes=body.size_bytes)
        job.report_progress(borrowed)
    return body


def frozen_pass(
    job: Job, train: Sequence[Piece] | None = None, validation: Sequence[Piece] | None = None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every pooling's vectors of the pieces of training and validation rows.

    Where no pieces are given, those of rows, long ones cut or read in windows as the task says.
    Computed once per backbone, pieces and precision,
    kept in `job.cache`; whoever takes them from there reports the seconds they took as borrowed.
    A probe gets the vectors of a few pieces, repeated, and reports what the whole would take.
    """
    body = borrow_body(job)
    by_rows = train is None or validation is None
    if train is None or validation is None:
        windows = getattr(job.task, "windows", False)
        train, validation = (
            body.encode([example.input for example in part], windows)
            for part in (job.train, job.validation)
        )
        if several := in_windows(train, validation):
            texts = "1 long text is" if several == 1 else f"{several} long texts are"
            told = f"{texts} read in overlapping windows of {body.backbone.max_length} tokens"
            job.report_progress(Progress(note=told))
    pieces, cut = [*train, *validation], len(train)
    if job.probe:
        vectors = probed(job, body, pieces, key_of(body.backbone, body.machine, pieces))
    else:
        vectors = _read_once(job, body, pieces)
    first = {pooling: rows[:cut] for pooling, rows in vectors.items()}
    rest = {pooling: rows[cut:] for pooling, rows in vectors.items()}
    if not job.probe:
        _PASSED.clear()
        _PASSED[key_of(body.backbone, body.machine, validation)] = rest
    if by_rows:
        first = {pooling: row_vectors(first[pooling], train, pooling) for pooling in first}
        rest = {pooling: row_vectors(rest[pooling], validation, pooling) for pooling in rest}
    return first, rest


def _read_once(job: Job, body: FrozenBody, pieces: Sequence[Piece]) -> dict[str, Tensor]:
    path = None
    if job.cache is not None:
        key = key_of(body.backbone, body.machine, pieces)
        path = job.cache / f"frozen-{key}.safetensors"
    if path is not None and path.exists():
        try:
            with safe_open(path, "pt") as kept:
                vectors = {pooling: kept.get_tensor(pooling) for pooling in POOLINGS}
                seconds = float(kept.metadata()["seconds"])
            job.report_progress(Progress(borrowed_seconds=seconds))
            return vectors
        except SafetensorError:
            job.report_progress(Progress(note=f"{path.name} was damaged and is computed again"))
    begun = time.perf_counter()
    vectors = body.read(pieces)
    if path is not None:
        _keep(path, vectors, time.perf_counter() - begun)
    return vectors


def _keep(path: Path, vectors: dict[str, Tensor], seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {pooling: tensor.contiguous() for pooling, tensor in vectors.items()}
    with whole_file(path) as aside:
        save_file(rows, aside, metadata={"seconds": repr(seconds)})
        with aside.open("rb") as file:
            os.fsync(file.fileno())


def key_of(backbone: Backbone, machine: Machine, pieces: Sequence[Piece]) -> str:
    """Of what a backbone makes of pieces on a machine."""
    digest = hashlib.sha256(f"{backbone.fingerprint} {machine.dtype} {machine.device}".encode())
    for piece in pieces:
        for numbers in (piece.ids, piece.type_ids or ()):
            data = array("I", numbers).tobytes()
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]

"""Work that is the same for every epoch, trial and method: the output of a frozen body.

A frozen body gives the same vectors for a row each time, so they are computed once and kept.
What a head may read is a handful of vectors a row: the mean over tokens, the first, the last.
"""

from __future__ import annotations

import hashlib
import os
import time
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
from tunewell.fit.heads.sequence import pool
from tunewell.fit.tensors import autocast, padded, token_ids
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

    def vectors(self, texts: Sequence[str], pooling: str) -> tuple[Tensor, list[int]]:
        """One vector a text (texts, hidden), of length 1, and how many tokens each has."""
        encoded = self.encode(texts)
        unit = torch.nn.functional.normalize(self.read(encoded)[pooling], dim=-1)
        return unit, [len(ids) for ids in encoded]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids, cut at the backbone's length."""
        return token_ids(self.tokenizer, texts, self.backbone.max_length)

    def read(self, encoded: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Each pooling's vectors (rows, hidden) in float32, in the order of the rows."""
        lengths = [len(ids) for ids in encoded]
        parts: dict[str, list[Tensor]] = {pooling: [] for pooling in POOLINGS}
        order: list[int] = []
        with torch.inference_mode(), autocast(self.machine):
            for rows in within_tokens(range(len(encoded)), lengths, TOKENS):
                batch = padded(
                    [encoded[row] for row in rows], self.tokenizer.pad_token_id, self.machine.device
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
    torch.set_num_threads(machine.threads)
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
    backbone: Backbone, machine: Machine, texts: Sequence[str], pooling: str | None = None
) -> Tensor:
    """One vector a text (texts, hidden), pooled as asked, else as the backbone, else by mean."""
    pooling = pooling or backbone.pooling or "mean"
    shared = _SHARED.get()
    key = _key(backbone, machine, texts) if shared is not None else ""
    if shared is not None and key in shared:
        return shared[key][pooling]
    body = body_of(backbone, machine)
    vectors = body.read(body.encode(texts))
    if shared is not None:
        shared[key] = vectors
    return vectors[pooling]


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


def frozen_pass(job: Job) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Every pooling's vectors of the training and the validation rows.

    Computed once per backbone, rows and precision, kept in `job.cache`; whoever takes them from
    there reports the seconds they took as borrowed. A probe gets the vectors of a few rows,
    repeated, and reports what the whole pass would take.
    """
    body = borrow_body(job)
    texts = [example.input for example in (*job.train, *job.validation)]
    vectors = _probed(job, body, texts) if job.probe else _read_once(job, body, texts)
    cut = len(job.train)
    train = {pooling: rows[:cut] for pooling, rows in vectors.items()}
    return train, {pooling: rows[cut:] for pooling, rows in vectors.items()}


def _read_once(job: Job, body: FrozenBody, texts: Sequence[str]) -> dict[str, Tensor]:
    path = None
    if job.cache is not None:
        key = _key(body.backbone, body.machine, texts)
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
    vectors = body.read(body.encode(texts))
    if path is not None:
        _keep(path, vectors, time.perf_counter() - begun)
    return vectors


def _probed(job: Job, body: FrozenBody, texts: Sequence[str]) -> dict[str, Tensor]:
    """Vectors of three batches at the quantiles of length, repeated for all texts."""
    begun = time.perf_counter()
    encoded = body.encode(texts)
    batches = within_tokens(range(len(encoded)), [len(ids) for ids in encoded], TOKENS)
    chosen = [batches[int(q * (len(batches) - 1))] for q in (0.1, 0.5, 0.9)]
    body.read([encoded[row] for row in chosen[0]])  # the first call pays for the start
    start = time.perf_counter()
    read = [body.read([encoded[row] for row in rows]) for rows in chosen]
    tokens = sum(len(encoded[row]) for rows in chosen for row in rows)
    seconds = (time.perf_counter() - start) / tokens * sum(len(ids) for ids in encoded)
    job.report_progress(
        Progress(
            borrowed_seconds=seconds,
            measuring_seconds=time.perf_counter() - begun,
            answer_seconds=seconds / len(texts),
        )
    )
    few = {pooling: torch.cat([part[pooling] for part in read]) for pooling in POOLINGS}
    at = torch.arange(len(texts)) % len(few[POOLINGS[0]])
    return {pooling: rows[at] for pooling, rows in few.items()}


def _keep(path: Path, vectors: dict[str, Tensor], seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {pooling: tensor.contiguous() for pooling, tensor in vectors.items()}
    with whole_file(path) as aside:
        save_file(rows, aside, metadata={"seconds": repr(seconds)})
        with aside.open("rb") as file:
            os.fsync(file.fileno())


def _key(backbone: Backbone, machine: Machine, texts: Sequence[str]) -> str:
    parts = [backbone.fingerprint, str(backbone.max_length), machine.dtype, machine.device, *texts]
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()[:32]

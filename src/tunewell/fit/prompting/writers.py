"""Whoever writes an answer: a model on this machine, or one that is asked over HTTP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import turns
from tunewell.fit.backbones import load_config, load_tokenizer
from tunewell.fit.heads.writing import writing_head
from tunewell.fit.machine import set_up
from tunewell.fit.pieces import Piece
from tunewell.fit.turns import Asked
from tunewell.values import Backbone, Machine, Progress

SPOKEN = "What is the sea? A great deal of water."
"""Some words on which a model is tried."""


class Said(NamedTuple):
    """What a model wrote."""

    text: str | None
    """None where it refused to."""
    read: int
    """Tokens of what it was asked."""
    written: int
    """Tokens of what it wrote."""
    seconds: float = 0.0
    """From request to reply; 0 where rows are answered together."""


class Writer(Protocol):
    """Answers what it is asked, the likeliest word after the other."""

    @property
    def talks(self) -> bool:
        """Whether it is asked in a conversation; else it goes on with a text."""

    @property
    def window(self) -> int | None:
        """Tokens that a question and its answer may have together; None: it is not known."""

    @property
    def weights(self) -> int:
        """How many numbers it has; 0 where that is not known."""

    def tokens(self, asked: Asked) -> int:
        """Tokens of a question: as many, or at most as many where they cannot be counted."""

    def length(self, answer: str) -> int:
        """Tokens of an answer, or more."""

    def write(self, asked: Sequence[Asked], most: int) -> list[Said]:
        """What it writes to each question, at most so many tokens."""

    # One whose likelihoods are to be had has `scores(asked, answers) -> nats`: the logarithm of
    # how likely each of the answers to each question is.


class AsIs:
    """Stands for a task whose inputs are what is asked."""

    def conversation(self, input: Asked) -> Asked:
        """The input itself."""
        return input


@dataclass(frozen=True)
class LocalWriter:
    """A decoder or an encoder-decoder on this machine."""

    head: Any
    model: Any
    tokenizer: Any
    backbone: Backbone
    machine: Machine
    talks: bool
    load_seconds: float
    weights: int

    @property
    def window(self) -> int:
        """Tokens that a question and its answer may have together; an encoder reads alone."""
        return self.backbone.max_length

    def tokens(self, asked: Asked) -> int:
        """Tokens of a question."""
        if isinstance(asked, str) and not self.head.one_stack:
            return self.length(asked)
        return self.length(turns.asked_text(self.tokenizer, asked))

    def length(self, answer: str) -> int:
        """Tokens of an answer."""
        given = self.tokenizer(answer, add_special_tokens=False, verbose=False)
        return len(given["input_ids"])

    def write(self, asked: Sequence[Asked], most: int) -> list[Said]:
        """What it writes to each question, at most so many tokens."""
        head, length = replace(self.head, new_tokens=most), self.backbone.max_length
        answers, _ = head.write(self.model, self.tokenizer, asked, length, self.machine)
        return [
            Said(answer.value, self.tokens(each), min(most, self.length(answer.value) + 1))
            for each, answer in zip(asked, answers, strict=True)
        ]

    def scores(self, asked: Sequence[Asked], answers: Sequence[Sequence[str]]) -> list[list[float]]:
        """Nats of each answer to each question."""
        from tunewell.fit.prompting.scoring import nats

        return [nats(self, *each) for each in zip(asked, answers, strict=True)]


def writer_for(job: Job) -> Writer:
    """The backbone as it writes; time and memory of one that was loaded before are borrowed.

    Raises:
        NotApplicable: it does not write.
    """
    assert job.backbone is not None
    before = _loaded.cache_info().misses
    writer = writer_of(job.backbone, job.machine)
    there = _loaded.cache_info().misses == before
    if isinstance(writer, LocalWriter) and (there or job.probe):
        size = 4 * writer.weights if there else 0
        job.report_progress(Progress(borrowed_seconds=writer.load_seconds, borrowed_bytes=size))
    return writer


def writer_of(backbone: Backbone, machine: Machine) -> Writer:
    """A backbone as it writes, loaded once a process; NotApplicable where it does not."""
    if backbone.endpoint is not None:
        from tunewell.fit.endpoints.writer import EndpointWriter

        return EndpointWriter(backbone.endpoint)
    return _loaded(replace(backbone, pooling=None), replace(machine, memory_bytes=0))


def may_write(backbone: Backbone) -> bool:
    """Whether a backbone is of a kind that writes, by its configuration alone."""
    if backbone.endpoint is not None:
        return True
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_MASKED_LM_MAPPING,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    )

    config = load_config(backbone)
    if config.is_encoder_decoder:
        return type(config) in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING
    fills = type(config) in MODEL_FOR_MASKED_LM_MAPPING
    return type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and not fills


@lru_cache(maxsize=1)
def _loaded(backbone: Backbone, machine: Machine) -> LocalWriter:
    if not may_write(backbone):
        raise NotApplicable("the backbone reads texts and does not write them")
    set_up(machine.threads)
    begun = time.perf_counter()
    tokenizer = load_tokenizer(backbone)
    talks = tokenizer.chat_template is not None
    head: Any = writing_head(AsIs(), backbone)  # type: ignore[arg-type]
    head.equip(tokenizer)
    head.stops(tokenizer)
    tried = [Piece(tokenizer(SPOKEN, add_special_tokens=False)["input_ids"])]
    head, model = head.settle(backbone, 0.0, 0, tried, tokenizer.pad_token_id)
    model = model.to(machine.device).eval().requires_grad_(False)
    weights = sum(p.numel() for p in model.parameters())
    seconds = time.perf_counter() - begun
    return LocalWriter(head, model, tokenizer, backbone, machine, talks, seconds, weights)

"""The steps of a pre-training; they go on from a checkpoint as if they had never stopped.

The step itself, its memory and its checkpoints are those of every other training. Which blocks a
step reads and what is hidden in them follow from the seed and the step alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from tunewell.errors import TrainingDiverged
from tunewell.fit import output_layer, rates
from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.pretraining.blocks import Blocks
from tunewell.fit.pretraining.course import Course
from tunewell.fit.pretraining.objectives import batch_of
from tunewell.fit.pretraining.optimizer import optimizer_of
from tunewell.fit.pretraining.settings import Objective
from tunewell.fit.signals import held_back
from tunewell.fit.state import State, Training, resume, save
from tunewell.fit.step import take_step
from tunewell.fit.tensors import autocast
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Machine, Progress

BAD_STEPS = 3
"""Steps in a row whose loss or gradient is not finite before training stops."""
PROBED = 3
"""Steps that are timed to know how many there will be, behind one that pays for the start."""


@dataclass(frozen=True)
class Learner:
    """A model that learns from running text."""

    model: nn.Module
    tokenizer: Any
    objective: Objective
    machine: Machine
    window: int
    """Tokens that it reads at once."""
    fresh: bool = False
    """Whether its weights were random at first."""

    @cached_property
    def plain(self) -> bool:
        """Whether its logits are those of its output layer alone."""
        ids = torch.arange(8, device=self.machine.device).unsqueeze(0)
        return output_layer.is_plain(
            self.model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        )

    def losses(
        self, pieces: Sequence[Sequence[int]], chance: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """The loss of each token in nats (pieces, tokens), and what was to be said there."""
        device = self.machine.device
        batch, labels = batch_of(self.objective, pieces, self.tokenizer, device, chance)
        plain = self.plain
        with autocast(self.machine):
            return output_layer.token_losses(self.model, batch, labels, plain), labels


@dataclass(frozen=True)
class BlockFeed:
    """Blocks of text as the training's examples."""

    learner: Learner
    blocks: Blocks

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each block."""
        return [self.blocks.window] * len(self.blocks)

    def losses(self, model: nn.Module, rows: Sequence[int]) -> Tensor:
        """The mean loss of the tokens of some blocks, for each of them (blocks,).

        Pieces of documents run by themselves, those of like length together, so that none reads
        another document.
        """
        pieces = [piece for row in rows for piece in self.blocks.pieces(row)]
        lengths = [len(piece) for piece in pieces]
        total: Any = 0.0
        said: Any = 0
        for numbers in within_tokens(range(len(pieces)), lengths, sum(lengths)):
            losses, labels = self.learner.losses([pieces[number] for number in numbers])
            total = total + losses.sum()
            said = said + (labels != IGNORED).sum()
        return (total / said.clamp(min=1)).expand(len(rows))


@dataclass(frozen=True)
class Work:
    """What a training asks of its job."""

    machine: Machine
    seed: int
    folder: Path | None
    """Where checkpoints lie; None: none are kept."""
    report_progress: Callable[[Progress], None]
    save_every_seconds: float = 60.0


@dataclass
class Passed(State):
    """Where a pre-training is."""

    seconds: float = 0.0
    """That its steps took."""
    falls_from: int | None = None
    """The step from which on the learning rate falls."""


def train(learner: Learner, blocks: Blocks, course: Course, work: Work) -> Passed:
    """Run the steps of a course, or what is left of them; the model's weights move.

    Raises:
        TrainingDiverged: loss or gradients were not finite three steps in a row.
        KeyboardInterrupt: Ctrl-C came; a checkpoint of the last step is there.
    """
    training = _training(learner, blocks, work)
    resume(training)
    state: Any = training.state
    saved = time.monotonic()
    with held_back() as stop_asked:
        while True:
            begun = time.monotonic()
            if state.falls_from is None and course.falls(state.step, state.seconds):
                state.falls_from = state.step
            if state.falls_from is not None and state.step >= course.end(state.falls_from):
                return state
            rates.set_rates(
                training.optimizer.param_groups, 0, course.rate_at(state.step, state.falls_from)
            )
            loss = take_step(training, blocks.of_step(state.step, course.blocks, work.seed))
            if state.bad_steps >= BAD_STEPS:
                raise TrainingDiverged(
                    f"The loss or its gradient was not finite in steps {state.step - 1} to "
                    f"{state.step + 1}; the last checkpoint is kept."
                )
            state.step += 1
            state.seconds += time.monotonic() - begun
            work.report_progress(Progress(_done(course, state), loss=loss, step=state.step))
            due = stop_asked() or time.monotonic() - saved >= work.save_every_seconds
            if work.folder is not None and due:
                save(training)
                saved = time.monotonic()
            if stop_asked():
                raise KeyboardInterrupt


def seconds_a_token(learner: Learner, blocks: Blocks, many: int, seed: int) -> float:
    """What a token of a step takes, from a few steps at a learning rate of 0.

    Args:
        many: blocks of a step.
    """
    work = Work(learner.machine, seed, None, lambda progress: None)
    training = _training(learner, blocks, work)
    rates.set_rates(training.optimizer.param_groups, 0, 0.0)
    begun = 0.0
    for step in range(PROBED + 1):
        if step == 1:
            begun = time.monotonic()
        take_step(training, blocks.of_step(step, many, seed))
    return (time.monotonic() - begun) / (PROBED * many * blocks.window)


def _training(learner: Learner, blocks: Blocks, work: Work) -> Training:
    """A training of all weights at step 0."""
    accelerator = Accelerator(cpu=work.machine.device == "cpu")
    weights = {name: p for name, p in learner.model.named_parameters() if p.requires_grad}
    optimizer = optimizer_of(learner.model, weights, learner.fresh)
    feed: Any = BlockFeed(learner, blocks)
    job: Any = work
    nothing: Any = None
    model = accelerator.prepare(learner.model.eval(), device_placement=[False])
    state = Passed(TOKENS)
    return Training(job, model, feed, feed, nothing, accelerator, optimizer, weights, {}, state)


def _done(course: Course, state: Any) -> float:
    """0 to 1, by steps or by time."""
    if course.seconds is None:
        return state.step / course.steps
    return min(1.0, state.seconds / course.seconds)

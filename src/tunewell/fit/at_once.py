"""Settings and seeds of a head, fitted at once on the vectors that a frozen body gave.

Each takes the steps that it would take alone: its own rows, dropout, clipping, rate, validation
and stop. The first is the fit that was asked for; what the others came to waits for their turn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from tunewell.contracts import Job
from tunewell.fit.batches import epoch_batches
from tunewell.fit.feeds import VectorFeed
from tunewell.fit.joint_step import Joint
from tunewell.fit.schedule import Schedule
from tunewell.fit.state import State, Training, save
from tunewell.fit.step import chances_in
from tunewell.fit.validation import validate
from tunewell.values import Progress

Begin = Callable[[int], Mapping[str, Tensor]]
"""A seed -> the weights that a fit with it begins with, by name."""


@dataclass
class One:
    """One of the fits."""

    training: Training
    """With its own seed, options, state and best weights; the model is that of all."""
    told: list[Progress] = field(default_factory=list)
    failed: bool = False
    """Whether its loss or gradient was not finite once: then it is fitted by itself."""

    @property
    def runs(self) -> bool:
        """Whether it is still on its way."""
        return not self.failed and not self.training.state.stopped


@dataclass(frozen=True)
class Done:
    """What one has come to."""

    job: Job
    schedule: Schedule
    best: dict[str, Tensor]
    state: State
    told: list[Progress]
    seconds: float
    """That all together took."""

    def is_for(self, asked: Training) -> bool:
        """Whether the training that is asked for is this one."""
        mine, own = self.job, asked.job
        rows = mine.train is own.train and mine.validation is own.validation
        where = (mine.task, mine.backbone, mine.machine, mine.seed)
        alike = where == (own.task, own.backbone, own.machine, own.seed)
        return rows and alike and self.schedule == asked.schedule


_DONE: list[Done] = []
"""Those of the last fits at once whose turn is still to come."""


def fit_at_once(training: Training, begin: Begin, stop_asked: Callable[[], bool]) -> None:
    """Bring a training to its end together with those that its job names beside it.

    One that was brought there before takes over what it came to. A training that this is not for
    stays as it is: one whose body moves, that goes on from a checkpoint, or that is by itself.

    Args:
        stop_asked: as for the loop; the checkpoint is that of the first.
    """
    if training.state.step or not isinstance(training.feed, VectorFeed):
        return
    for number, done in enumerate(_DONE):
        if done.is_for(training):
            del _DONE[number]
            return _take_over(training, done)
    several = [One(training), *(_beside(training, *each) for each in _alike(training))]
    start = {name: tensor.clone() for name, tensor in training.best.items()}
    joint = _joint(several, begin) if len(several) > 1 else None
    if joint is None:
        return
    begun = time.perf_counter()
    _run(several, joint, stop_asked)
    _DONE[:] = [_done(one, time.perf_counter() - begun) for one in several[1:] if not one.failed]
    if several[0].failed:
        _put(start, training.weights, training.best)
        vars(training.state).update(vars(State(training.state.tokens)))
        training.optimizer.state.clear()


def _done(one: One, seconds: float) -> Done:
    training = one.training
    return Done(training.job, training.schedule, training.best, training.state, one.told, seconds)


def _take_over(training: Training, done: Done) -> None:
    _put(done.best, training.best)
    vars(training.state).update(vars(done.state))
    for progress in done.told:
        training.job.report_progress(progress)
    # Alone it would have taken hardly less.
    training.job.report_progress(Progress(borrowed_seconds=done.seconds))


def _alike(training: Training) -> list[tuple[Any, int]]:
    """Options and seeds beside this one, where only learning rate and seed differ."""
    own = training.schedule
    return [
        (other, seed)
        for other, seed in training.job.beside
        if isinstance(other, Schedule)
        and type(other) is type(own)
        and replace(other, learning_rate=own.learning_rate) == own
    ]


def _beside(training: Training, schedule: Schedule, seed: int) -> One:
    told: list[Progress] = []
    job = replace(training.job, seed=seed, folder=None, report_progress=told.append)
    best = {name: tensor.clone() for name, tensor in training.best.items()}
    state = State(training.state.tokens)
    return One(replace(training, job=job, schedule=schedule, best=best, state=state), told)


def _joint(several: list[One], begin: Begin) -> Joint | None:
    """All heads at their start; None where they are to be fitted one by one."""
    first = several[0].training
    factors = {factor for group in first.optimizer.param_groups for factor in group["factors"]}
    most = max(first.feed.lengths) * first.schedule.batch_size
    if factors != {1.0} or most > first.state.tokens:
        return None
    if first.job.machine.device != "cpu" and first.schedule.dropout:
        return None  # which units are dropped depends on all that run at once there
    if any(example.during != (0.0, 1.0) for example in first.job.train):
        return None
    starts = {first.job.seed: first.best}
    for one in several:
        seed = one.training.job.seed
        if seed not in starts:
            starts[seed] = dict(begin(seed))
        _put(starts[seed], one.training.best)
    seeds = [one.training.job.seed for one in several]
    return Joint.of(first, seeds, [one.training.best for one in several])


def _run(several: list[One], joint: Joint, stop_asked: Callable[[], bool]) -> None:
    """The epochs of all until each has come to its end."""
    first = several[0].training
    job, schedule, lengths = first.job, first.schedule, first.feed.lengths
    chances, saved, step = chances_in(first), time.monotonic(), 0
    per_epoch = len(epoch_batches(lengths, schedule.batch_size, job.seed, 0))
    steps = per_epoch * schedule.epochs
    for epoch in range(schedule.epochs):
        batches = [
            epoch_batches(lengths, schedule.batch_size, seed, epoch, chances)
            for seed in joint.seeds
        ]
        for rows in zip(*batches, strict=True):
            rates = [one.training.schedule.rate_at(step, steps) for one in several]
            losses = joint.move(step, rows, rates)
            step += 1
            for number, (one, loss) in enumerate(zip(several, losses, strict=True)):
                one.failed |= not math.isfinite(loss)
                if not one.runs:
                    continue
                one.training.state.step = step
                if step % per_epoch == 0:
                    _put(joint.head(number), one.training.weights)
                    validate(one.training, epoch)
                score = one.training.state.best_score
                one.training.job.report_progress(Progress(step / steps, score, loss, step))
            due = stop_asked() or time.monotonic() - saved >= job.save_every_seconds
            if job.folder is not None and due and not several[0].failed:
                _save_first(first, joint)
                saved = time.monotonic()
            if stop_asked():
                raise KeyboardInterrupt
        if not any(one.runs for one in several):
            return


def _save_first(training: Training, joint: Joint) -> None:
    """A checkpoint of the first head, from which it goes on by itself."""
    _put(joint.head(0), training.weights)
    for name, p in training.weights.items():
        moments = joint.optimizer.state[joint.weights[name]]
        training.optimizer.state[p] = {
            key: value[0].clone() if value.ndim > p.ndim else value.clone()
            for key, value in moments.items()
        }
    save(training)


def _put(values: Mapping[str, Tensor], *places: Mapping[str, Tensor]) -> None:
    """Set tensors to the values of those of the same name."""
    with torch.no_grad():
        for place in places:
            for name, value in values.items():
                place[name].copy_(value)

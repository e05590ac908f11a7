"""The one training loop.

AdamW with a linear warm-up and decay, clipping at 1.0, early stopping on validation with the
best weights kept. Every random choice is a function of the seed and the step, so a run that
goes on from a checkpoint is the run that was never stopped, to the bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from tunewell.contracts import Job
from tunewell.errors import Probed, TrainingDiverged
from tunewell.fit import anatomy, rates
from tunewell.fit.at_once import fit_at_once
from tunewell.fit.batches import epoch_batches
from tunewell.fit.feeds import (
    Feed,
    KeptFeed,
    TokenFeed,
    VectorFeed,
    frozen_feeds,
    only_head_moves,
    set_aside,
)
from tunewell.fit.heads import generates, head_for, writes
from tunewell.fit.lower import kept_feeds
from tunewell.fit.machine import set_up
from tunewell.fit.once import SAMPLE, Built, built, encoded
from tunewell.fit.phases import During, phase_batches
from tunewell.fit.pieces import in_windows
from tunewell.fit.rates import Factors
from tunewell.fit.records import Record
from tunewell.fit.schedule import Schedule
from tunewell.fit.signals import held_back
from tunewell.fit.soft import led
from tunewell.fit.state import Training, resume, save, start
from tunewell.fit.step import chances_in, take_step
from tunewell.fit.trained import TrainedPredictor
from tunewell.fit.validation import validate
from tunewell.values import Example, Progress

BAD_STEPS = 3
"""Steps in a row whose loss or gradient is not finite before training stops."""
FEW_BATCHES = 8
"""Batches an epoch up to which a probe times the longest one alone."""


def train(
    job: Job,
    prepare: Callable[[nn.Module], nn.Module],
    schedule: Schedule,
    hidden: int | None = None,
    factors: Callable[[nn.Module], Factors] | None = None,
) -> TrainedPredictor:
    """Fit a backbone and a new head to the rows of a job.

    Args:
        job: rows, backbone, machine, seed.
        prepare: decides which parameters move; may wrap the model (peft).
        schedule: learning rate, epochs and the rest, with the method's name.
        hidden: units of an MLP head; None: a linear one.
        factors: of the learning rate, by parameter and epoch, for the prepared model.

    Raises:
        NotApplicable: the model reads the padding, or nothing would move.
        TrainingDiverged: loss or gradients were not finite three steps in a row.
        Probed: `job.probe` was set.
    """
    backbone = job.backbone
    assert backbone is not None
    begun = time.perf_counter()
    set_up(job.machine.threads)
    schedule = schedule.settled(job.backbone)
    ready = built(job, prepare, head_for(job.task, backbone, hidden), schedule.dropout)
    head, model = led(ready.head, ready.model), ready.model
    ready = replace(ready, head=head)
    feed, held_out = _feeds(job, ready, schedule.epochs)
    own = factors(model) if factors else None

    def begin(seed: int) -> dict[str, nn.Parameter]:
        """What moves in the model of another seed, at its start."""
        alike = replace(job, seed=seed, report_progress=lambda progress: None)
        other = built(alike, prepare, head_for(job.task, backbone, hidden), schedule.dropout)
        return {name: p for name, p in other.model.named_parameters() if p.requires_grad}

    with set_aside(model, feed):
        training = start(job, model, feed, held_out, schedule, own)
        if job.probe:
            raise _probe(training, time.perf_counter() - begun)
        resume(training)
        with held_back() as stop_asked:
            fit_at_once(training, begin, stop_asked)
            run_epochs(training, stop_asked)
    parameters = anatomy.count(model, ready.total)
    record = Record(schedule.name, job.task, backbone, job.machine, parameters)  # type: ignore[attr-defined]
    if writes(head):
        head = head.sized(feed.pieces)
    moved = not only_head_moves(model)
    made = TrainedPredictor(record, head, model.eval(), ready.tokenizer, moved)
    _tell_of_ends(job, made)
    return made


def _feeds(job: Job, ready: Built, epochs: int) -> tuple[Feed, Feed]:
    """Training and validation rows, with what cannot change in them computed once."""
    backbone, head, model = job.backbone, ready.head, ready.model
    assert backbone is not None

    def tokens(examples: tuple[Example, ...], training: bool) -> TokenFeed:
        pieces = encoded(job, head, ready.tokenizer, examples, training)
        targets = head.targets(pieces, [example.target for example in examples])
        pad_id = ready.tokenizer.pad_token_id
        return TokenFeed(head, pieces, targets.to(job.machine.device), pad_id, job.machine)

    feed, held_out = tokens(job.train, training=True), tokens(job.validation, training=False)
    if several := 0 if head.whole_rows else in_windows(feed.pieces, held_out.pieces):
        rows = "1 long row is" if several == 1 else f"{several} long rows are"
        told = f"{rows} read in overlapping windows of {backbone.max_length} tokens"
        job.report_progress(Progress(note=told))
    if writes(head) and not head.one_stack:
        return feed, held_out
    vectors = frozen_feeds(job, model, feed, held_out) if only_head_moves(model) else None
    return vectors or kept_feeds(job, model, feed, held_out, epochs) or (feed, held_out)


def run_epochs(training: Training, stop_asked: Callable[[], bool]) -> None:
    """Run what is left of the epochs; the model ends with its best weights.

    Where `stop_asked`, it ends after the step as Ctrl-C does, with a checkpoint of that step.
    """
    job, state, schedule = training.job, training.state, training.schedule
    lengths, groups = training.feed.lengths, training.optimizer.param_groups
    per_epoch = len(epoch_batches(lengths, schedule.batch_size, job.seed, 0))
    chances, during = chances_in(training), _during(training)
    steps = per_epoch * schedule.epochs
    saved = time.monotonic()
    while state.step < steps and not state.stopped:
        epoch = state.step // per_epoch
        if during is None:
            batches = epoch_batches(lengths, schedule.batch_size, job.seed, epoch, chances)
        else:
            batches = phase_batches(
                during, lengths, schedule.batch_size, job.seed, epoch, schedule.epochs
            )
        rates.begin_epoch(groups, epoch)
        for rows in batches[state.step % per_epoch :]:
            rates.set_rates(groups, epoch, schedule.rate_at(state.step, steps))
            loss = take_step(training, rows)
            if state.bad_steps >= BAD_STEPS:
                _stop(training)
            state.step += 1
            if state.step % per_epoch == 0:
                validate(training, epoch)
            job.report_progress(Progress(state.step / steps, state.best_score, loss, state.step))
            due = stop_asked() or time.monotonic() - saved >= job.save_every_seconds
            if job.folder is not None and due:
                save(training)
                saved = time.monotonic()
            if stop_asked():
                raise KeyboardInterrupt
    with torch.no_grad():
        for name, p in training.weights.items():
            p.copy_(training.best[name]).requires_grad_(True)


def _during(training: Training) -> During | None:
    """In which part of the training each training example is learnt; None: all of them always."""
    job, feed = training.job, training.feed
    if all(example.during == (0.0, 1.0) for example in job.train):
        return None
    firsts = [feed.units.numbers([number])[0] for number in range(len(feed.lengths))]
    return [job.train[feed.pieces[number].row].during for number in firsts]


def _tell_of_ends(job: Job, made: TrainedPredictor) -> None:
    """Say of a model that writes whether it does not stop by itself, tried on a few rows."""
    if not generates(made.head) or getattr(job.task, "learns_input", False):
        return
    inputs = [example.input for example in job.validation[:SAMPLE]]
    if endless := sum(not ended for ended in made.written(inputs)[1]):
        most = made.head.new_tokens
        of = f"{endless} of {len(inputs)} answers tried"
        job.report_progress(Progress(note=f"{of} never end; they are cut at {most} tokens"))


def _stop(training: Training) -> None:
    """Keep the last good weights and say so; bad steps changed none of them."""
    state = training.state
    good = all(torch.isfinite(p).all() for p in training.weights.values())
    if training.job.folder is not None and good:
        save(training)
    raise TrainingDiverged(
        f"The loss or its gradient was not finite in steps {state.step - BAD_STEPS + 2} to "
        f"{state.step + 1}; the last good weights are kept. Try a lower learning rate."
    )


def _probe(training: Training, fixed_seconds: float) -> Probed:
    """Seconds for the whole from a batch at the lower quartile of length, and the longest one.

    Of few batches the longest alone, or the probe of a small fit would be a good part of it.
    """
    lengths, schedule = training.feed.lengths, training.schedule
    batches = epoch_batches(lengths, schedule.batch_size, training.job.seed, 0)
    batches.sort(key=lambda rows: sum(lengths[row] for row in rows))
    low = batches[(len(batches) - 1) // 4]
    chosen = [batches[-1]] if len(batches) <= FEW_BATCHES else [low, batches[-1]]
    rates.begin_epoch(training.optimizer.param_groups, schedule.epochs // 2)
    few = low[: max(1, len(low) // 4)]
    take_step(training, few)  # the first step pays for the start
    begun = time.perf_counter()
    for rows in chosen:
        take_step(training, rows)
    seconds = time.perf_counter() - begun
    per_token = seconds / sum(lengths[row] for rows in chosen for row in rows)
    # A forward pass is about a third of a step, and validation takes one an epoch.
    tokens = sum(lengths) + sum(training.held_out.lengths) / 3
    answer = per_token / 3 * sum(lengths) / len(lengths)
    whole = per_token * tokens * schedule.epochs
    if isinstance(training.feed, VectorFeed):  # trials are fitted at once
        return Probed(fixed_seconds, 0.0, answer, whole)
    once = training.feed.pass_seconds if isinstance(training.feed, KeptFeed) else 0.0
    answer += once / (len(training.job.train) + len(training.job.validation))
    return Probed(fixed_seconds, whole, answer, once)

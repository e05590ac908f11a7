"""What validation says of a training after an epoch: the best weights so far, and when to stop."""

from __future__ import annotations

from tunewell.fit import rates
from tunewell.fit.heads import writes
from tunewell.fit.phases import more_come
from tunewell.fit.state import Training
from tunewell.fit.step import in_memory

PATIENCE = 3
"""Epochs without a better validation score before training stops."""


def validate(training: Training, epoch: int) -> None:
    """Score validation; keep the weights if they are better, stop if they have long not been.

    Epochs before all that is to move moves do not count as long, nor those before all rows are
    learnt.
    """
    job, state, held_out = training.job, training.state, training.held_out
    logits = in_memory(
        training, held_out.lengths, lambda: held_out.all_logits(training.model, state.tokens)
    )
    loss = held_out.head.losses(held_out.pieces, logits, held_out.targets.cpu()).mean().item()
    score = None
    if not writes(held_out.head):  # writing all answers takes longer than an epoch
        inputs = [example.input for example in job.validation]
        answers = held_out.head.answers(inputs, held_out.pieces, logits)
        targets = [example.target for example in job.validation]
        if hasattr(job.task, "decided"):
            answers = job.task.tuned(targets, answers).decided(answers)
        score = job.task.score(targets, answers)[job.task.metric]
    better = job.task.metrics[job.task.metric].scale.better
    best = None if state.best_loss is None else (better(state.best_score or 0.0), -state.best_loss)
    if best is None or (better(score or 0.0), -loss) > best:
        state.best_score, state.best_loss, state.epochs_since_best = score, loss, 0
        for name, p in training.weights.items():
            training.best[name].copy_(p.detach())
    elif not _more_comes(training, epoch):
        state.epochs_since_best += 1
        state.stopped = state.epochs_since_best >= PATIENCE


def _more_comes(training: Training, epoch: int) -> bool:
    """Whether something moves, or rows are learnt, in later epochs alone."""
    during = [example.during for example in training.job.train]
    waiting = more_come(during, (epoch + 1) / training.schedule.epochs)
    return waiting or rates.opens_later(training.optimizer.param_groups, epoch)

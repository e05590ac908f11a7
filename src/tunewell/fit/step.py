"""One step of the optimizer: the same effective batch, in as many parts as fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tunewell.errors import ResourceError
from tunewell.fit import anatomy
from tunewell.fit.batches import within_tokens
from tunewell.fit.recompute import recompute
from tunewell.fit.state import Training
from tunewell.fit.tensors import is_out_of_memory
from tunewell.imbalance import chances_of
from tunewell.values import Progress

CLIP = 1.0
"""Largest norm of the gradient (arXiv 1211.5063)."""
HALVINGS = 4
"""Times that the tokens run at once may halve when memory runs out."""


def take_step(training: Training, rows: list[int]) -> float | None:
    """Move the weights by the gradient of `rows`; their mean loss.

    None, and nothing moves, where the loss or the gradient is not finite.
    """
    if not training.model.training:  # the first step, or the first after validation
        anatomy.train_what_moves(training.model)
    lengths = [training.feed.lengths[row] for row in rows]
    loss = in_memory(training, lengths, lambda: _gradients(training, rows), learning=True)
    norm = training.accelerator.clip_grad_norm_(training.weights.values(), CLIP)
    if not torch.isfinite(loss) or not torch.isfinite(norm):
        training.state.bad_steps += 1
        return None
    training.state.bad_steps = 0
    training.optimizer.step()
    return loss.item()


def chances_in(training: Training) -> list[float] | None:
    """How likely each training example is drawn, where the task asks for balanced batches."""
    job, feed = training.job, training.feed
    options = getattr(job.task, "options", None)
    if not getattr(options, "balanced_batches", False):
        return None
    rows = chances_of([example.target for example in job.train])
    firsts = [feed.units.numbers([number])[0] for number in range(len(feed.lengths))]
    return [rows[feed.pieces[number].row] for number in firsts]


def in_memory(
    training: Training, lengths: Sequence[int], run: Callable[[], Tensor], learning: bool = False
) -> Tensor:
    """What `run` gives; it runs again with fewer tokens at once where memory runs out.

    Where no fewer will do, gradients are had in less memory and more time.

    Args:
        lengths: tokens of the rows that it runs through, `state.tokens` at once.
        learning: whether it computes gradients.

    Raises:
        ResourceError: memory ran out for the fifth time, or with one row at once.
    """
    while True:
        try:
            return run()
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            _halve(training, lengths, learning, error)


def _gradients(training: Training, rows: list[int]) -> Tensor:
    """Mean loss over `rows`; its gradients are left in the parameters."""
    feed, job, state = training.feed, training.job, training.state
    training.optimizer.zero_grad()
    total = torch.zeros((), device=job.machine.device)
    for number, part in enumerate(within_tokens(rows, feed.lengths, state.tokens)):
        _seed(draws_from(job.seed, state.step, number), job.machine.device)
        loss = feed.losses(training.model, part).sum() / len(rows)
        loss.backward()
        total += loss.detach()
    return total


def draws_from(seed: int, step: int, part: int = 0) -> int:
    """What dropout of a part of a step draws from, so that a resumed run is the same run."""
    return (seed * 1_000_003 + step) * 64 + part


def _seed(number: int, device: str) -> None:
    """Seed what a device draws from; where that is the CPU, to look for others takes a step."""
    if device == "cpu":
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


def _halve(training: Training, lengths: Sequence[int], learning: bool, error: Exception) -> None:
    """Half of what the largest part took from now on, which may be far below the limit so far."""
    state = training.state
    parts = within_tokens(range(len(lengths)), lengths, state.tokens)
    largest = max(len(part) * lengths[part[-1]] for part in parts)
    if state.halvings == HALVINGS or len(parts) == len(lengths):
        if learning and not state.recomputing and recompute(training.model):
            state.recomputing = True
            note = f"memory ran out: layers run twice from step {state.step + 1} on, to need less"
            training.job.report_progress(Progress(note=note))
            return
        raise ResourceError(
            f"Memory ran out even with {largest} tokens at once.",
            "",
            f"Try `--max-length {max(2, max(lengths) // 2)}`, or a smaller backbone.",
        ) from error
    state.tokens = largest // 2
    state.halvings += 1
    note = f"memory ran out: {state.tokens} tokens at once from step {state.step + 1} on"
    training.job.report_progress(Progress(note=note))

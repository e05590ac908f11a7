"""Where a training is: what a checkpoint holds, and how it goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.fit import checkpoint
from tunewell.fit.batches import CPU_TOKENS, TOKENS
from tunewell.fit.feeds import Feed
from tunewell.fit.rates import Factors, grouped
from tunewell.fit.recompute import recompute
from tunewell.fit.schedule import Schedule
from tunewell.values import Progress


@dataclass
class State:
    """Counters of a training; every random choice follows from the seed and `step`."""

    tokens: int
    """Padded tokens that run at once."""
    step: int = 0
    halvings: int = 0
    """Times that memory ran out."""
    recomputing: bool = False
    """Whether activations are not kept but computed again, as one row did not fit either."""
    bad_steps: int = 0
    """Steps in a row whose loss or gradient was not finite."""
    best_score: float | None = None
    best_loss: float | None = None
    epochs_since_best: int = 0
    stopped: bool = False


@dataclass(frozen=True)
class Training:
    """A model on its way, with all that moves it."""

    job: Job
    model: nn.Module
    feed: Feed
    held_out: Feed
    schedule: Schedule
    accelerator: Accelerator
    optimizer: Any
    weights: dict[str, nn.Parameter]
    """What moves, by name."""
    best: dict[str, Tensor]
    """The values of `weights` that validation liked best, on the CPU; none where it has no say."""
    state: State


def start(
    job: Job,
    model: nn.Module,
    feed: Feed,
    held_out: Feed,
    schedule: Schedule,
    factors: Factors | None = None,
) -> Training:
    """A training at step 0; `factors` of the learning rate are 1 where there are none."""
    accelerator = Accelerator(cpu=job.machine.device == "cpu")
    weights = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups = grouped(weights, schedule.epochs, factors)
    optimizer = torch.optim.AdamW(groups, weight_decay=schedule.weight_decay, fused=True)
    best = {name: p.detach().to("cpu", copy=True) for name, p in weights.items()}
    # Around an optimizer, accelerate looks for other packages in every step: half of a short one.
    # The model is on its device, which may be another than the first GPU.
    prepared = accelerator.prepare(model.eval(), device_placement=[False])
    state = State(tokens=CPU_TOKENS if job.machine.device == "cpu" else TOKENS)
    return Training(
        job, prepared, feed, held_out, schedule, accelerator, optimizer, weights, best, state
    )


def save(training: Training) -> None:
    """A checkpoint of now, whole or absent."""
    folder, state = training.job.folder, training.state
    assert folder is not None
    moments = {
        f"{name}/{key}": value
        for name, p in training.weights.items()
        for key, value in training.optimizer.state[p].items()
    }
    tensors = {
        "weights": {name: p.detach() for name, p in training.weights.items()},
        "best": training.best,
        "optimizer": moments,
    }
    checkpoint.save(folder, f"step-{state.step:08d}", tensors, vars(state))


def resume(training: Training) -> None:
    """Go on from the newest whole checkpoint, if there is one.

    Raises:
        DiskFull: the next one would find no room; better told now than after an hour.
    """
    job = training.job
    if job.folder is None:
        return
    job.folder.mkdir(parents=True, exist_ok=True)
    # The weights, the best of them, and two moments of each.
    checkpoint.require_space(job.folder, 4 * sum(p.nbytes for p in training.weights.values()))

    def told(note: str) -> None:
        job.report_progress(Progress(note=note))

    found = checkpoint.latest(job.folder, told)
    if found is None:
        return
    kept = found.tensors
    with torch.no_grad():
        for name, p in training.weights.items():
            p.copy_(kept["weights"][name])
        for name, values in training.best.items():
            values.copy_(kept["best"][name])
    for key, value in kept["optimizer"].items():
        name, _, moment = key.rpartition("/")
        training.optimizer.state[training.weights[name]][moment] = value.to(job.machine.device)
    for name, value in found.record.items():
        setattr(training.state, name, value)
    if training.state.recomputing:
        recompute(training.model)
    told(f"went on from step {training.state.step}")

"""What a fit would cost, found by letting it measure itself on a few rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tunewell.contracts import Job, Method
from tunewell.errors import Probed

ROWS = 256
"""Rows that a probe may look at."""


@dataclass(frozen=True)
class Estimate:
    """What one trial would take."""

    seconds: float
    """For this trial alone, without what is shared."""
    shared_seconds: float
    """Once for all trials and methods that share it (a frozen pass)."""
    answer_seconds: float
    """A row answered, in batches."""
    peak_bytes: int
    """Memory above what is in use before."""


def estimate(method: Method, job: Job) -> Estimate:
    """Measure three batches (or a small fit) and scale to the rows of the job.

    Raises:
        NotApplicable: the method cannot run here.
    """
    from tunewell.measure.cost import Meter

    few = replace(job, train=_some(job.train), validation=_some(job.validation), probe=True)
    few = replace(few, folder=None, cache=None)
    scale = (len(job.train) + len(job.validation)) / (len(few.train) + len(few.validation))
    told = None
    with Meter(job.machine.device) as meter:
        try:
            method.fit(few)
        except Probed as probed:
            told = probed
    told = told or Probed(0.0, meter.seconds)
    return Estimate(
        seconds=told.fixed_seconds + told.seconds * scale,
        shared_seconds=told.shared_seconds * scale,
        answer_seconds=told.answer_seconds,
        peak_bytes=meter.peak_bytes,
    )


def _some(examples: tuple) -> tuple:
    """A sample that depends on nothing but the number of rows, in the rows' order."""
    if len(examples) <= ROWS:
        return examples
    chosen = sorted(random.Random(len(examples)).sample(range(len(examples)), ROWS))
    return tuple(examples[row] for row in chosen)

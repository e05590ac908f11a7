"""What a fit would cost, found by letting it measure itself on a few rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tunewell.contracts import Job, Method, Predictor
from tunewell.errors import Probed
from tunewell.values import Example, Progress

ROWS = 256
"""Rows that a probe may look at."""
ANSWERS = 32
BATCH = 8
SECONDS = 0.25
"""Most rows that a probe's predictor answers, to see how long one takes; so many at a time, as
long as this takes."""


@dataclass(frozen=True)
class Estimate:
    """What one trial would take."""

    seconds: float
    """For this trial alone, without what is shared."""
    shared_seconds: float
    """Once for all trials and methods that share it (a frozen pass, a loaded backbone)."""
    answer_seconds: float
    """A row answered, in batches."""
    peak_bytes: int
    """Memory above what is in use before."""
    once_seconds: float = 0.0
    """Once for all trials of the method (a pass through its frozen layers, texts that it reads)."""

    @property
    def alone_seconds(self) -> float:
        """To make one model by itself, all that is shared included."""
        return self.seconds + self.shared_seconds + self.once_seconds


def estimate(method: Method, job: Job) -> Estimate:
    """Measure a few batches, or a small fit, and scale to the rows of the job.

    Raises:
        NotApplicable: the method cannot run here.
    """
    few = replace(job, train=_some(job.train), validation=_some(job.validation), probe=True)
    few = replace(few, folder=None, cache=None)
    scale = (len(job.train) + len(job.validation)) / (len(few.train) + len(few.validation))
    told, progress, peak_bytes, predictor = _measured(method, few)
    if predictor is not None:  # the first fit has paid for imports and loading
        told, progress, peak_bytes, predictor = _measured(method, few)
    pass_seconds = sum(p.borrowed_seconds for p in progress if p.answer_seconds)
    reading = [p.answer_seconds for p in progress]
    load_seconds = sum(p.borrowed_seconds for p in progress if not p.answer_seconds)
    after = len(job.validation) * told.answer_seconds if told.answers_after else 0.0
    return Estimate(
        seconds=told.fixed_seconds + told.seconds * scale + after,
        shared_seconds=load_seconds + pass_seconds * scale,
        # A fit that came to its end answers rows; another tells only its own part of an answer.
        answer_seconds=_answer_seconds(predictor, few)
        if predictor is not None
        else told.answer_seconds + sum(reading),
        peak_bytes=peak_bytes + max((p.borrowed_bytes for p in progress), default=0),
        once_seconds=told.once_seconds * scale + told.once_fixed_seconds,
    )


def _measured(method: Method, job: Job) -> tuple[Probed, list[Progress], int, Predictor | None]:
    """What a probing fit told or took, what it reported, its peak, and what it came to, if so."""
    from tunewell.measure.cost import Meter

    progress: list[Progress] = []
    job = replace(job, report_progress=progress.append)
    predictor = None
    with Meter(job.machine.device) as meter:
        try:
            predictor = method.fit(job)
        except Probed as probed:
            told = probed
    measuring = sum(p.measuring_seconds for p in progress)
    if predictor is None:
        told.fixed_seconds = max(0.0, told.fixed_seconds - measuring)
    else:
        told = Probed(0.0, max(0.0, meter.seconds - measuring))
    return told, progress, meter.peak_bytes, predictor


def _answer_seconds(predictor: Predictor, job: Job) -> float:
    """What one answer takes, in batches."""
    from tunewell.measure.cost import rows_per_second

    inputs = [example.input for example in job.validation[:ANSWERS]]
    return 1 / rows_per_second(predictor.predict, inputs, BATCH, SECONDS) if inputs else 0.0


def _some(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """A sample that depends on nothing but the number of rows, in the rows' order."""
    if len(examples) <= ROWS:
        return examples
    chosen = sorted(random.Random(len(examples)).sample(range(len(examples)), ROWS))
    return tuple(examples[row] for row in chosen)

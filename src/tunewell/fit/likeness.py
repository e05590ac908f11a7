"""How alike two texts are to a frozen backbone, on the scale of the numbers asked for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn.functional import cosine_similarity

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.prefix import body_of
from tunewell.fit.recorded import OnFrozen
from tunewell.fit.records import Record
from tunewell.fit.side_by_side import of_inputs, of_job
from tunewell.values import Answer, ParameterCount


@dataclass(frozen=True)
class LikenessPredictor(OnFrozen):
    """`start + slope * cosine` of the two texts of a row."""

    slope: float
    start: float

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One number an input, in order."""
        if not inputs:
            return []
        vectors = of_inputs(self.task, self.record.backbone, self.record.machine, inputs)
        return [Answer(self.start + self.slope * cosine) for cosine in cosines(vectors)]

    def save(self, folder: Path) -> None:
        """The line, in `model.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder, slope=self.slope, start=self.start)


def fit_likeness(method: str, job: Job) -> LikenessPredictor:
    """The line of least squares from cosines to the numbers of the training rows.

    Raises:
        NotApplicable: rows have one text each.
    """
    vectors = of_job(job)  # (rows, texts, hidden)
    if vectors.shape[1] < 2:
        raise NotApplicable("needs two texts in each row, to see how alike they are")
    assert job.backbone is not None
    slope, start = line(cosines(vectors), [example.target for example in job.train])
    body = body_of(job.backbone, job.machine).model
    count = ParameterCount(2, 2, sum(p.numel() for p in body.parameters()) + 2)
    record = Record(method, job.task, job.backbone, job.machine, count)
    return LikenessPredictor(record, slope, start)


def cosines(vectors: Tensor) -> list[float]:
    """(rows, 2, hidden) -> the cosine of each row's two vectors."""
    return cosine_similarity(vectors[:, 0], vectors[:, 1], dim=-1).tolist()


def line(near: Sequence[float], numbers: Sequence[float]) -> tuple[float, float]:
    """Slope and start of the line of least squares; level where all cosines are equal."""
    middle, mean = statistics.fmean(near), statistics.fmean(numbers)
    spread = sum((cosine - middle) ** 2 for cosine in near)
    if spread < 1e-12:
        return 0.0, mean
    both = sum((c - middle) * (n - mean) for c, n in zip(near, numbers, strict=True))
    return both / spread, mean - both / spread * middle

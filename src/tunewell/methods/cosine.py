"""How alike two texts are, by the backbone as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor, Task
from tunewell.errors import NotApplicable
from tunewell.values import Answer, Kind, Machine, ParameterCount

if TYPE_CHECKING:
    from tunewell.fit.records import Record


@dataclass(frozen=True)
class Cosine:
    """The cosine of two texts' vectors, on the scale of the numbers that are asked for.

    What moves: nothing but a line, from cosines to numbers; where passages are ranked, nothing.
    Needs: two texts in each row. Costs: one pass of the backbone over the rows.
    Choose it: where the number is how alike two texts are; sentence encoders were made for that.
    Neighbours: `features` also sees in what they are alike; `few_shot` asks similar pairs; `bm25`
    goes by the words alone.
    Source: arXiv 1908.10084.
    """

    name: ClassVar[str] = "cosine"
    summary: ClassVar[str] = "nothing moves: how alike texts are to the backbone"
    rung: ClassVar[int] = 25
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("number", "vector")

    def fit(self, job: Job) -> Predictor:
        """Embed the training rows and lay the line of least squares; of vectors there is none.

        Raises:
            NotApplicable: rows have one text each.
        """
        from tunewell.fit.prefix import body_of
        from tunewell.fit.records import Record
        from tunewell.fit.side_by_side import of_job
        from tunewell.fit.untuned import untuned

        if job.task.answers == "vector":
            return untuned(self.name, job)
        vectors = of_job(job)  # (rows, texts, hidden)
        if vectors.shape[1] < 2:
            raise NotApplicable("needs two texts in each row, to see how alike they are")
        assert job.backbone is not None
        slope, start = _line(_cosines(vectors), [example.target for example in job.train])
        body = body_of(job.backbone, job.machine).model
        count = ParameterCount(2, 2, sum(p.numel() for p in body.parameters()) + 2)
        record = Record(self.name, job.task, job.backbone, job.machine, count)
        return CosinePredictor(record, slope, start)

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.records import found_again, read_record
        from tunewell.fit.untuned import load_untuned

        record, value = read_record(folder, machine)
        if record.task.answers == "vector":
            return load_untuned(folder, machine)
        record = replace(record, backbone=found_again(record.backbone))
        return CosinePredictor(record, value["slope"], value["start"])


@dataclass(frozen=True)
class CosinePredictor:
    """`start + slope * cosine` of the two texts of a row."""

    record: Record
    slope: float
    start: float

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """The line's; the backbone counts in all."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One number an input, in order."""
        from tunewell.fit.side_by_side import of_inputs

        if not inputs:
            return []
        vectors = of_inputs(self.task, self.record.backbone, self.record.machine, inputs)
        return [Answer(self.start + self.slope * cosine) for cosine in _cosines(vectors)]

    def save(self, folder: Path) -> None:
        """The line, in `model.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder, slope=self.slope, start=self.start)


def _cosines(vectors: Any) -> list[float]:
    """(rows, 2, hidden) -> the cosine of each row's two vectors."""
    from torch.nn.functional import cosine_similarity

    return cosine_similarity(vectors[:, 0], vectors[:, 1], dim=-1).tolist()


def _line(cosines: Sequence[float], numbers: Sequence[float]) -> tuple[float, float]:
    """Slope and start of the line of least squares; level where all cosines are equal."""
    import statistics

    middle, mean = statistics.fmean(cosines), statistics.fmean(numbers)
    spread = sum((cosine - middle) ** 2 for cosine in cosines)
    if spread < 1e-12:
        return 0.0, mean
    both = sum((c - middle) * (n - mean) for c, n in zip(cosines, numbers, strict=True))
    return both / spread, mean - both / spread * middle

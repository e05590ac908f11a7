"""What predictors that stand on a backbone have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from tunewell.contracts import Job, Task
from tunewell.fit.prefix import body_of, borrow_body
from tunewell.fit.records import Record
from tunewell.values import ParameterCount


@dataclass(frozen=True)
class Recorded:
    """A predictor that knows itself by its record."""

    record: Record

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """Trained, changed and all parameters, those of the backbone among them."""
        return self.record.parameters


@dataclass(frozen=True)
class OnFrozen(Recorded):
    """One whose backbone is on this machine and as it was."""

    def embed(self, texts: Sequence[str]) -> tuple[Tensor, list[int]]:
        """Vectors (texts, hidden) of length 1 by the backbone, and each text's tokens."""
        body = body_of(self.record.backbone, self.record.machine)
        return body.vectors(texts, self.record.backbone.pooling or "mean")


def untrained(method: str, job: Job) -> Record:
    """The record of a model that is the backbone alone, which is loaded."""
    assert job.backbone is not None
    total = sum(p.numel() for p in borrow_body(job).model.parameters())
    return Record(method, job.task, job.backbone, job.machine, ParameterCount(total=total))

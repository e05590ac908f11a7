"""A vector of each text by the backbone as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from tunewell.contracts import Job, Task
from tunewell.fit.heads.vector import rounded
from tunewell.fit.prefix import body_of, borrow_body, embed
from tunewell.fit.records import Record, found_again, read_record
from tunewell.values import Answer, Machine, ParameterCount


@dataclass(frozen=True)
class UntunedVectors:
    """The vectors of a frozen body, of length 1."""

    record: Record

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """None is trained; the backbone counts in all."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The vectors of the texts of each input, in order."""
        from torch.nn.functional import normalize

        if not inputs:
            return []
        texts = [self.task.texts(each) for each in inputs]
        flat = [text for row in texts for text in row]
        vectors = normalize(embed(self.record.backbone, self.record.machine, flat), dim=-1)
        rows = vectors.split([len(row) for row in texts])
        return [Answer(tuple(rounded(vector) for vector in row.tolist())) for row in rows]

    def embed(self, texts: Sequence[str]) -> tuple[Tensor, list[int]]:
        """Vectors (texts, hidden) of length 1, and each text's tokens."""
        body = body_of(self.record.backbone, self.record.machine)
        return body.vectors(texts, self.record.backbone.pooling or "mean")

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)


def untuned(method: str, job: Job) -> UntunedVectors:
    """Loads the backbone; there is nothing to learn."""
    assert job.backbone is not None
    total = sum(p.numel() for p in borrow_body(job).model.parameters())
    count = ParameterCount(0, 0, total)
    return UntunedVectors(Record(method, job.task, job.backbone, job.machine, count))


def load_untuned(folder: Path, machine: Machine) -> UntunedVectors:
    """The predictor that `UntunedVectors.save` wrote there."""
    record, _ = read_record(folder, machine)
    return UntunedVectors(replace(record, backbone=found_again(record.backbone)))

"""Answers by likeness: texts near to a text, or names near to it, say what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunewell.contracts import Job
from tunewell.decide import one_label, several_labels
from tunewell.fit.prefix import body_of, borrow_body, embed
from tunewell.fit.recorded import OnFrozen
from tunewell.fit.records import Record, read_record
from tunewell.fit.side_by_side import compared, of_inputs, of_job
from tunewell.values import Answer, Machine, ParameterCount

SHARPNESS = 20.0
"""Cosines are multiplied by this before a softmax; sentence-transformers' own default scale."""


@dataclass(frozen=True)
class NeighboursPredictor(OnFrozen):
    """Known vectors with a target each; the k nearest by cosine vote, nearer ones more."""

    vectors: Tensor  # (known, hidden), of length 1
    values: Tensor  # (known, outputs), 1 for each label of a row, or its number
    k: int
    names: bool = False
    """Whether what is known are names of labels, with which a text as a whole is compared."""

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        if not inputs:
            return []
        asked = self._vectors(inputs)
        cosines = torch.nn.functional.normalize(asked, dim=-1) @ self.vectors.T  # (inputs, known)
        near = cosines.topk(min(self.k, cosines.shape[1]), dim=-1)
        weights = (near.values * SHARPNESS).softmax(-1)  # (inputs, k)
        shares = (weights.unsqueeze(-1) * self.values[near.indices]).sum(1)  # (inputs, outputs)
        return [vote(self.task, row) for row in shares.tolist()]

    def _vectors(self, inputs: Sequence[Any]) -> Tensor:
        """As those that are known were made: of texts, or of what two have in common."""
        read = of_inputs(self.task, self.record.backbone, self.record.machine, inputs)
        return read.mean(1) if self.names else compared(read)

    def save(self, folder: Path) -> None:
        """The known vectors in safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"vectors": self.vectors.contiguous(), "values": self.values}
        save_file(arrays, folder / "known.safetensors")
        self.record.write(folder, k=self.k, names=self.names)


def fit_neighbours(method: str, job: Job, k: int) -> NeighboursPredictor:
    """Keeps every training row's vector."""
    values = torch.tensor([outputs(job.task, example.target) for example in job.train])
    return _known(method, job, compared(of_job(job)), values, k)


def fit_names(method: str, job: Job, names: Sequence[str]) -> NeighboursPredictor:
    """Keeps the vector of each label's name; all of them answer, so that shares sum to 1."""
    assert job.backbone is not None
    borrow_body(job)
    vectors = embed(job.backbone, job.machine, names)
    return replace(_known(method, job, vectors, torch.eye(len(names)), len(names)), names=True)


def vote(task: Any, shares: list[float]) -> Answer:
    """What the shares of labels in a vote, or the mean of numbers, say."""
    if task.answers == "number":
        return Answer(shares[0])
    shares = [min(share, 1.0) for share in shares]  # sums of shares may be rounded up
    scores = dict(zip(task.labels, shares, strict=True))
    thresholds = getattr(task, "thresholds", {})
    if task.answers == "labels":
        return several_labels(scores, thresholds)
    return one_label(scores, thresholds, getattr(task, "temperature", 1.0))


def outputs(task: Any, target: Any) -> list[float]:
    """A target as numbers: 1 for each of its labels, or itself."""
    if task.answers == "number":
        return [float(target)]
    given = {target} if task.answers == "label" else set(target)
    return [float(label in given) for label in task.labels]


def _known(method: str, job: Job, vectors: Tensor, values: Tensor, k: int) -> NeighboursPredictor:
    assert job.backbone is not None
    size = sum(p.numel() for p in body_of(job.backbone, job.machine).model.parameters())
    record = Record(method, job.task, job.backbone, job.machine, ParameterCount(total=size))
    return NeighboursPredictor(record, torch.nn.functional.normalize(vectors, dim=-1), values, k)


def load_neighbours(folder: Path, machine: Machine) -> NeighboursPredictor:
    """The predictor that `NeighboursPredictor.save` wrote there."""
    record, value = read_record(folder, machine)
    arrays = load_file(folder / "known.safetensors")
    return NeighboursPredictor(
        record, arrays["vectors"], arrays["values"], value["k"], value["names"]
    )

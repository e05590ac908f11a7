"""Answers by likeness: texts near to a text, or names near to it, say what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunewell.contracts import Job, Task
from tunewell.fit.prefix import body_of, borrow_body, embed, frozen_pass
from tunewell.fit.records import Record, found_again, read_record
from tunewell.values import Answer, Machine, ParameterCount

SHARPNESS = 20.0
"""Cosines are multiplied by this before a softmax; sentence-transformers' own default scale."""


@dataclass(frozen=True)
class NeighboursPredictor:
    """Known vectors with a label each; the k nearest by cosine vote, nearer ones more."""

    record: Record
    vectors: Tensor  # (known, hidden), of length 1
    numbers: Tensor  # (known,), the label of each
    k: int

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """Nothing is trained."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        if not inputs:
            return []
        labels = self.task.labels  # type: ignore[attr-defined]
        asked = embed(self.record.backbone, self.record.machine, inputs)
        cosines = torch.nn.functional.normalize(asked, dim=-1) @ self.vectors.T  # (inputs, known)
        near = cosines.topk(min(self.k, cosines.shape[1]), dim=-1)
        weights = (near.values * SHARPNESS).softmax(-1)
        shares = torch.zeros(len(inputs), len(labels))
        shares.scatter_add_(1, self.numbers[near.indices], weights)
        return [
            Answer(
                labels[row.argmax()], row.max().item(), dict(zip(labels, row.tolist(), strict=True))
            )
            for row in shares
        ]

    def embed(self, texts: Sequence[str]) -> tuple[Tensor, list[int]]:
        """Vectors (texts, hidden) of length 1 by the backbone, and each text's tokens."""
        body = body_of(self.record.backbone, self.record.machine)
        return body.vectors(texts, self.record.backbone.pooling or "mean")

    def save(self, folder: Path) -> None:
        """The known vectors in safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"vectors": self.vectors.contiguous(), "numbers": self.numbers}
        save_file(arrays, folder / "known.safetensors")
        self.record.write(folder, k=self.k)


def fit_neighbours(job: Job, k: int) -> NeighboursPredictor:
    """Keeps every training row's vector."""
    assert job.backbone is not None
    train, _ = frozen_pass(job)
    labels = list(job.task.labels)  # type: ignore[attr-defined]
    numbers = torch.tensor([labels.index(example.target) for example in job.train])
    vectors = train[job.backbone.pooling or "mean"]
    return _known("few_shot", job, vectors, numbers, k)


def fit_names(job: Job, names: Sequence[str]) -> NeighboursPredictor:
    """Keeps the vector of each label's name; all of them answer, so that shares sum to 1."""
    assert job.backbone is not None
    borrow_body(job)
    vectors = embed(job.backbone, job.machine, names)
    return _known("zero_shot", job, vectors, torch.arange(len(names)), len(names))


def _known(method: str, job: Job, vectors: Tensor, numbers: Tensor, k: int) -> NeighboursPredictor:
    assert job.backbone is not None
    size = sum(p.numel() for p in body_of(job.backbone, job.machine).model.parameters())
    record = Record(method, job.task, job.backbone, job.machine, ParameterCount(total=size))
    return NeighboursPredictor(record, torch.nn.functional.normalize(vectors, dim=-1), numbers, k)


def load_neighbours(folder: Path, machine: Machine) -> NeighboursPredictor:
    """The predictor that `NeighboursPredictor.save` wrote there."""
    record, value = read_record(folder, machine)
    record = replace(record, backbone=found_again(record.backbone))
    arrays = load_file(folder / "known.safetensors")
    return NeighboursPredictor(record, arrays["vectors"], arrays["numbers"], value["k"])

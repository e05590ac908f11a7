"""A logistic regression over a frozen backbone's vectors, kept as two arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunewell.contracts import Job, Task
from tunewell.fit.card import pooled_card
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.prefix import body_of, embed, frozen_pass
from tunewell.fit.records import Record, found_again, read_record
from tunewell.values import Answer, Machine, ParameterCount


@dataclass(frozen=True)
class LinearPredictor:
    """Vectors of texts times weights."""

    record: Record
    weights: Tensor  # (labels, hidden)
    bias: Tensor  # (labels,)

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """The linear model's; the backbone counts in all."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        if not inputs:
            return []
        vectors = embed(self.record.backbone, self.record.machine, inputs)
        logits = vectors @ self.weights.T + self.bias
        return SequenceHead.for_task(self.task, self.record.backbone, None).said(logits)

    def embed(self, texts: Sequence[str]) -> tuple[Tensor, list[int]]:
        """Vectors (texts, hidden) of length 1 by the backbone, and each text's tokens."""
        body = body_of(self.record.backbone, self.record.machine)
        return body.vectors(texts, self.record.backbone.pooling or "mean")

    def save(self, folder: Path) -> None:
        """The arrays as `head.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"weight": self.weights.contiguous(), "bias": self.bias.contiguous()}
        save_file(arrays, folder / "head.safetensors")
        body_of(self.record.backbone, self.record.machine).tokenizer.save_pretrained(folder)
        pooling = self.record.backbone.pooling or "mean"
        card = pooled_card(self.record, "backbone", pooling, ("",))
        (folder / "README.md").write_text(card, encoding="utf-8")
        self.record.write(folder)


def fit_linear(job: Job, C: float) -> LinearPredictor:  # noqa: N803 (scikit-learn's name)
    """Logistic regression with penalty 1 / C, on standardised vectors; scaling is folded in."""
    from sklearn.linear_model import LogisticRegression

    assert job.backbone is not None
    train, _ = frozen_pass(job)
    vectors = train[job.backbone.pooling or "mean"].double()
    mean, scale = vectors.mean(0), vectors.std(0, correction=0).clamp(min=1e-6)
    model = LogisticRegression(C=C, max_iter=2000, tol=1e-6, random_state=job.seed)
    model.fit(((vectors - mean) / scale).numpy(), [example.target for example in job.train])
    coefficients, intercept = torch.tensor(model.coef_), torch.tensor(model.intercept_)
    if len(coefficients) == 1:  # scikit-learn keeps one row for two classes
        coefficients = torch.cat([-coefficients, coefficients]) / 2
        intercept = torch.cat([-intercept, intercept]) / 2
    weights = coefficients / scale
    labels = job.task.labels  # type: ignore[attr-defined]
    order = [list(model.classes_).index(label) for label in labels]
    bias = intercept - weights @ mean
    trained = weights.numel() + bias.numel()
    body = body_of(job.backbone, job.machine).model
    total = sum(p.numel() for p in body.parameters()) + trained
    record = Record(
        "features", job.task, job.backbone, job.machine, ParameterCount(trained, trained, total)
    )
    return LinearPredictor(record, weights[order].float(), bias[order].float())


def load_linear(folder: Path, machine: Machine) -> LinearPredictor:
    """The predictor that `LinearPredictor.save` wrote there."""
    record, _ = read_record(folder, machine)
    record = replace(record, backbone=found_again(record.backbone))
    arrays = load_file(folder / "head.safetensors")
    return LinearPredictor(record, arrays["weight"], arrays["bias"])

"""A linear model over a frozen backbone's vectors, kept as two arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.card import pooled_card
from tunewell.fit.heads.sequence import SequenceHead
from tunewell.fit.prefix import body_of
from tunewell.fit.recorded import OnFrozen
from tunewell.fit.records import Record, read_record
from tunewell.fit.side_by_side import of_inputs, of_job, together
from tunewell.fit.solve import said, solve
from tunewell.fit.trained import TrainedPredictor
from tunewell.values import Answer, Machine, ParameterCount


@dataclass(frozen=True)
class LinearPredictor(OnFrozen):
    """Vectors of texts, or of two put together, times weights."""

    weights: Tensor  # (outputs, columns)
    bias: Tensor  # (outputs,)

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        if not inputs:
            return []
        read = of_inputs(self.task, self.record.backbone, self.record.machine, inputs)
        return said(self.task, together(read) @ self.weights.T + self.bias)

    def whole(self) -> TrainedPredictor:
        """The same as one network with all its weights.

        Raises:
            NotApplicable: it reads two texts, each by itself, or puts windows together otherwise.
        """
        record = self.record
        if self._by_tokens():
            raise NotApplicable("it weighs the windows of a long text by their tokens")
        head = SequenceHead.for_task(record.task, record.backbone, None)
        head = replace(head, pooling=head.pooling or "mean")
        tokenizer = load_tokenizer(record.backbone)
        model = head.build(record.backbone, dropout=0.0, seed=0).to(record.machine.device)
        layer = model.head[-1]
        if layer.weight.shape != self.weights.shape:
            raise NotApplicable("it reads the texts of a row each by itself")
        with torch.no_grad():
            layer.weight.copy_(self.weights)
            layer.bias.copy_(self.bias)
        return TrainedPredictor(record, head, model.eval(), tokenizer, tuned_body=True)

    def _by_tokens(self) -> bool:
        """Whether windows of long texts count by their tokens, not all the same."""
        pooling = self.record.backbone.pooling or "mean"
        return pooling == "mean" and getattr(self.task, "windows", False)

    def save(self, folder: Path) -> None:
        """The arrays as `head.safetensors`."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"weight": self.weights.contiguous(), "bias": self.bias.contiguous()}
        save_file(arrays, folder / "head.safetensors")
        body_of(self.record.backbone, self.record.machine).tokenizer.save_pretrained(folder)
        pooling = self.record.backbone.pooling or "mean"
        card = pooled_card(self.record, "backbone", pooling, ("",), self._by_tokens())
        (folder / "README.md").write_text(card, encoding="utf-8")
        self.record.write(folder)


def fit_linear(method: str, job: Job, C: float) -> LinearPredictor:  # noqa: N803 (scikit-learn's)
    """A linear model with penalty 1 / C, on standardised vectors; scaling is folded in."""
    assert job.backbone is not None
    vectors = together(of_job(job)).double()
    mean, scale = vectors.mean(0), vectors.std(0, correction=0).clamp(min=1e-6)
    rows = ((vectors - mean) / scale).numpy()
    targets = [example.target for example in job.train]
    solved = solve(job.task, rows, targets, C, job.seed, max_iter=2000, tol=1e-6)
    coefficients, intercept = (torch.as_tensor(array) for array in solved)
    weights = coefficients / scale
    bias = intercept - weights @ mean
    trained = weights.numel() + bias.numel()
    body = body_of(job.backbone, job.machine).model
    total = sum(p.numel() for p in body.parameters()) + trained
    count = ParameterCount(trained, trained, total)
    record = Record(method, job.task, job.backbone, job.machine, count)
    return LinearPredictor(record, weights.float(), bias.float())


def load_linear(folder: Path, machine: Machine) -> LinearPredictor:
    """The predictor that `LinearPredictor.save` wrote there."""
    record, _ = read_record(folder, machine)
    arrays = load_file(folder / "head.safetensors")
    return LinearPredictor(record, arrays["weight"], arrays["bias"])

"""A trained network as a predictor: it answers, and its folder opens without us.

The folder holds what transformers or peft themselves write, `head.safetensors` where the head
is ours, and `model.json`, which says how to put them together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit import backbones
from tunewell.fit.card import pooled_card, stock_card
from tunewell.fit.heads import head_for
from tunewell.fit.prefix import embed
from tunewell.fit.records import Record, found_again, read_record
from tunewell.fit.tensors import run_rows
from tunewell.values import Answer, Machine, ParameterCount

CHUNK = 4096
"""Inputs that are tokenized at a time, so that a million take no more memory than these."""


@dataclass(frozen=True)
class TrainedPredictor:
    """A model, its head and its tokenizer."""

    record: Record
    head: Any
    model: nn.Module
    tokenizer: Any
    tuned_body: bool
    """Whether the body differs from the backbone, and so must be saved."""

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """Trained, changed and all parameters."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        answers: list[Answer] = []
        for start in range(0, len(inputs), CHUNK):
            answers += self.head.answers(self._logits(inputs[start : start + CHUNK]))
        return answers

    def _logits(self, inputs: Sequence[Any]) -> Tensor:
        backbone, machine = self.record.backbone, self.record.machine
        if not self.tuned_body and self.head.pooling is not None:
            with torch.inference_mode():
                vectors = embed(backbone, machine, inputs, self.head.pooling)
                return self.model.head(vectors.to(machine.device)).cpu()
        encoded = self.head.encode(self.tokenizer, inputs, backbone.max_length)
        return run_rows(self.model, self.head, encoded, self.tokenizer.pad_token_id, machine)

    def save(self, folder: Path) -> None:
        """Write the folder that `load_trained`, transformers and peft read."""
        folder.mkdir(parents=True, exist_ok=True)
        with backbones.silent():
            if self.head.pooling is None:
                self.model.save_pretrained(folder)
            elif self.tuned_body:
                self.model.backbone.save_pretrained(folder)
        if self.head.pooling is not None:
            head = {k: v.contiguous() for k, v in self.model.head.state_dict().items()}
            save_file(head, folder / "head.safetensors")
        self.tokenizer.save_pretrained(folder)
        body, pooling = _body_kind(folder), self.head.pooling
        if pooling is None:
            card = stock_card(self.record, body)
        else:
            layers = tuple(key.removesuffix(".weight") for key in head if key.endswith(".weight"))
            card = pooled_card(self.record, body, pooling, layers)
        (folder / "README.md").write_text(card, encoding="utf-8")
        self.record.write(folder, head={"pooling": pooling, "hidden": self.head.hidden}, body=body)


def _body_kind(folder: Path) -> str:
    """Which files hold the body: an `adapter`, its `own` weights, or the untouched `backbone`."""
    if (folder / "adapter_config.json").exists():
        return "adapter"
    return "own" if (folder / "config.json").exists() else "backbone"


def load_trained(folder: Path, machine: Machine) -> TrainedPredictor:
    """The predictor that `TrainedPredictor.save` wrote there."""
    record, value = read_record(folder, machine)
    if value["body"] == "own":
        source = replace(record.backbone, folder=folder)
    else:
        source = found_again(record.backbone)
    pooling, hidden = value["head"]["pooling"], value["head"]["hidden"]
    head = head_for(record.task, replace(source, pooling=pooling), hidden)
    model = head.build(source, dropout=0.0, seed=0)
    if value["body"] == "adapter":
        from peft import PeftModel

        if pooling is None:
            model = PeftModel.from_pretrained(model, str(folder))
        else:
            model.backbone = PeftModel.from_pretrained(model.backbone, str(folder))
    if pooling is not None:
        model.head.load_state_dict(load_file(folder / "head.safetensors"))
    return TrainedPredictor(
        record=record,
        head=head,
        model=model.to(record.machine.device).eval(),
        tokenizer=backbones.load_tokenizer(replace(source, folder=folder)),
        tuned_body=value["body"] != "backbone",
    )

"""The backbone as it stands: a vector of each text, or words for its blanks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from tunewell.contracts import Job
from tunewell.errors import Probed
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.heads import head_for
from tunewell.fit.heads.masked import MaskedHead
from tunewell.fit.heads.vector import rounded
from tunewell.fit.machine import set_up
from tunewell.fit.prefix import embed
from tunewell.fit.prompting.asking import seconds_each
from tunewell.fit.recorded import OnFrozen
from tunewell.fit.records import Record, read_record
from tunewell.fit.surprise import surprises
from tunewell.surprise import Surprise
from tunewell.values import Answer, Machine, ParameterCount


@dataclass(frozen=True)
class UntunedVectors(OnFrozen):
    """The vectors of a frozen body, of length 1."""

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

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)


@dataclass(frozen=True)
class UntunedFiller(OnFrozen):
    """An encoder that fills words in as it was pretrained to."""

    head: MaskedHead
    model: nn.Module
    tokenizer: Any

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The likeliest words for the blanks of each input, in order."""
        most, machine = self.record.backbone.max_length, self.record.machine
        return self.head.write(self.model, self.tokenizer, inputs, most, machine)[0]

    def surprise(self, inputs: Sequence[Any], targets: Sequence[Any]) -> list[Surprise | None]:
        """How little the words of each target were expected."""
        most, machine = self.record.backbone.max_length, self.record.machine
        return surprises(self.model, self.head, self.tokenizer, inputs, targets, most, machine)

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder, filled=True)


def fit_filler(method: str, job: Job) -> UntunedFiller:
    """The backbone, to fill words in as it stands.

    Raises:
        NotApplicable: it fills no words in.
        Probed: the job is a probe.
    """
    assert job.backbone is not None
    made = _filler(Record(method, job.task, job.backbone, job.machine, ParameterCount()))
    if job.probe:
        raise Probed(0.0, 0.0, seconds_each(made, job), answers_after=True)
    return made


def load_filler(folder: Path, machine: Machine) -> UntunedFiller:
    """The one that `UntunedFiller.save` wrote."""
    return _filler(read_record(folder, machine)[0])


def _filler(record: Record) -> UntunedFiller:
    """With its model, whose numbers are counted."""
    backbone, machine = record.backbone, record.machine
    set_up(machine.threads)
    tokenizer = load_tokenizer(backbone)
    head: Any = head_for(record.task, backbone)
    head.equip(tokenizer)
    tried = head.encode(tokenizer, ["?"], backbone.max_length)
    head, model = head.settle(backbone, 0.0, 0, tried, tokenizer.pad_token_id)
    model = model.to(machine.device).eval().requires_grad_(False)
    total = ParameterCount(total=sum(p.numel() for p in model.parameters()))
    return UntunedFiller(replace(record, parameters=total), head, model, tokenizer)

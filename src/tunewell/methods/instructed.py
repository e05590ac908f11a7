"""An instruction stands before each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from tunewell import registry
from tunewell.contracts import Job, Predictor, Task
from tunewell.errors import NotApplicable
from tunewell.values import (
    Answer,
    Example,
    Kind,
    Machine,
    ParameterCount,
    Progress,
    read_json,
    write_json,
)

CARD = """\
# A model that wants an instruction before each text

The model is in `base`, whose card says how to run it. It has learnt with these words, and a line
break after them, before each text:

    {lead}
"""


@dataclass(frozen=True)
class Instructed:
    """Another method, on texts that begin with what is to be done with them.

    What moves: what the base method moves. Needs: what it needs, and room for the instruction.
    Costs: somewhat more than the base method, as every text is longer.
    Choose it: with backbones that have seen instructions; others learn to pass over them.
    Neighbours: the base method without it; `zero_shot` does without rows as well.
    Source: the instruction fine-tuning of classifiers in the guides; FLAN (arXiv 2109.01652).
    """

    name: ClassVar[str] = "instructed"
    summary: ClassVar[str] = "as another method, with an instruction before each text"
    rung: ClassVar[int] = 95
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels")
    reads_label_names: ClassVar[bool] = True

    base_method: str = "full"
    """The method that learns, with its default options."""
    instruction: str = "Choose what fits this text: {labels}."
    """What stands before each text; `{labels}` becomes the names of the labels."""

    def __post_init__(self) -> None:
        """Refuse a method that there is not."""
        registry.method(self.base_method)

    def fit(self, job: Job) -> Predictor:
        """Fit the base method on the longer texts.

        Raises:
            NotApplicable: more than half of what a row may hold would be instruction.
        """
        names = [job.task.named(label) for label in job.task.labels]  # type: ignore[attr-defined]
        lead = self.instruction.replace("{labels}", ", ".join(names)) + "\n"
        _make_room(lead, job)
        base = registry.method(self.base_method)()
        longer = replace(job, train=_led(lead, job.train), validation=_led(lead, job.validation))
        return InstructedPredictor(job.task, lead, base.fit(longer))

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        record = read_json(folder / "model.json")
        task = registry.task(record["task"]["name"]).from_json(record["task"])
        base = registry.method(read_json(folder / "base" / "model.json")["method"])
        return InstructedPredictor(task, record["lead"], base.load(folder / "base", machine))


@dataclass(frozen=True)
class InstructedPredictor:
    """Puts the instruction before each text and asks the base predictor."""

    task: Task
    lead: str
    base: Predictor

    @property
    def parameters(self) -> ParameterCount:
        """Those of the base predictor."""
        return self.base.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        return self.base.predict([_begun(self.lead, each) for each in inputs])

    def save(self, folder: Path) -> None:
        """The base predictor's folder in `base`, the instruction in `model.json` and the card."""
        self.base.save(folder / "base")
        (folder / "README.md").write_text(
            CARD.format(lead=self.lead.strip().replace("\n", "\n    ")), encoding="utf-8"
        )
        record = {"format": 1, "method": Instructed.name, "task": self.task.to_json()}
        write_json(folder / "model.json", {**record, "lead": self.lead})


def _led(lead: str, examples: tuple[Example, ...]) -> tuple[Example, ...]:
    return tuple(replace(example, input=_begun(lead, example.input)) for example in examples)


def _begun(lead: str, input: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """The text, or the first of several, with the instruction before it."""
    return lead + input if isinstance(input, str) else (lead + input[0], *input[1:])


def _make_room(lead: str, job: Job) -> None:
    """Refuse an instruction that leaves too little for the text; tell how many rows it cuts."""
    from tunewell.fit.backbones import load_tokenizer
    from tunewell.fit.pieces import whole

    assert job.backbone is not None
    most, tokenizer = job.backbone.max_length, load_tokenizer(job.backbone)
    if len(whole(tokenizer, [lead], most)[0].ids) > most // 2:
        raise NotApplicable(
            "the instruction takes more than half of what a row may hold; "
            "give a shorter one with --instructed.instruction"
        )

    def too_long(examples: Sequence[Example]) -> int:
        pieces = whole(tokenizer, [example.input for example in examples], most + 1)
        return sum(len(piece.ids) > most for piece in pieces)

    if getattr(job.task, "windows", False):
        return
    rows = (*job.train, *job.validation)
    if more := too_long(_led(lead, rows)) - too_long(rows):
        told = f"{more} of {len(rows)} rows are cut at {most} tokens, as the instruction"
        job.report_progress(Progress(note=f"{told} stands before them"))

"""The choice whose vector is nearest to the question's, by the backbone as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor, Task
from tunewell.values import Answer, Kind, Machine, ParameterCount

if TYPE_CHECKING:
    from tunewell.fit.records import Record


@dataclass(frozen=True)
class LikeliestChoice:
    """The choice with the highest cosine to the question, or to question and passage.

    What moves: nothing. Needs: no training rows. Costs: one pass of the backbone over each
    question and each choice.
    Choose it: to see how far likeness alone goes; a right answer need not be like its question.
    Neighbours: `head` reads question and choice together and learns what makes one right.
    Source: arXiv 1908.10084, for the vectors.
    """

    name: ClassVar[str] = "likeliest_choice"
    summary: ClassVar[str] = "nothing moves: the choice most like the question"
    rung: ClassVar[int] = 10
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("choice",)

    def fit(self, job: Job) -> Predictor:
        """Load the backbone; there is nothing to learn."""
        from tunewell.fit.prefix import borrow_body
        from tunewell.fit.records import Record

        assert job.backbone is not None
        total = sum(p.numel() for p in borrow_body(job).model.parameters())
        count = ParameterCount(0, 0, total)
        return LikeliestPredictor(Record(self.name, job.task, job.backbone, job.machine, count))

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.records import found_again, read_record

        record, _ = read_record(folder, machine)
        return LikeliestPredictor(replace(record, backbone=found_again(record.backbone)))


@dataclass(frozen=True)
class LikeliestPredictor:
    """The choice nearest to its question; the first among equals."""

    record: Record

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.record.task

    @property
    def parameters(self) -> ParameterCount:
        """None of its own; the backbone counts in all."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One choice an input, in order."""
        from torch.nn.functional import cosine_similarity

        from tunewell.fit.prefix import embed

        if not inputs:
            return []
        texts = [text for each in inputs for text in (_asked(each), *each["choices"])]
        vectors = embed(self.record.backbone, self.record.machine, texts)  # (texts, hidden)
        answers = []
        for each, own in zip(
            inputs, vectors.split([1 + len(each["choices"]) for each in inputs]), strict=True
        ):
            best = int(cosine_similarity(own[:1], own[1:]).argmax())
            answers.append(Answer(each["choices"][best]))
        return answers

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)


def _asked(given: Any) -> str:
    # The end is what is cut: a long passage may lose some of it, the question may not.
    passage = given.get("passage")
    return f"{given['question']}\n{passage}" if passage else given["question"]

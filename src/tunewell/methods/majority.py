"""The most frequent label, or the best other guess: what every other method must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.kinds import KINDS
from tunewell.registry import task as task_named
from tunewell.values import (
    Answer,
    Kind,
    Machine,
    ParameterCount,
    frozen,
    read_json,
    to_json,
    write_json,
)

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Majority:
    """The most frequent label of the training rows, whatever the text; of numbers the middle.

    What moves: nothing. Needs: targets that can be guessed. Costs: nothing.
    Choose it: never to use, always to compare; a method that is no better has learnt nothing.
    Neighbours: `bag_of_words` looks at the words.
    Source: the dummy classifier of scikit-learn.
    """

    name: ClassVar[str] = "majority"
    summary: ClassVar[str] = "nothing moves: the most frequent label"
    rung: ClassVar[int] = 0
    needs_backbone: ClassVar[bool] = False
    answers: ClassVar[tuple[Kind, ...]] = KINDS
    baseline: ClassVar[bool] = True

    def fit(self, job: Job) -> Constant:
        """Count the labels."""
        return Constant(job.task, job.task.guess(job.train))

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def fit(texts, labels, read):
                \"\"\"The share of each label among the training rows, whatever the text.\"\"\"
                shares = torch.tensor([labels.count(label) / len(labels) for label in LABELS])
                return lambda new: shares.repeat(len(new), 1)
            """
        return ByHand(lines(code))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Constant:
        """The predictor that `fit` made and `save` wrote."""
        record = read_json(folder / "model.json")
        task = task_named(record["task"]["name"]).from_json(record["task"])
        answer = record["answer"]
        return Constant(task, Answer(**{**answer, "value": frozen(answer["value"])}))


@dataclass(frozen=True)
class Constant:
    """The same answer to every input."""

    task: Task
    answer: Answer
    parameters: ParameterCount = ParameterCount()

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The answer, once an input."""
        return [self.answer] * len(inputs)

    def save(self, folder: Path) -> None:
        """One JSON file."""
        folder.mkdir(parents=True, exist_ok=True)
        record = {"format": 1, "method": Majority.name, "task": self.task.to_json()}
        write_json(folder / "model.json", {**record, "answer": to_json(self.answer)})

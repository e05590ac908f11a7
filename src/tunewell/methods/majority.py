"""The most frequent label, or the best other guess: what every other method must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.decide import several_labels
from tunewell.kinds import KINDS
from tunewell.registry import task as task_named
from tunewell.values import (
    Answer,
    Kind,
    Machine,
    ParameterCount,
    Span,
    frozen,
    read_json,
    to_json,
    write_json,
)

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


GUESS: dict[Kind, str] = {
    "label": """
        def fit(inputs, targets, read):
            \"\"\"The most frequent label, whatever the text.\"\"\"
            shares = {label: targets.count(label) / len(targets) for label in TASK.labels}
            best = max(TASK.labels, key=lambda label: shares[label])
            return lambda new: [Answer(best, shares[best], shares)] * len(new)
        """,
    "labels": """
        def fit(inputs, targets, read):
            \"\"\"The labels that most rows have, whatever the text.\"\"\"
            counts = {label: sum(label in own for own in targets) for label in TASK.labels}
            shares = {label: count / len(targets) for label, count in counts.items()}
            best = max(TASK.labels, key=lambda label: shares[label])
            answer = several_labels(shares, {best: min(0.5, shares[best])})
            return lambda new: [answer] * len(new)
        """,
    "number": """
        def fit(inputs, targets, read):
            \"\"\"The middle of the numbers, whatever the text.\"\"\"
            middle = float(statistics.median(targets))
            return lambda new: [Answer(middle)] * len(new)
        """,
    "spans": """
        def fit(inputs, targets, read):
            \"\"\"That there is nothing to find, whatever the text.\"\"\"
            return lambda new: [Answer(())] * len(new)
        """,
    "span": """
        def fit(inputs, targets, read):
            \"\"\"That there is no answer, whatever the question.\"\"\"
            share = sum(not target for target in targets) / max(1, len(targets))
            return lambda new: [Answer(Span(0, 0), share)] * len(new)
        """,
    "text": """
        def fit(inputs, targets, read):
            \"\"\"The text, or the word for a blank, that is right most often.\"\"\"
            said = [text for target in targets for text in TASK.said(target)]
            best = max(said, key=said.count)
            return lambda new: [Answer(best, said.count(best) / len(said))] * len(new)
        """,
}
"""The steps in plain lines, by what is asked for; other kinds have no best guess."""
USES: dict[Kind, tuple[Any, ...]] = {"labels": (several_labels,), "span": (Span,)}


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
        from tunewell.fit.by_hand import ByHand, lines, simple

        if not simple(task):
            return ByHand(lines(GUESS[task.answers]), uses=(Answer, *USES.get(task.answers, ())))
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

"""What tasks have in common whose answers are texts that a model writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tunewell.contracts import Metric
from tunewell.inputs import one_line
from tunewell.values import Answer, Example, Kind, to_json


@dataclass(frozen=True)
class Written(ABC):
    """Answers that are texts: how they are asked for, shown, read and judged."""

    head: ClassVar[str] = "writing"
    answers: ClassVar[Kind] = "text"

    metric: str = "rouge_l"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """F1, exact match, and ROUGE-1, -2 and -L; bits a byte and perplexity."""
        from tunewell.measure.metrics.surprise import EXPECTED
        from tunewell.measure.metrics.texts import ALIKE

        return {**ALIKE, **EXPECTED}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """F1 for short answers, else ROUGE-L."""
        from tunewell.measure.metrics.texts import deciding

        return deciding([example.target for example in train])

    @abstractmethod
    def asked(self, input: Any) -> str:
        """An input in lines that end where the answer begins."""

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Self:
        """With the metric that decides; there is nothing else to learn."""
        return cls(metric or cls.choose_metric(train)[0])

    def shown(self, value: Any) -> str:
        """The text."""
        return "(no answer)" if value is None else value or "(nothing)"

    def ideal(self, target: Any) -> Any:
        """The text."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """By the deciding metric."""
        from tunewell.measure.metrics import texts

        return texts.right(self.metric, target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the answer begins, after solved examples."""
        solved = [f"{self.asked(shot.input)} {one_line(shot.target)}" for shot in shots]
        return "\n\n".join([*solved, self.asked(input)])

    def parse(self, text: str) -> Answer:
        """The text itself."""
        return Answer(text.strip())

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric; an answer without a value is wrong.

        How little texts were expected is no number where the model cannot tell.
        """
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The text that is the answer most often."""
        from tunewell.measure.metrics import texts

        return texts.commonest([example.target for example in train])

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}  # type: ignore[attr-defined]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})

"""One text in, one label out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.errors import DataError
from tunewell.values import Answer, Example, to_json


@dataclass(frozen=True)
class Classify:
    """Which of a few labels fits a text.

    Row in: `{"text": "My parcel never came.", "label": "delivery"}`

    Answer out: `Answer(value="delivery", confidence=0.93, scores={"delivery": 0.93, ...})`

    Metrics: `accuracy` decides, or `macro_f1` (every class counts the same) where the classes
    are unequal; `micro_f1` equals accuracy and is left out.
    """

    name: ClassVar[str] = "classify"
    head: ClassVar[str] = "sequence"
    summary: ClassVar[str] = "one text in, one label out: sentiment, topic, intent, spam"

    labels: tuple[str, ...] = ()
    """All labels, sorted; the order of every array over labels."""
    label_names: dict[str, str] = field(default_factory=dict)
    """Words for labels that are numbers or codes: `{"0": "negative"}`."""
    metric: str = "accuracy"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Accuracy and macro F1."""
        from tunewell.measure.metrics import Accuracy, MacroF1

        return {"accuracy": Accuracy(), "macro_f1": MacroF1(labels=self.labels)}

    @classmethod
    def from_examples(
        cls,
        train: Sequence[Example],
        label_names: dict[str, str] | None = None,
        metric: str = "accuracy",
    ) -> Classify:
        """The labels that occur in training rows, sorted as texts, numbers by value."""
        labels = sorted({example.target for example in train}, key=_by_value)
        return cls(tuple(labels), dict(label_names or {}), metric)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `input` and `target` -> an example."""
        text, label = row.get("input"), row.get("target")
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}: the text is empty.", "Each row needs a text.")
        if not isinstance(label, str) or not label.strip():
            raise DataError(f"{where}: the label is empty.", "Each row needs a label.")
        return Example(text, label, source=where)

    def named(self, label: str) -> str:
        """A label in words."""
        return self.label_names.get(label, label).replace("_", " ")

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the label begins, after solved examples."""
        choices = ", ".join(self.named(label) for label in self.labels)
        solved = [f"Text: {shot.input}\nLabel: {self.named(shot.target)}" for shot in shots]
        return "\n\n".join(
            [f"Which label fits the text? One of: {choices}.", *solved, f"Text: {input}\nLabel:"]
        )

    def parse(self, text: str) -> Answer:
        """The label that the first line of a model's text names, by itself or in words."""
        lines = text.strip().splitlines()
        said = lines[0].strip(" .\"'`").casefold() if lines else ""
        for label in self.labels:
            if said in (label.casefold(), self.named(label).casefold()):
                return Answer(label)
        return Answer(None)

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Accuracy and macro F1, 0 to 1; an answer without a value is wrong."""
        return {
            name: float(metric.value(metric.statistics(targets, answers).sum(axis=0)))
            for name, metric in self.metrics.items()
        }

    def guess(self, train: Sequence[Example]) -> Answer:
        """The most frequent label, with its share; the first by order among equals."""
        counts = Counter(example.target for example in train)
        shares = {label: counts[label] / len(train) for label in self.labels}
        best = max(self.labels, key=lambda label: shares[label])
        return Answer(best, shares[best], shares)

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Classify:
        """The task that `to_json` wrote."""
        return cls(tuple(value["labels"]), value["label_names"], value["metric"])


def _by_value(label: str) -> tuple[int, float, str]:
    """Numbers before words and by value, so that 10 comes after 9."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)

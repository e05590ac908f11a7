"""One text, or several, in; one label out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import EmptyCell
from tunewell.inputs import text_or_texts, texts_of
from tunewell.values import Answer, Column, Example, Kind, to_json


@dataclass(frozen=True)
class Classify:
    """Which of a few labels fits a text, or a pair of texts.

    Row in: `{"text": "My parcel never came.", "label": "delivery"}`

    Answer out: `Answer(value="delivery", confidence=0.93, scores={"delivery": 0.93, ...})`

    Metrics: `accuracy` decides, or `macro_f1` (every class counts the same) where the classes
    are unequal; `micro_f1` equals accuracy and is left out.

    Two texts that are judged together, such as a premise and a hypothesis, stand in two columns:
    `--input premise,hypothesis`.
    """

    name: ClassVar[str] = "classify"
    head: ClassVar[str] = "sequence"
    summary: ClassVar[str] = "one text or two in, one label out: sentiment, topic, intent, spam"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "input",
            "The text, or the texts that belong together.",
            "texts",
            looks="texts",
            several=True,
        ),
        Column("target", "The label.", "labels", looks="labels", target=True),
    )
    answers: ClassVar[Kind] = "label"

    labels: tuple[str, ...] = ()
    """All labels, sorted; the order of every array over labels."""
    label_names: dict[str, str] = field(default_factory=dict)
    """Words for labels that are numbers or codes: `{"0": "negative"}`."""
    metric: str = "accuracy"
    """The deciding metric."""
    width: int = 0
    """How many texts the training rows have each; 0: not known."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Accuracy and macro F1."""
        from tunewell.measure.metrics import Accuracy, MacroF1

        return {"accuracy": Accuracy(), "macro_f1": MacroF1(labels=self.labels)}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Macro F1 where the classes are unequal, as accuracy then says little of small ones."""
        if kinds.unequal(example.target for example in train):
            return "macro_f1", "the classes are unequal"
        return "accuracy", "the classes are about equal"

    @classmethod
    def from_examples(
        cls,
        train: Sequence[Example],
        metric: str | None = None,
        label_names: dict[str, str] | None = None,
        **found: Any,
    ) -> Classify:
        """The labels that occur in training rows, sorted as texts, numbers by value."""
        labels = sorted({example.target for example in train}, key=_by_value)
        chosen = metric or cls.choose_metric(train)[0]
        width = max((len(texts_of(example.input)) for example in train), default=0)
        return cls(tuple(labels), dict(label_names or {}), chosen, width)

    def input(self, row: dict[str, Any], where: str) -> str | tuple[str, ...]:
        """The text; a tuple of texts where several columns or a list hold them."""
        return text_or_texts(row.get("input"), where, self.width)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `input` and `target` -> an example."""
        text, label = self.input(row, where), row.get("target")
        if not isinstance(label, str) or not label.strip():
            found = f"{where}: the label is empty."
            raise EmptyCell(found, "Each row needs a label.", column="target")
        return Example(text, label, source=where)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text, or both of a pair."""
        return texts_of(input)

    def shown(self, value: Any) -> str:
        """The label, with its name where it has one."""
        name = self.label_names.get(value)
        return f"{name} ({value})" if name and name != value else kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The label itself."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """Whether it is the label."""
        return kinds.right(target, value)

    def named(self, label: str) -> str:
        """A label in words."""
        return self.label_names.get(label, label).replace("_", " ")

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the label begins, after solved examples."""
        choices = ", ".join(self.named(label) for label in self.labels)
        solved = [f"{self._asked(shot.input)} {self.named(shot.target)}" for shot in shots]
        return "\n\n".join(
            [f"Which label fits the text? One of: {choices}.", *solved, self._asked(input)]
        )

    def _asked(self, input: Any) -> str:
        texts = self.texts(input)
        numbers = [""] if len(texts) == 1 else [f" {n}" for n in range(1, len(texts) + 1)]
        lines = [f"Text{number}: {text}" for number, text in zip(numbers, texts, strict=True)]
        return "\n".join([*lines, "Label:"])

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
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

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
        labels, names = tuple(value["labels"]), value["label_names"]
        return cls(labels, names, value["metric"], value.get("width", 0))


def _by_value(label: str) -> tuple[int, float, str]:
    """Numbers before words and by value, so that 10 comes after 9."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)

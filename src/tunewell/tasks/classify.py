"""One text, or several, in; one label out, or the set of all that fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from tunewell import kinds, sets
from tunewell.contracts import Metric
from tunewell.decide import HALF, one_label, several_labels
from tunewell.errors import DataError, EmptyCell
from tunewell.imbalance import LabelOptions, shares_of, weights_of
from tunewell.inputs import lines_of, text_or_texts, texts_of
from tunewell.values import Answer, Column, Example, Kind, to_json


@dataclass(frozen=True)
class Classify:
    """Which of a few labels fits a text, or a pair of texts; or all labels that fit it.

    Row in: `{"text": "My parcel never came.", "label": "delivery"}`

    Answer out: `Answer(value="delivery", confidence=0.93, scores={"delivery": 0.93, ...})`

    Metrics: `accuracy` decides, or `macro_f1` (every class counts the same) where the classes
    are unequal; `micro_f1` equals accuracy and is left out.

    Several labels a row are recognised by how they are written: a list, `["joy", "fear"]`; one
    cell with `|`, `;` or `,` between them; or a column of 0 and 1 for each label,
    `--target joy,fear,anger`. The answer is then the set, with a probability for each label,
    and a label is given from a probability on that is tuned on validation rows. `macro_f1` of
    the labels decides; beside it `micro_f1`, `subset_accuracy` (the whole set is right) and
    `mean_average_precision` (which asks for no threshold). Training by gradient begins with each
    label's share of the rows as its answer, not with one half: after eight epochs on 1,000 rows
    of 28 emotions macro F1 of `lora` is then 32, not 7.

    Two texts that are judged together, such as a premise and a hypothesis, stand in two columns:
    `--input premise,hypothesis`.
    """

    name: ClassVar[str] = "classify"
    head: ClassVar[str] = "sequence"
    Options: ClassVar[type] = LabelOptions
    summary: ClassVar[str] = (
        "one text or two in, one label or several out: sentiment, topic, intent"
    )
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "input",
            "The text, or the texts that belong together.",
            "texts",
            looks="texts",
            several=True,
        ),
        Column(
            "target",
            "The label, or all labels that fit.",
            "labels",
            looks="labels",
            several=True,
            nested=True,
            target=True,
        ),
    )

    labels: tuple[str, ...] = ()
    """All labels, sorted; the order of every array over labels."""
    label_names: dict[str, str] = field(default_factory=dict)
    """Words for labels that are numbers or codes: `{"0": "negative"}`."""
    metric: str = "accuracy"
    """The deciding metric."""
    width: int = 0
    """How many texts the training rows have each; 0: not known."""
    answers: Kind = "label"
    """`labels` where a row may have several."""
    separator: str | None = None
    """What stands between several labels in one cell."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """Of several labels each is given from this probability on, one half unless tuned; of two
    unequal ones the rarer."""
    options: LabelOptions = LabelOptions()
    """What it is asked to do."""
    weights: dict[str, float] = field(default_factory=dict)
    """What a row with a label counts for in training, where they do not count the same."""
    shares: dict[str, float] = field(default_factory=dict)
    """Of several labels: the share of rows with each, as new output layers answer at first."""
    temperature: float = 1.0
    """Logits of one label are divided by it, so that answers are as sure as they are right."""

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return self.answers == "labels"

    @property
    def windows(self) -> bool:
        """Whether long texts are read in windows, not cut."""
        return self.options.long_texts == "windows"

    @property
    def metrics(self) -> dict[str, Metric]:
        """Accuracy and macro F1; of several labels also what asks for whole sets, and ranks."""
        from tunewell.measure.metrics import Accuracy, MacroF1
        from tunewell.measure.metrics import sets as of_sets

        if self.several:
            return {
                "macro_f1": of_sets.SetMacroF1(self.labels),
                "micro_f1": of_sets.SetMicroF1(self.labels),
                "subset_accuracy": of_sets.SubsetAccuracy(),
                "mean_average_precision": of_sets.MeanAveragePrecision(self.labels),
            }
        return {"accuracy": Accuracy(), "macro_f1": MacroF1(labels=self.labels)}

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Macro F1 where the classes are unequal, as accuracy then says little of small ones."""
        if any(isinstance(example.target, tuple) for example in train):
            return "macro_f1", "rows may have several labels, and each label counts the same"
        if kinds.unequal(example.target for example in train):
            return "macro_f1", "the classes are unequal"
        return "accuracy", "the classes are about equal"

    @classmethod
    def from_examples(
        cls,
        train: Sequence[Example],
        metric: str | None = None,
        label_names: dict[str, str] | None = None,
        answers: Kind = "label",
        separator: str | None = None,
        options: LabelOptions | None = None,
        **found: Any,
    ) -> Classify:
        """The labels that occur in training rows, sorted as texts, numbers by value.

        Raises:
            DataError: rows may have several labels, and all have the same, or each has its own.
        """
        targets = [example.target for example in train]
        each = {label for target in targets for label in kinds.labels_in(target)}
        labels = tuple(sorted(each, key=kinds.by_value))
        if answers == "labels":
            sets.refuse_unlearnable(targets)
        asked = options or LabelOptions()
        return cls(
            labels,
            dict(label_names or {}),
            metric or cls.choose_metric(train)[0],
            max((len(texts_of(example.input)) for example in train), default=0),
            answers,
            separator,
            options=asked,
            weights=weights_of(targets, asked),
            shares=shares_of(targets, asked),
        )

    def look(self, rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        """Whether rows have several labels, and what stands between them in a cell."""
        cells = [row["target"] for row in rows if "target" in row]
        form = sets.form_of(cells, self.options.separator)
        found = {"answers": "labels", "separator": form.separator} if form.several else {}
        return found, form.told

    def input(self, row: dict[str, Any], where: str) -> str | tuple[str, ...]:
        """The text; a tuple of texts where several columns or a list hold them."""
        return text_or_texts(row.get("input"), where, self.width)

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `input` and `target` -> an example."""
        text, label = self.input(row, where), row.get("target")
        if self.several:
            labels = sets.labels_of(label, self.separator, where)
            return Example(text, tuple(sorted(labels, key=kinds.by_value)), source=where)
        if isinstance(label, (dict, list)):
            what = "a list" if isinstance(label, list) else "an object"
            raise DataError(
                f"{where}: this is {what}, not a label.",
                "A text was expected, as in the other rows.",
                column="target",
            )
        if not isinstance(label, str) or not label.strip():
            found = f"{where}: the label is empty."
            raise EmptyCell(found, "Each row needs a label.", column="target")
        return Example(text, label, source=where)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The text, or both of a pair."""
        return texts_of(input)

    def shown(self, value: Any) -> str:
        """The label, with its name where it has one; of several all of them."""
        if isinstance(value, tuple) and value:
            return ", ".join(map(self.shown, value))
        name = self.label_names.get(value)
        return f"{name} ({value})" if name and name != value else kinds.shown(value)

    def ideal(self, target: Any) -> Any:
        """The label itself, or all of them."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """Whether it is the label; of several the share in common."""
        return kinds.right(target, value)

    def named(self, label: str) -> str:
        """A label in words."""
        return self.label_names.get(label, label).replace("_", " ")

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the label begins, after solved examples."""
        choices = ", ".join(self.named(label) for label in self.labels)
        asked = f"Which label fits the text? One of: {choices}."
        if self.several:
            asked = f"Which labels fit the text? Any of: {choices}; or {sets.NONE}."
        solved = [f"{self._asked(s.input)} {sets.said(s.target, self.named)}" for s in shots]
        return "\n\n".join([asked, *solved, self._asked(input)])

    def _asked(self, input: Any) -> str:
        return lines_of(input, "Labels:" if self.several else "Label:")

    def parse(self, text: str) -> Answer:
        """The label that the first line of a model's text names, by itself or in words.

        Of several, which stand with `;` between them, all must be known.
        """
        names = {label: self.named(label) for label in self.labels}
        return Answer(sets.understood(text, names, self.several))

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric, 0 to 1; an answer without a value is wrong."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The most frequent label, with its share; the first by order among equals.

        Of several, all that most rows have; the most frequent one where there is none such.
        """
        counts = Counter(label for each in train for label in kinds.labels_in(each.target))
        shares = {label: counts[label] / len(train) for label in self.labels}
        best = max(self.labels, key=lambda label: shares[label])
        if not self.several:
            return Answer(best, shares[best], shares)
        return several_labels(shares, {best: min(HALF, shares[best])})

    def tuned(self, targets: Sequence[Any], answers: Sequence[Answer]) -> Classify:
        """With the thresholds that give these answers the best F1, and their temperature."""
        from tunewell.measure.metrics.temperature import best_temperature
        from tunewell.measure.metrics.thresholds import best_divide, best_thresholds

        if self.several:
            return replace(self, thresholds=best_thresholds(self.labels, targets, answers))
        unequal = len(self.labels) == 2 and self.metric == "macro_f1"
        divide = best_divide(self.labels, targets, answers) if unequal else {}
        warmth = best_temperature(self.labels, targets, answers)
        return replace(self, thresholds=divide, temperature=warmth)

    def decided(self, answers: Sequence[Answer]) -> list[Answer]:
        """Answers as they are with these thresholds and this temperature."""
        return [self._decided(a.scores) if a.scores else a for a in answers]

    def _decided(self, scores: dict[str, float]) -> Answer:
        if self.several:
            return several_labels(scores, self.thresholds)
        return one_label(scores, self.thresholds, self.temperature)

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Classify:
        """The task that `to_json` wrote."""
        known = {key: each for key, each in value.items() if key != "name"}
        options = LabelOptions(**value.get("options", {}))
        return cls(**{**known, "labels": tuple(value["labels"]), "options": options})

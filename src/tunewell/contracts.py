"""The architecture on one page: what a task, a method, a predictor and a job are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from tunewell.values import (
    Answer,
    Backbone,
    Column,
    Example,
    Kind,
    Machine,
    ParameterCount,
    Progress,
)

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scale:
    """The figures that a metric gives, and how people read them."""

    low: float = 0.0
    high: float = 1.0
    """The best, unless less is better; `math.inf` where there is no end."""
    percent: bool = True
    """Whether it is a share, shown in per cent; else a plain number."""
    lower_is_better: bool = False
    """As of an error, whose best is `low`."""

    def better(self, value: Any) -> Any:
        """A figure, or an array of them, turned round where less is better: more is better."""
        return -value if self.lower_is_better else value


class Metric(Protocol):
    """A score that can be resampled quickly: from what each row adds, or from weighted rows.

    Accuracy is a mean of zeros and ones; F1 a ratio of counts; BLEU a ratio of n-gram counts:
    these have `value`. A rank correlation is no function of sums: it has `weighted` instead.
    """

    name: str
    words: str
    """How it is called in a sentence: `macro F1`."""
    scale: Scale

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """What each row adds, or what is known of it: (rows, statistics), float64."""

    def value(self, sums: np.ndarray) -> np.ndarray:
        """Sums over rows (..., statistics) -> scores (...)."""

    # Or, for scores that are no function of sums (`measure.rows` computes either):
    # def weighted(self, statistics, weights): rows (rows, statistics), and how often each counts
    # (samples, rows), whole numbers from 0 -> scores (samples,).
    # One whose figures depend on settings names them in its `meaning`, a sentence for the report.
    # One that cannot be told of some answers gives a figure that is no number (NaN) for them.


class Task(Protocol):
    """What goes in and what counts as right: a frozen dataclass that knows its labels.

    Every field has a default, since rows are read before there is anything to know.
    """

    name: ClassVar[str]
    head: ClassVar[str]
    """Which head of `fit.heads` carries it."""
    summary: ClassVar[str]
    """What goes in and what comes out, in a few words, for the list of tasks."""
    columns: ClassVar[tuple[Column, ...]]
    """What `read` needs to know of a row."""
    answers: Kind
    """What a target and the value of an answer are."""
    # One whose long inputs are read in overlapping windows, not cut, says so: `windows = True`.
    metric: str
    """The name of the deciding metric, one of `metrics`."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by name."""

    def input(self, row: dict[str, Any], where: str) -> Any:
        """The input in a row of named cells, also one without a target: a row to be answered.

        Cells are texts; those of JSON may be lists and objects, whose numbers are texts too.
        Where several columns fill one, the cell is `{column: cell}`.

        Raises:
            DataError: it cannot be one; the message begins with `where`.
        """

    def read(self, row: dict[str, Any], where: str) -> Example:
        """One row of named cells -> an example; a DataError that names the place otherwise."""

    def texts(self, input: Any) -> tuple[str, ...]:
        """The texts in an input: for length, likeness, bags of words, and to show it."""

    def shown(self, value: Any) -> str:
        """A target or an answer's value, in a text."""

    def ideal(self, target: Any) -> Any:
        """The value of a right answer to a row with this target."""

    def right(self, target: Any, value: Any) -> float:
        """How right an answer's value is, 0 to 1, for the list of the worst; None gets 0."""

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """The metric that decides unless the user names one, and why."""

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Self:
        """Learns what must be known before anything runs (its labels) from training rows.

        Args:
            metric: decides; chosen if None.
            found: what reading found: `label_names`, and what `look` gave. A task takes what it
                has a use for and passes over the rest.
        """

    # One that can be asked to do things in several ways has `Options`, a frozen dataclass of them
    # that is a section of the run's options under its name, and a field `options` with one.

    # Where one row does not tell how rows are to be read, such as how labels are separated:
    # def look(self, rows): at most 2,000 rows of named cells, spread over the file -> fields to
    # be set before rows are read, which `from_examples` gets too, and a sentence on it or "".

    # One whose answers are texts (head `writing`) has `conversation(input)`: the messages that an
    # answer follows, `({"role": "user", "content": "..."}, ...)`, or a text that it goes on with,
    # which is then learnt as well, as it says with `learns_input = True`.

    # One whose rows may be plain texts has `reads_plain_text = True`: paragraphs of a `.txt`.

    # One that learns from a fitted model's answers, such as from which probability on a label is
    # given, has `tuned(targets, answers) -> Self`, which is asked with validation rows; where
    # scores alone decide, `decided(answers) -> answers` too: these as what was learnt has them.

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """The question as a text, with solved examples before it."""

    def parse(self, text: str) -> Answer:
        """A model's text -> an answer; value None where there is none in it."""

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric of the task by name."""

    def guess(self, train: Sequence[Example]) -> Answer:
        """The best answer without looking at the input; NotApplicable where there is none."""

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The task that `to_json` wrote."""


class RunningText(Protocol):
    """Texts without labels that a run was given, without those of its test rows."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all of them."""

    @property
    def bytes(self) -> int:
        """Of those to be read."""

    @property
    def held_out(self) -> tuple[str, ...]:
        """Some that are kept apart."""

    def texts(self) -> Iterator[str]:
        """Those to be read, one document after the other."""


@dataclass(frozen=True)
class Job:
    """What a method is given. There is no test set in it, so a method cannot look."""

    task: Task
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    backbone: Backbone | None
    """None for methods that stand on none."""
    machine: Machine = Machine()
    seed: int = 0
    folder: Path | None = None
    """Where checkpoints of this fit may lie; None: none are kept."""
    cache: Path | None = None
    """Where work that several trials share may lie; None: in memory only."""
    save_every_seconds: float = 60.0
    """Seconds between two checkpoints; 0: one every step."""
    beside: tuple[tuple[Method, int], ...] = ()
    """Further options of the method, with seeds, that will be asked for on these rows: who can
    fit them at once with this one may."""
    texts: RunningText | None = None
    """Of the same kind as the rows, without labels; None where none were given."""
    probe: bool = False
    """Measure a few batches and raise `Probed` instead of fitting."""
    report_progress: Callable[[Progress], None] = lambda progress: None


class Predictor(Protocol):
    """All that measuring and serving ever see of a fitted model."""

    @property
    def task(self) -> Task:
        """The task it answers, with its labels."""

    @property
    def parameters(self) -> ParameterCount:
        """Trained, changed and all parameters."""

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""

    def save(self, folder: Path) -> None:
        """Safetensors and JSON, never a pickle; `model.json` names the method that loads it."""

    # One that stands on a backbone gives vectors as well: `embed(texts) -> (vectors, tokens)`;
    # one that is a single network gives it with all its weights: `whole() -> TrainedPredictor`.
    # One that asks says what became of its answers since it was loaded: `told() -> sentences`;
    # `spent()`, what one answer costs at an endpoint or None; `bounded(caps)`, with these `Caps`
    # instead of the run's.
    # A language model tells how little it expected texts: `surprise(inputs, targets)`, a `Surprise`
    # for each right target, or None for a row that does not fit; all None where it is none. What
    # was made of a backbone tells of other texts too, before and after: `recalled(texts)`, a
    # `Recall`, None where it is as it was, NotApplicable where the backbone expects no words.


class Method(Protocol):
    """One way of adapting a model: a frozen dataclass of its own options, with one verb."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """What moves, in a few words, for the list of methods."""
    rung: ClassVar[int]
    """Its place on the ladder: what usually costs more stands higher."""
    needs_backbone: ClassVar[bool]
    answers: ClassVar[tuple[Kind, ...] | None]
    """The kinds of answer it can give; None: all that a head can be trained for."""
    # A method whose answers depend on the names of labels says so: `reads_label_names = True`.
    # One that can be written out in plain lines has `by_hand(body, task)`: see `fit.by_hand`; one
    # that has another method learn more rows, `rows_by_hand()`, a function `copies_of(rows)`.
    # One that leaves an option to the backbone has `settled(backbone) -> Self`, with it chosen.
    # One that reads texts without labels says so, and gets them in its job: `reads_texts = True`.
    # One that needs more than rows says what in `example`, options as they are typed.
    # One that reads files of its own has `content() -> str`, a fingerprint of what they hold.
    # One that never looks at the input, so that all others must beat it: `baseline = True`.
    # One that only asks the backbone in words, so that an endpoint will do: `asks = True`.

    def fit(self, job: Job) -> Predictor:
        """Adapt; raises `NotApplicable` with a reason where it cannot."""

    def grid(self) -> tuple[Self, ...]:
        """The trials of a fair start, the default first; one where there is nothing to search."""

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that this method saved there."""

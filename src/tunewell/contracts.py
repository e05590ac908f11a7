"""The architecture on one page: what a task, a method, a predictor and a job are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from tunewell.values import Answer, Backbone, Example, Machine, ParameterCount, Progress

if TYPE_CHECKING:
    import numpy as np


class Metric(Protocol):
    """A score that is a function of sums over rows, so that it can be resampled quickly.

    Accuracy is a mean of zeros and ones; F1 a ratio of counts; BLEU a ratio of n-gram counts.
    """

    name: str

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """What each row adds: (rows, statistics), float64."""

    def value(self, sums: np.ndarray) -> np.ndarray:
        """Sums over rows (..., statistics) -> scores (...), 0 to 1, higher is better."""


class Task(Protocol):
    """What goes in and what counts as right. A frozen dataclass that knows its labels."""

    name: ClassVar[str]
    head: ClassVar[str]
    """Which head of `fit.heads` carries it."""
    summary: ClassVar[str]
    """What goes in and what comes out, in a few words, for the list of tasks."""
    metric: str
    """The name of the deciding metric, one of `metrics`."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by name."""

    @classmethod
    def from_examples(cls, train: Sequence[Example], **options: Any) -> Self:
        """Learns what must be known before anything runs (its labels) from training rows."""

    def read(self, row: dict[str, Any], where: str) -> Example:
        """One row of named cells -> an example; a DataError that names the place otherwise."""

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """The question as a text, with solved examples before it."""

    def parse(self, text: str) -> Answer:
        """A model's text -> an answer; value None where there is none in it."""

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric of the task by name."""

    def guess(self, train: Sequence[Example]) -> Answer:
        """The best answer without looking at the input."""

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The task that `to_json` wrote."""


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

    # One that stands on a backbone gives vectors as well: `embed(texts) -> (vectors, tokens)`.


class Method(Protocol):
    """One way of adapting a model: a frozen dataclass of its own options, with one verb."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """What moves, in a few words, for the list of methods."""
    rung: ClassVar[int]
    """Its place on the ladder: what usually costs more stands higher."""
    needs_backbone: ClassVar[bool]
    tasks: ClassVar[tuple[str, ...]]
    """Names of the tasks it can do."""
    # A method whose answers depend on the names of labels says so: `reads_label_names = True`.

    def fit(self, job: Job) -> Predictor:
        """Adapt; raises `NotApplicable` with a reason where it cannot."""

    def grid(self) -> tuple[Self, ...]:
        """The trials of a fair start, the default first; one where there is nothing to search."""

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that this method saved there."""

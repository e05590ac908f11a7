"""The nearest labelled examples vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine


@dataclass(frozen=True)
class FewShot:
    """A vote of the k most similar training rows.

    What moves: nothing. Needs: one pass of the backbone over the rows, which are kept with the
    model. Costs: that pass. Choose it: when labels change often (adding a row is adding it to
    the list), and to see which rows an answer rests on.
    Neighbours: `zero_shot` looks at label names only; `features` fits a boundary.
    Source: nearest neighbours over sentence embeddings (arXiv 1908.10084).
    """

    name: ClassVar[str] = "few_shot"
    summary: ClassVar[str] = "nothing moves: the nearest labelled rows vote"
    rung: ClassVar[int] = 30
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number")

    k: int = 5
    """Rows that vote."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        if self.k < 1:
            raise ConfigError(f"k is {self.k}.", "1 or more is expected.")

    def fit(self, job: Job) -> Predictor:
        """Embed the training rows."""
        from tunewell.fit.neighbours import fit_neighbours

        return fit_neighbours(self.name, job, self.k)

    def grid(self) -> tuple[Self, ...]:
        """k, one neighbour alone, and three times as many."""
        return tuple(replace(self, k=k) for k in dict.fromkeys((self.k, 1, self.k * 3)))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.neighbours import load_neighbours

        return load_neighbours(folder, machine)

"""A linear model on what a frozen backbone makes of a text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine


@dataclass(frozen=True)
class Features:
    """Frozen features and a logistic regression, or ridge regression of numbers.

    What moves: a linear model over one vector a text. Needs: one pass of the backbone over the
    rows. Costs: that pass and a second.
    Choose it: first. With few rows it is often within a point or two of anything dearer.
    Neighbours: `head` does the same by gradient descent and can be an MLP; `few_shot` votes.
    Source: "feature-based" in arXiv 1903.05987.
    """

    name: ClassVar[str] = "features"
    summary: ClassVar[str] = "a linear model over the frozen backbone's vectors"
    rung: ClassVar[int] = 40
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number")

    C: float = 0.03
    """Inverse strength of the penalty on weights. Vectors have hundreds of columns and rows are
    few: on messages, tweets and film reviews validation preferred 0.003 to 0.03 to the usual 1."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        if self.C <= 0:
            raise ConfigError(f"C is {self.C:g}.", "More than 0 is expected.")

    def fit(self, job: Job) -> Predictor:
        """Embed the rows once and fit the linear model."""
        from tunewell.fit.linear import fit_linear

        return fit_linear(self.name, job, self.C)

    def grid(self) -> tuple[Self, ...]:
        """C, a tenth of it, and ten times it."""
        return tuple(replace(self, C=C) for C in (self.C, self.C / 10, self.C * 10))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.linear import load_linear

        return load_linear(folder, machine)

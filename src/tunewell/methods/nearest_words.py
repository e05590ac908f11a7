"""Words of the training rows that stand in a like place say what a word is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine


@dataclass(frozen=True)
class NearestWords:
    """A vote of the k training words whose vectors are nearest, over the tags that may follow.

    What moves: nothing. Needs: one pass of the backbone over the rows; the words' vectors are
    kept with the model, at most 50,000, those of pieces first. Costs: that pass.
    Choose it: to see what the frozen backbone knows of names already, and when types change often.
    Neighbours: `dictionary` knows what it has seen, whatever stands around it; `head` learns a
    boundary between the same vectors.
    Source: Wiseman and Stratos, "Label-Agnostic Sequence Labeling by Copying Nearest Neighbors"
    (arXiv 1906.04225).
    """

    name: ClassVar[str] = "nearest_words"
    summary: ClassVar[str] = "nothing moves: the nearest training words vote"
    rung: ClassVar[int] = 30
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("spans",)

    k: int = 5
    """Words that vote."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        if self.k < 1:
            raise ConfigError(f"k is {self.k}.", "1 or more is expected.")

    def fit(self, job: Job) -> Predictor:
        """Read the training rows and keep each word's vector and tag."""
        from tunewell.fit.known_words import fit_known_words

        return fit_known_words(self.name, job, self.k)

    def grid(self) -> tuple[Self, ...]:
        """k, one neighbour alone, and three times as many."""
        return tuple(replace(self, k=k) for k in dict.fromkeys((self.k, 1, self.k * 3)))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.known_words import load_known_words

        return load_known_words(folder, machine)

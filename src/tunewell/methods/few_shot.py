"""The nearest labelled examples vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError
from tunewell.values import Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


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

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = f"""
            def fit(texts, labels, read):
                \"\"\"The {self.k} nearest training rows vote, nearer ones more.\"\"\"
                known = nn.functional.normalize(read(texts), dim=-1)  # (rows, hidden)
                numbers = torch.tensor([LABELS.index(label) for label in labels])

                def answer(new):
                    cosines = nn.functional.normalize(read(new), dim=-1) @ known.T
                    near = cosines.topk(min({self.k}, len(known)), dim=-1)
                    shares = torch.zeros(len(new), len(LABELS))
                    weights = (20 * near.values).softmax(-1)
                    return shares.scatter_add_(1, numbers[near.indices], weights)

                return answer
            """
        return ByHand(lines(code))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.neighbours import load_neighbours

        return load_neighbours(folder, machine)

"""A linear model on what a frozen backbone makes of a text."""

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

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, apart, lines, simple
        from tunewell.fit.side_by_side import together
        from tunewell.fit.solve import solve

        general = f"""
            def fit(inputs, targets, read):
                \"\"\"A linear model with penalty 1 / C, on standardised vectors.\"\"\"
                vectors = together(apart(read, inputs)).double()
                mean, scale = vectors.mean(0), vectors.std(0, correction=0).clamp(min=1e-6)
                rows = ((vectors - mean) / scale).numpy()
                solved = solve(TASK, rows, targets, {self.C}, SEED, max_iter=2000, tol=1e-6)
                weights, bias = (torch.as_tensor(array) for array in solved)

                def answer(new):
                    rows = (together(apart(read, new)).double() - mean) / scale
                    return HEAD.said(rows @ weights.T + bias)

                return answer
            """
        if not simple(task):
            return ByHand(lines(general), uses=(apart, together, solve))
        code = f"""
            def fit(texts, labels, read):
                \"\"\"Logistic regression with penalty 1 / C, on standardised vectors.\"\"\"
                vectors = read(texts).double().numpy()
                mean, scale = vectors.mean(0), vectors.std(0).clip(1e-6)
                model = LogisticRegression(C={self.C}, max_iter=2000, tol=1e-6)
                model.fit((vectors - mean) / scale, labels)
                order = [list(model.classes_).index(label) for label in LABELS]

                def answer(new):
                    vectors = (read(new).double().numpy() - mean) / scale
                    return torch.tensor(model.predict_proba(vectors)[:, order])

                return answer
            """
        return ByHand(lines(code), ("from sklearn.linear_model import LogisticRegression",))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.linear import load_linear

        return load_linear(folder, machine)

"""Solved rows help to answer: they stand before the question, or the nearest vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError, NotApplicable
from tunewell.values import Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand

VOTED = ("label", "labels", "number")
"""Kinds of answer for which rows can vote."""


@dataclass(frozen=True)
class FewShot:
    """An answer after k solved rows, or a vote of the k most similar ones.

    A model that writes is shown solved rows before each question and goes on in their way. With a
    sentence encoder the nearest rows vote.

    What moves: nothing. Needs: some rows, which are kept with the model; for answers in texts a
    model that writes, on this machine or behind an endpoint (`--backbone openai:MODEL`). Costs:
    each question is longer by its rows whenever it is asked; for a vote, one pass over the rows.
    Choose it: when labels change often (adding a row is adding it to the list), to see which rows
    an answer rests on, and where the form of an answer is easier shown than said.
    Neighbours: `zero_shot` shows none and looks at label names only; `features` fits a boundary;
    `lora` learns from all rows and asks briefly again.
    Source: Brown et al. (arXiv 2005.14165); nearest neighbours over sentence embeddings (arXiv
    1908.10084).
    """

    name: ClassVar[str] = "few_shot"
    summary: ClassVar[str] = "nothing moves: solved rows stand before the question, or vote"
    rung: ClassVar[int] = 30
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number", "span", "choice", "text")
    reads_label_names: ClassVar[bool] = True
    asks: ClassVar[bool] = True

    k: int = 5
    """Rows that stand before a question, as many as the model's window holds, or that vote."""
    examples: Literal["nearest", "diverse", "random"] = "nearest"
    """Which rows stand before a question: those most like it, the most like it last; or for all
    questions the same, unlike each other or random, with labels in turn."""
    by: Literal["vote", "scoring", "generating"] | None = None
    """A vote of the nearest rows; scoring each label or choice as an answer; or writing the
    answer. Not given: a vote for a sentence encoder; for a model that writes scoring where it can
    be done, up to 100 labels, else generating."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        if self.k < 1:
            raise ConfigError(f"k is {self.k}.", "1 or more is expected.")

    def fit(self, job: Job) -> Predictor:
        """Choose rows to be shown, or embed them all."""
        from tunewell.fit.prompting.asking import asked_or, fit_asked

        votes, shown = job.task.answers in VOTED, (self.k, self.examples)
        if self.by in ("scoring", "generating") or (self.by is None and not votes):
            return fit_asked(self.name, job, self.by, *shown)
        if not votes:
            raise NotApplicable("rows can vote for labels and numbers alone")
        if self.by is None and (asked := asked_or("the nearest rows vote", self.name, job, *shown)):
            return asked
        from tunewell.fit.neighbours import fit_neighbours

        return fit_neighbours(self.name, job, self.k)

    def grid(self) -> tuple[Self, ...]:
        """k, one row alone, and three times as many."""
        return tuple(replace(self, k=k) for k in dict.fromkeys((self.k, 1, self.k * 3)))

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, apart, lines, simple
        from tunewell.fit.neighbours import outputs, vote
        from tunewell.fit.side_by_side import compared

        general = f"""
            def fit(inputs, targets, read):
                \"\"\"The {self.k} nearest training rows vote, nearer ones more.\"\"\"
                known = nn.functional.normalize(compared(apart(read, inputs)), dim=-1)
                values = torch.tensor([outputs(TASK, target) for target in targets])

                def answer(new):
                    asked = nn.functional.normalize(compared(apart(read, new)), dim=-1)
                    near = (asked @ known.T).topk(min({self.k}, len(known)), dim=-1)
                    weights = (20 * near.values).softmax(-1).unsqueeze(-1)  # (new, k, 1)
                    shares = (weights * values[near.indices]).sum(1)
                    return [vote(TASK, row) for row in shares.tolist()]

                return answer
            """
        if not simple(task):
            return ByHand(lines(general), uses=(apart, compared, outputs, vote))
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
        from tunewell.fit.prompting.asked import load_asked_or

        return load_asked_or(folder, machine)

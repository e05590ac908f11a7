"""The choice whose vector is nearest to the question's, by the backbone as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.values import Answer, Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class LikeliestChoice:
    """The choice with the highest cosine to the question, or to question and passage.

    What moves: nothing. Needs: no training rows. Costs: one pass of the backbone over each
    question and each choice.
    Choose it: to see how far likeness alone goes; a right answer need not be like its question.
    Neighbours: `head` reads question and choice together and learns what makes one right.
    Source: arXiv 1908.10084, for the vectors.
    """

    name: ClassVar[str] = "likeliest_choice"
    summary: ClassVar[str] = "nothing moves: the choice most like the question"
    rung: ClassVar[int] = 10
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("choice",)

    def fit(self, job: Job) -> Predictor:
        """Load the backbone; there is nothing to learn."""
        from tunewell.fit.likeliest import LikeliestPredictor
        from tunewell.fit.recorded import untrained

        return LikeliestPredictor(untrained(self.name, job))

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines
        from tunewell.fit.likeliest import question_of

        code = """
            def fit(inputs, targets, read):
                \"\"\"The choice nearest to its question; no row is looked at.\"\"\"

                def nearest(given):
                    vectors = read([question_of(given), *given["choices"]])
                    near = nn.functional.cosine_similarity(vectors[:1], vectors[1:], dim=-1)
                    return Answer(given["choices"][int(near.argmax())])

                return lambda new: [nearest(given) for given in new]
            """
        return ByHand(lines(code), uses=(Answer, question_of))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.likeliest import LikeliestPredictor
        from tunewell.fit.records import read_record

        return LikeliestPredictor(read_record(folder, machine)[0])

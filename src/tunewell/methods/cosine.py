"""How alike two texts are, by the backbone as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor
from tunewell.values import Answer, Kind, Machine

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Cosine:
    """The cosine of two texts' vectors, on the scale of the numbers that are asked for.

    What moves: nothing but a line, from cosines to numbers; where passages are ranked, nothing.
    Needs: two texts in each row. Costs: one pass of the backbone over the rows.
    Choose it: where the number is how alike two texts are; sentence encoders were made for that.
    Neighbours: `features` also sees in what they are alike; `few_shot` asks similar pairs; `bm25`
    goes by the words alone.
    Source: arXiv 1908.10084.
    """

    name: ClassVar[str] = "cosine"
    summary: ClassVar[str] = "nothing moves: how alike texts are to the backbone"
    rung: ClassVar[int] = 25
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("number", "vector")

    def fit(self, job: Job) -> Predictor:
        """Embed the training rows and lay the line of least squares; of vectors there is none.

        Raises:
            NotApplicable: rows have one text each.
        """
        from tunewell.fit.likeness import fit_likeness
        from tunewell.fit.recorded import untrained
        from tunewell.fit.untuned import UntunedVectors

        if job.task.answers == "vector":
            return UntunedVectors(untrained(self.name, job))
        return fit_likeness(self.name, job)

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, apart, lines
        from tunewell.fit.heads.vector import rounded
        from tunewell.fit.likeness import cosines, line

        if task.answers == "number":
            code = """
                def fit(inputs, targets, read):
                    \"\"\"The line of least squares from cosines of two texts to the numbers.\"\"\"
                    slope, start = line(cosines(apart(read, inputs)), targets)
                    return lambda new: [
                        Answer(start + slope * near) for near in cosines(apart(read, new))
                    ]
                """
            return ByHand(lines(code), uses=(Answer, apart, cosines, line))
        code = """
            def fit(inputs, targets, read):
                \"\"\"The vectors of the backbone as it stands, of length 1.\"\"\"

                def answer(new):
                    texts = [TASK.texts(given) for given in new]
                    flat = [text for row in texts for text in row]
                    rows = nn.functional.normalize(read(flat), dim=-1).split(list(map(len, texts)))
                    return [Answer(tuple(rounded(one) for one in row.tolist())) for row in rows]

                return answer
            """
        return ByHand(lines(code), uses=(Answer, rounded))

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        from tunewell.fit.likeness import LikenessPredictor
        from tunewell.fit.records import read_record
        from tunewell.fit.untuned import UntunedVectors

        record, value = read_record(folder, machine)
        if record.task.answers == "vector":
            return UntunedVectors(record)
        return LikenessPredictor(record, value["slope"], value["start"])

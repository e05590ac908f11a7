"""All of the weights move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Full(Schedule):
    """Fine-tuning of the whole model with a new head.

    What moves: everything. Needs: memory for five copies of the model (weights, gradients, two
    moments, the best weights so far). Costs: the most of all methods, and an artefact as large as
    the backbone.
    Choose it: with a thousand rows or more, when the last points count.
    Neighbours: `lora` moves a hundredth of it; `head` only the output.
    Source: BERT (arXiv 1810.04805).
    """

    name: ClassVar[str] = "full"
    summary: ClassVar[str] = "everything moves"
    rung: ClassVar[int] = 90
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    def fit(self, job: Job) -> Predictor:
        """Train all weights."""
        from tunewell.fit.loop import train

        return train(job, _everything, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def prepare(model):
                \"\"\"Everything moves.\"\"\"
            """
        return ByHand(lines(code))


def _everything(model: Any) -> Any:
    return model

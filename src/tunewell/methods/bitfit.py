"""Only the biases move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.errors import NotApplicable
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class BitFit(Schedule):
    """Fine-tuning of the bias terms alone.

    What moves: the biases of the body (a thousandth of it), and the head. Needs: a backbone with
    biases, which many newer ones do without. Costs: three quarters of `full` in time, next to
    nothing for the optimizer, and an artefact as large as the backbone.
    Choose it: with few rows, or to see how much can be had by moving very little.
    Neighbours: `head` leaves the biases alone as well; `ia3` scales instead of shifting.
    Source: arXiv 2106.10199.
    """

    name: ClassVar[str] = "bitfit"
    summary: ClassVar[str] = "the biases, and the head"
    rung: ClassVar[int] = 60
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 5e-3
    """Highest learning rate; few parameters want a large one. On 240 short rows MiniLM did better
    with 3e-3 and 9e-3 than with 1e-3, the most that the paper took for larger models."""

    def fit(self, job: Job) -> Predictor:
        """Train the biases and the head; NotApplicable where the body has no biases."""
        from tunewell.fit.loop import train

        return train(job, _only_biases, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def prepare(model):
                \"\"\"The biases move, and the head.\"\"\"
                for name, p in model.body.named_parameters():
                    p.requires_grad_(name.endswith("bias"))
            """
        return ByHand(lines(code))


def _only_biases(model: Any) -> Any:
    from tunewell.fit import anatomy

    named = anatomy.body(model).named_parameters()
    biases = [p for name, p in named if name.endswith("bias") and p.requires_grad]
    if not biases:
        so = "nothing of it would move" if anatomy.writes(model) else "it would equal `head`"
        raise NotApplicable(f"this backbone has no biases, so {so}")
    return anatomy.move_only(model, biases)

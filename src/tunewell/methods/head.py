"""Only the new output layers move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Head(Schedule):
    """A new head on a frozen backbone, trained by gradient descent.

    What moves: the output layers. Needs: one pass of the backbone over the rows, whatever the
    number of epochs. Costs: little more than `features`.
    Choose it: when rows are few or time is short; with `--head.hidden` where a straight line
    between the classes does not do.
    Neighbours: `features` solves the linear case exactly; `lora` and `full` move the body too.
    Source: linear probes (arXiv 1610.01644); frozen features in Peters et al. (arXiv 1903.05987).
    """

    name: ClassVar[str] = "head"
    summary: ClassVar[str] = "the new output layers, on a frozen backbone"
    rung: ClassVar[int] = 50
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 3e-2
    """Highest learning rate: few parameters want a large one (a frozen MiniLM stays at chance
    with 1e-3 after five epochs and learns at 3e-2)."""
    epochs: int = 30
    """Times that every training row is seen; an epoch over kept vectors takes a blink."""
    batch_size: int = 32
    """Rows per step of the optimizer."""
    hidden: int | None = None
    """Units of a hidden layer (an MLP head); None: one linear layer."""

    def fit(self, job: Job) -> Predictor:
        """Train the head on what the frozen backbone gives."""
        from tunewell.fit.anatomy import freeze_body
        from tunewell.fit.loop import train

        return train(job, freeze_body, self, hidden=self.hidden)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def prepare(model):
                \"\"\"Only the output layers move.\"\"\"
                model.body.requires_grad_(False)
            """
        return ByHand(lines(code))

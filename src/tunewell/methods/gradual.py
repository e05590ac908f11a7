"""The layers begin to move one after the other, from the top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule, refuse_below

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Gradual(Schedule):
    """Fine-tuning that begins at the head and works its way down.

    What moves: everything in the end; the head from the first epoch on, the layers below it in
    turn (several at once where there are more of them than epochs for it), the embeddings from
    the middle of the training on, and the lower a layer, the slower. Needs: what `full` needs.
    Costs: somewhat less than `full`, as gradients stop where the frozen layers begin.
    Choose it: when rows are few and `full` forgets more than it learns.
    Neighbours: `last_layers` never reaches the lower ones; `full` moves all at once.
    Source: ULMFiT (arXiv 1801.06146), which opens one layer an epoch.
    """

    name: ClassVar[str] = "gradual"
    summary: ClassVar[str] = "everything, layer by layer from the top"
    rung: ClassVar[int] = 85
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 6e-4
    """Highest learning rate, that of the head; more than in `full`, as only the top runs at it. On
    240 short rows MiniLM did better with 9e-4 than with 3e-4."""
    decay: float = 2.6
    """A layer's learning rate is that of the one above divided by this: the paper's value for
    three layers. Deep stacks may want less."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, decay=self.decay)

    def fit(self, job: Job) -> Predictor:
        """Train from the top down."""
        from tunewell.fit.loop import train

        return train(job, _everything, self, factors=self._factors)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, lines
        from tunewell.fit.sublayers import after_layers

        stack, layers = anatomy.layers(body)
        late = after_layers(body)
        top = tuple(f"{name}." for name, module in body.named_modules() if module in late)
        deepest = len(layers) + 1
        code = f"""
            def prepare(model):
                \"\"\"Everything moves, each layer in its turn.\"\"\"


            def factors(model, epoch):
                \"\"\"0 before a parameter's turn, then less with each layer down.\"\"\"
                found = {{}}
                inside = {{id(p): name for name, p in model.body.named_parameters()}}
                for name, p in model.named_parameters():
                    own, down = inside.get(id(p), ""), {deepest}
                    if own.startswith("{stack}."):
                        down = {len(layers)} - int(own.removeprefix("{stack}.").split(".")[0])
                    elif not own or own.startswith({top!r}):
                        down = 0  # the output layers, and what stands behind the last layer
                    turn = down * {self.epochs // 2} // {deepest}
                    found[name] = {self.decay} ** -down if epoch >= turn else 0.0
                return found
            """
        return ByHand(lines(code))

    def _factors(self, model: Any) -> Callable[[int], dict[str, float]]:
        """Epoch -> factor by parameter: 0 before its turn, then less with each layer down."""
        from tunewell.fit.sublayers import depths

        depth = depths(model)
        last = self.epochs // 2  # the epoch in which the lowest begins to move
        turn = {name: down * last // max(1, *depth.values()) for name, down in depth.items()}

        def factors(epoch: int) -> dict[str, float]:
            return {
                name: self.decay**-down if epoch >= turn[name] else 0.0
                for name, down in depth.items()
            }

        return factors


def _everything(model: Any) -> Any:
    return model

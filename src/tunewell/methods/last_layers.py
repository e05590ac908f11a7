"""The top of the stack and the head move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule, refuse_below

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class LastLayers(Schedule):
    """Fine-tuning of the last layers, the rest frozen.

    What moves: the last k layers of the stack, the norm or pooler behind them, and the head.
    Needs: nothing more than `head`. Costs: half of `full` in time (gradients stop where the
    frozen layers begin), memory for k layers, and an artefact as large as the backbone.
    Choose it: when `full` is too slow or too large, and the text is like what the backbone knows.
    Neighbours: `head` moves no layer, `gradual` one after the other, `full` all of them.
    Source: Lee et al. (arXiv 1911.03090).
    """

    name: ClassVar[str] = "last_layers"
    summary: ClassVar[str] = "the last layers, and the head"
    rung: ClassVar[int] = 55
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 3e-4
    """Highest learning rate; fewer weights than in `full` move, so each may move further. On 240
    short rows MiniLM did better with it than with a third and with three times as much."""
    layers: int = 2
    """Layers that move, counted from the last one; where there are fewer, all do."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, layers=self.layers)

    def fit(self, job: Job) -> Predictor:
        """Train the last layers and the head."""
        from tunewell.fit.loop import train

        return train(job, self._top, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, lines
        from tunewell.fit.sublayers import after_layers

        stack, layers = anatomy.layers(body)
        modules = [*layers[-self.layers :], *after_layers(body)]
        names = [name for name, module in body.named_modules() if module in modules]
        code = f"""
            def prepare(model):
                \"\"\"The last layers of {stack} move, what runs behind them, and the head.\"\"\"
                model.body.requires_grad_(False)
                for name in {names!r}:
                    model.body.get_submodule(name).requires_grad_(True)
            """
        return ByHand(lines(code))

    def _top(self, model: Any) -> Any:
        from tunewell.fit import anatomy
        from tunewell.fit.sublayers import after_layers

        body = anatomy.body(model)
        modules = [*anatomy.layers(body)[1][-self.layers :], *after_layers(body)]
        return anatomy.move_only(model, [p for module in modules for p in module.parameters()])

"""All of the weights move, from random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class FromScratch(Schedule):
    """Training of a model of the backbone's shape that has read nothing before.

    What moves: everything, from random weights; only the tokenizer is the backbone's.
    Needs: what `full` needs. Costs: what `full` costs.
    Choose it: never to use with few rows, always to compare: what `full` has more than this is
    what pre-training is worth. Neighbours: `full` starts from the backbone; `bag_of_words` is
    what a model without pre-training has to beat.
    Source: Erhan et al., "Why Does Unsupervised Pre-training Help Deep Learning?" (JMLR 2010).
    """

    name: ClassVar[str] = "from_scratch"
    summary: ClassVar[str] = "everything, from random weights"
    rung: ClassVar[int] = 92
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 5e-4
    """Highest learning rate; random weights have nothing to lose, so more than that of `full`. On
    240 short rows a model of MiniLM's shape did better with 9e-4 and 3e-4 than with 1e-4."""

    def fit(self, job: Job) -> Predictor:
        """Train all weights from random ones."""
        from tunewell.fit.loop import train

        return train(job, _forget, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def prepare(model):
                \"\"\"Everything moves, from random weights; output layers that are new stay.\"\"\"
                known = model.body if hasattr(model, "body") else model
                fresh = dict(type(known)(copy.deepcopy(known.config)).named_parameters())
                with torch.no_grad():
                    for name, p in known.named_parameters():
                        if p.requires_grad and name not in NEW:
                            p.copy_(fresh[name])
            """
        return ByHand(lines(code), ("import copy",))


def _forget(model: Any) -> Any:
    from copy import deepcopy

    from tunewell.fit import anatomy

    # A stock head may come from the files too; what is new already stays, as ours does.
    known = anatomy.body(model) if hasattr(model, "pooling") else model
    random = dict(type(known)(deepcopy(known.config)).named_parameters())
    new = getattr(known, "fresh_head", frozenset())
    for name, p in known.named_parameters():
        if p.requires_grad and name not in new:
            p.data.copy_(random[name])
    return model

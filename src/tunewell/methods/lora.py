"""Low-rank updates beside frozen weight matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Lora(Schedule):
    """Low-rank adaptation: each weight matrix gets a small product added to it.

    What moves: two thin matrices beside every linear layer of the stack, and the head.
    Needs: `peft`. Costs: two thirds of `full` in time, a fraction of its memory for the
    optimizer, and an artefact of a few megabytes.
    Choose it: when one backbone serves many tasks, or `full` does not fit into memory.
    Neighbours: `head` leaves the body alone; `full` moves all of it.
    Source: arXiv 2106.09685; all linear layers as in QLoRA (arXiv 2305.14314).
    """

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "low-rank updates of every linear layer, and the head"
    rung: ClassVar[int] = 80
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 1e-3
    """Highest learning rate; about ten times that of `full`, as QLoRA and PEFT's own comparison
    found."""
    rank: int = 8
    """Rank of the update; trainable parameters grow with it."""
    alpha: int = 16
    """The update is scaled by alpha / rank."""

    def fit(self, job: Job) -> Predictor:
        """Train the low-rank updates and the head."""
        from tunewell.fit.loop import train

        return train(job, self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, lines

        stacks = anatomy.stacks(body)
        stack = " and ".join(stacks)
        within = tuple(f"{name}." for name in stacks)
        code = f"""
            def prepare(model):
                \"\"\"Low-rank updates beside linear layers of {stack}; the body stands still.\"\"\"
                linear = [
                    name
                    for name, module in model.body.named_modules()
                    if name.startswith({within!r}) and isinstance(module, (nn.Linear, Conv1D))
                ]
                config = LoraConfig(
                    r={self.rank},
                    lora_alpha={self.alpha},
                    lora_dropout={self.dropout},
                    target_modules=linear,
                    fan_in_fan_out={anatomy.transposed(body)},
                    task_type="FEATURE_EXTRACTION",
                )
                model.body = get_peft_model(model.body, config)
            """
        imports = ("from peft import LoraConfig, get_peft_model",)
        return ByHand(lines(code), (*imports, "from transformers.pytorch_utils import Conv1D"))

    def _add(self, model: Any) -> Any:
        from tunewell.fit.adapt import with_lora

        return with_lora(model, self.rank, self.alpha, self.dropout)

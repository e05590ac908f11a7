"""Learned scalings of keys, values and what the MLP's second matrix reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class IA3(Schedule):
    """Infused adapter by inhibiting and amplifying inner activations, (IA)³.

    What moves: one factor for each key, each value and each inner unit of the MLP in every layer
    (less than a thousandth of the body), and the head; where one matrix makes queries as well
    (GPT-2, ModernBERT), for these too. Needs: `peft`. Costs: somewhat less than `full` in time,
    next to nothing for the optimizer, and an artefact of some kilobytes.
    Choose it: when one backbone serves very many tasks.
    Neighbours: `bitfit` shifts instead of scaling; `lora` moves more and can do more.
    Source: arXiv 2205.05638.
    """

    name: ClassVar[str] = "ia3"
    summary: ClassVar[str] = "scalings of keys, values and MLP units, and the head"
    rung: ClassVar[int] = 62
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 1e-2
    """Highest learning rate; few parameters want a large one. On 240 short rows MiniLM did as well
    with 3e-2 and worse with 3e-3, the paper's for a far larger model."""

    def fit(self, job: Job) -> Predictor:
        """Train the scalings and the head."""
        from tunewell.fit.loop import train

        return train(job, self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, in_every_layer, lines
        from tunewell.fit.sublayers import sublayers

        found = sublayers(body)
        scaled = in_every_layer(body, found.keys_and_values)
        inner = in_every_layer(body, found.mlp_outputs)
        code = f"""
            def prepare(model):
                \"\"\"Factors for keys, values and inner units; the body stands still.\"\"\"
                scaled = {scaled}
                inner = {inner}
                config = IA3Config(
                    target_modules=[*scaled, *inner],
                    feedforward_modules=inner,
                    fan_in_fan_out={anatomy.transposed(body)},
                    task_type="FEATURE_EXTRACTION",
                )
                model.body = get_peft_model(model.body, config)
            """
        return ByHand(lines(code), ("from peft import IA3Config, get_peft_model",))

    def _add(self, model: Any) -> Any:
        from tunewell.fit import anatomy
        from tunewell.fit.adapt import peft, with_peft
        from tunewell.fit.sublayers import sublayers

        found = sublayers(anatomy.body(model))

        def config(linears: list[str], task_type: str) -> Any:
            scaled = [n for n in linears if n.endswith(found.keys_and_values)]
            inner = [n for n in linears if n.endswith(found.mlp_outputs)]
            return peft().IA3Config(
                target_modules=[*scaled, *inner], feedforward_modules=inner, task_type=task_type
            )

        return with_peft(model, config)

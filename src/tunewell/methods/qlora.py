"""Low-rank updates beside weight matrices that are kept in 4 or 8 bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tunewell.contracts import Job, Predictor
from tunewell.errors import NotApplicable, ResourceError
from tunewell.fit.schedule import Schedule

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Qlora(Schedule):
    """Low-rank adaptation of a backbone in few bits: an eighth or a quarter of its memory.

    Every linear layer of the stack is quantised and stands still; embeddings, norms, the output
    layers and all that is new stay in float32. Products are those of the float32 matrices that
    the codes stand for, so that merged weights answer as the adapter did.

    What moves: two thin matrices beside every linear layer of the stack, and the head.
    Needs: `peft` and `bitsandbytes` (`pip install 'tunewell[quantised]'`). Costs: a third more
    time than `lora`, as matrices are decoded in each pass, and what rounding loses. A Llama of
    91 million parameters took a peak of 1.16 GB against 1.48 GB, and 19 s against 14 s of the
    processor (24 rows of 64 tokens on a CPU). The artefact is as small; the backbone's own files
    are needed with it.
    Choose it: when the backbone does not fit into memory otherwise. Neighbours: `lora` is faster
    where there is room.
    Source: arXiv 2305.14314 (4 bits), 2208.07339 (8 bits).
    """

    name: ClassVar[str] = "qlora"
    summary: ClassVar[str] = "low-rank updates beside a backbone in 4 or 8 bits, and the head"
    rung: ClassVar[int] = 82
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 1e-3
    """Highest learning rate, as for `lora`."""
    bits: Literal[4, 8] = 4
    """4: NormalFloat with scales that are quantised as well, which loses about 9 % of a matrix;
    8: whole numbers with a scale a row, which lose less than 1 %."""
    rank: int = 8
    """Rank of the update; trainable parameters grow with it."""
    alpha: int = 16
    """The update is scaled by alpha / rank."""

    def fit(self, job: Job) -> Predictor:
        """Train the updates and the head; NotApplicable without bitsandbytes."""
        from tunewell.fit import quantised
        from tunewell.fit.loop import train

        try:
            quantised.require()
        except ResourceError as error:
            raise NotApplicable(f"{error.found} {error.remedy}") from None
        assert job.backbone is not None
        return train(replace(job, backbone=replace(job.backbone, bits=self.bits)), self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import anatomy
        from tunewell.fit.by_hand import ByHand, lines
        from tunewell.fit.quantised import QuantisedLinear

        within = tuple(f"{name}." for name in anatomy.stacks(body))
        code = f"""
            def prepare(model):
                \"\"\"Linear layers in {self.bits} bits stand still; updates beside them move.\"\"\"
                linear = [
                    name
                    for name, module in model.body.named_modules()
                    if name.startswith({within!r}) and isinstance(module, (nn.Linear, Conv1D))
                ]
                for name in linear:
                    layer = QuantisedLinear(model.body.get_submodule(name), {self.bits})
                    model.body.set_submodule(name, layer)
                config = LoraConfig(
                    r={self.rank},
                    lora_alpha={self.alpha},
                    lora_dropout={self.dropout},
                    target_modules=linear,
                    task_type="FEATURE_EXTRACTION",
                )
                model.body = get_peft_model(model.body, config)
            """
        imports = ("from peft import LoraConfig, get_peft_model",)
        imports += ("from transformers.pytorch_utils import Conv1D",)
        return ByHand(lines(code), imports, uses=(QuantisedLinear,))

    def _add(self, model: Any) -> Any:
        from tunewell.fit.adapt import with_lora

        return with_lora(model, self.rank, self.alpha, self.dropout)

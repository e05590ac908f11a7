"""Learned keys and values before the text, in every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule, refuse_below

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Prefix(Schedule):
    """Prefix tuning: in every layer the text also attends to keys and values that are learned.

    What moves: the keys and values of a few virtual tokens in each layer, and the head.
    Needs: `peft`, and a backbone whose attention takes keys from before the text (BERT's kin and
    decoders do). Costs: three quarters of `full` in time (more where texts are written, as the
    virtual tokens are then tokens of each row), next to nothing for the optimizer, and an artefact
    of some hundred kilobytes.
    Choose it: when one backbone serves many tasks at once: rows of different tasks can share a
    batch. Neighbours: `prompt_tuning` acts on the input alone; `lora` is surer to learn.
    Source: arXiv 2101.00190, without its network that writes the keys; for classification, and
    without one as well, arXiv 2110.07602.
    """

    name: ClassVar[str] = "prefix"
    summary: ClassVar[str] = "keys and values before the text in every layer, and the head"
    rung: ClassVar[int] = 66
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 2e-2
    """Highest learning rate; few parameters want a large one. On 240 short rows MiniLM did better
    with 3e-2 than with 1e-2; the second paper took 5e-3 to 1e-2."""
    tokens: int = 20
    """Virtual tokens in each layer; simple classification wants fewer than 20, says the second
    paper."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, tokens=self.tokens)

    def fit(self, job: Job) -> Predictor:
        """Train the keys, the values and the head; NotApplicable where none are taken."""
        from tunewell.fit.loop import train
        from tunewell.fit.virtual import leave_room

        return train(leave_room(job, self.tokens), self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit import virtual
        from tunewell.fit.by_hand import ByHand, lines

        sizes = ", ".join(f"{k}={v!r}" for k, v in virtual.sizes_before_layers(body).items())
        code = f"""
            def prepare(model):
                \"\"\"Keys and values before the text move in every layer, and the head.\"\"\"
                words = model.body.get_input_embeddings().num_embeddings
                drawn = torch.randint(words, ({self.tokens},)).unsqueeze(0)
                cache = DynamicCache()  # of words drawn at random, whose keys they begin as
                with torch.no_grad():
                    model.body.eval()(
                        input_ids=drawn,
                        attention_mask=torch.ones_like(drawn),
                        past_key_values=cache,
                    )
                pairs = [torch.stack([layer.keys[0], layer.values[0]]) for layer in cache.layers]
                start = torch.stack(pairs).permute(3, 0, 1, 2, 4).reshape({self.tokens}, -1)
                config = PrefixTuningConfig(
                    num_virtual_tokens={self.tokens},
                    {sizes},
                )
                model.body = get_peft_model(model.body, config)
                model.body.prompt_encoder["default"].embedding.weight.data.copy_(start)
            """
        imports = ("from peft import PrefixTuningConfig, get_peft_model",)
        return ByHand(lines(code), (*imports, "from transformers import DynamicCache"))

    def _add(self, model: Any) -> Any:
        from tunewell.fit.adapt import peft
        from tunewell.fit.virtual import before_layers

        def config(sizes: dict[str, Any]) -> Any:
            return peft().PrefixTuningConfig(num_virtual_tokens=self.tokens, **sizes)

        return before_layers(model, config)

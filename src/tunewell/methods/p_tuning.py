"""Learned input embeddings before the text, written by a small network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule, refuse_below

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class PTuning(Schedule):
    """P-tuning: virtual tokens before each text that a small network writes while it is trained.

    What moves: the network and what it reads, and the head; what is kept are the embeddings that
    it writes in the end. Needs: `peft`, and room in the window. Costs: as much as
    `full` in time (more where texts are short, as virtual tokens are tokens), and an artefact of
    some kilobytes.
    Choose it: where `prompt_tuning` does not get off the ground; the network makes its virtual
    tokens move together. Neighbours: `prompt_tuning` learns them one by one; `prefix` reaches
    every layer.
    Source: arXiv 2103.10385.
    """

    name: ClassVar[str] = "p_tuning"
    summary: ClassVar[str] = "input embeddings that a small network writes, and the head"
    rung: ClassVar[int] = 72
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 5e-3
    """Highest learning rate; less than for `prompt_tuning`, as the network amplifies it. On 240
    short rows MiniLM did better with 9e-3 and 3e-3 than with 1e-3."""
    tokens: int = 20
    """Virtual tokens, as many as `prompt_tuning` has."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, tokens=self.tokens)

    def fit(self, job: Job) -> Predictor:
        """Train the network and the head."""
        from tunewell.fit.loop import train
        from tunewell.fit.virtual import leave_room

        return train(leave_room(job, self.tokens), self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import before_text

        return before_text(
            body,
            "PromptEncoderConfig",
            self.tokens,
            encoder_hidden_size=body.get_input_embeddings().embedding_dim,
        )

    def _add(self, model: Any) -> Any:
        from tunewell.fit.adapt import peft
        from tunewell.fit.virtual import before_text

        def config(sizes: dict[str, Any]) -> Any:
            return peft().PromptEncoderConfig(
                num_virtual_tokens=self.tokens, encoder_hidden_size=sizes["token_dim"], **sizes
            )

        return before_text(model, config)

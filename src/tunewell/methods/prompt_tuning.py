"""Learned input embeddings before the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Job, Predictor
from tunewell.fit.schedule import Schedule, refuse_below

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class PromptTuning(Schedule):
    """Prompt tuning: words that nobody can read, learned and put before each text.

    What moves: the input embeddings of a few virtual tokens, and the head. Needs: `peft`,
    and room in the window. Costs: as much as `full` in time (more where texts are short, as
    virtual tokens are tokens), next to nothing for the optimizer, and an artefact of some
    kilobytes.
    Choose it: with large backbones that serve very many tasks; small ones gain little from it.
    Neighbours: `p_tuning` learns the same through a small network; `prefix` reaches every layer.
    Source: arXiv 2104.08691.
    """

    name: ClassVar[str] = "prompt_tuning"
    summary: ClassVar[str] = "input embeddings before the text, and the head"
    rung: ClassVar[int] = 70
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[None] = None

    learning_rate: float = 1e-2
    """Highest learning rate; few parameters want a large one. MiniLM learns little with any (0.3
    in the paper, with an optimizer that scales it down)."""
    tokens: int = 20
    """Virtual tokens; the paper found little gain beyond 20."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        super().__post_init__()
        refuse_below(1, tokens=self.tokens)

    def fit(self, job: Job) -> Predictor:
        """Train the virtual tokens and the head."""
        from tunewell.fit.loop import train
        from tunewell.fit.virtual import leave_room

        return train(leave_room(job, self.tokens), self._add, self)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import before_text

        return before_text(
            body,
            "PromptTuningConfig",
            self.tokens,
            prompt_tuning_init="SAMPLE_VOCAB",
        )

    def _add(self, model: Any) -> Any:
        from tunewell.fit.adapt import peft
        from tunewell.fit.virtual import before_text

        def config(sizes: dict[str, Any]) -> Any:
            return peft().PromptTuningConfig(
                num_virtual_tokens=self.tokens, prompt_tuning_init="SAMPLE_VOCAB", **sizes
            )

        return before_text(model, config)

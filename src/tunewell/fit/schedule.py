"""The options that every method that trains shares, and the course of the learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from tunewell.contracts import Predictor
from tunewell.errors import ConfigError
from tunewell.values import Backbone, Machine

RATE_TIMES_WIDTH = 0.0768
"""The highest learning rate of all weights times a model's width.

A decoder 224 wide came to 2.24 bits per byte of quotations with 3e-4 and to 2.47 with 1e-4, MiniLM
(384) to a macro F1 of 0.62 on finance topics with 2e-4 and of 0.54 with 1e-4.
"""


@lru_cache(maxsize=8)
def rate_for(backbone: Backbone) -> float:
    """The highest learning rate at which all of a backbone moves; the narrower, the higher."""
    from tunewell.fit.backbones import load_config

    width = load_config(backbone).get_text_config().hidden_size
    return float(f"{RATE_TIMES_WIDTH / width:.1e}")


def settled_on(method: Any, backbone: Backbone | None) -> Any:
    """A method with what it leaves to the backbone chosen."""
    local = backbone is not None and backbone.endpoint is None
    return method.settled(backbone) if local and hasattr(method, "settled") else method


def chosen_rates(
    methods: Mapping[str, Any], backbone: Backbone | None
) -> dict[str, tuple[float, str]]:
    """Learning rates of a run's methods on a backbone by their options' names, and why these."""
    return {
        f"{name}.learning_rate": (
            settled_on(method, backbone).learning_rate,
            "by the backbone's width",
        )
        for name, method in methods.items()
        if isinstance(method, Schedule)
    }


def refuse_below(least: float, **options: float) -> None:
    """Raise a ConfigError that names the first option which is less than that."""
    for name, value in options.items():
        if value < least:
            raise ConfigError(f"{name} is {value}.", f"{least:g} or more is expected.")


@dataclass(frozen=True)
class Schedule:
    """How a model is trained; each method has its own defaults for these."""

    learning_rate: float | None = None
    """Highest learning rate of AdamW; it warms up to it and falls linearly to 0 from there. Not
    given: 0.0768 divided by the numbers that a token is to the backbone, 1e-4 where these are 768,
    as ELECTRA's sizes are tuned (arXiv 2003.10555, appendix B; 1/width is that of arXiv
    2203.03466). A third of it and three times it are among the trials."""
    epochs: int = 8
    """Times that every training row is seen, unless validation stops getting better before."""
    batch_size: int = 16
    """Rows per step of the optimizer, however many fit into memory at once."""
    warmup: float = 0.1
    """Share of all steps in which the learning rate rises from 0 (arXiv 1810.04805)."""
    weight_decay: float = 0.01
    """AdamW's decay, on weight matrices only (arXiv 1711.05101)."""
    dropout: float = 0.1
    """Dropout of hidden units and before the head; attention dropout is off, as it costs the
    fused kernel."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        for name, value, most in (("warmup", self.warmup, 1.0), ("dropout", self.dropout, 0.9)):
            if not 0.0 <= value <= most:
                raise ConfigError(f"{name} is {value}.", f"A share from 0 to {most} is expected.")
        for name in ("learning_rate", "epochs", "batch_size"):
            given = getattr(self, name)
            if given is not None and given <= 0:
                raise ConfigError(f"{name} is {given}.", "More than 0 is expected.")

    def settled(self, backbone: Backbone) -> Self:
        """With the learning rate that is chosen for a backbone where none is given."""
        if self.learning_rate is not None:
            return self
        return replace(self, learning_rate=rate_for(backbone))

    def grid(self) -> tuple[Self, ...]:
        """A fair start: the learning rate, a third of it, and three times it; once settled."""
        if self.learning_rate is None:
            return (self,)
        return tuple(
            replace(self, learning_rate=rate)
            for rate in (self.learning_rate, self.learning_rate / 3, self.learning_rate * 3)
        )

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that a method of these options made and saved."""
        from tunewell.fit.trained import load_trained

        return load_trained(folder, machine)

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of a step counted from 0, out of `steps`.

        As `get_linear_schedule_with_warmup` of transformers, but a step ahead in the warm-up:
        theirs begins with a step at rate 0, which moves nothing.

        >>> Schedule(learning_rate=1.0, warmup=0.5).rate_at(0, 4)
        0.5
        """
        assert self.learning_rate is not None
        warm = round(self.warmup * steps)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (steps - step) / max(1, steps - warm)

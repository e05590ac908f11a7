"""What a run is asked to do, and what it tells while it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tunewell.endpoint import PREFIX
from tunewell.errors import ConfigError
from tunewell.read import Source


@dataclass(frozen=True)
class RunOptions(Source):
    """What a comparison is asked to do."""

    methods: tuple[str, ...] | None = None
    """Ways of adapting the model, separated by commas; all of them unless given."""
    backbone: tuple[str, ...] | None = None
    """Pretrained models, separated by commas: a Hub name, a folder, an earlier run, or
    openai:MODEL for one that is asked over HTTP."""
    metric: str | None = None
    """What decides; the task's own choice unless given, such as macro F1 where classes are
    unequal, and accuracy elsewhere."""
    budget: str = "30m"
    """Time for everything, such as 90s, 15m or 2h."""
    memory: str | None = None
    """Memory that a trial may take, such as 8GB; what is free unless given."""
    trials: int = 3
    """Settings tried for each method on validation, from its own small grid."""
    seeds: int = 1
    """Times that the picked setting is fitted, each with another seed."""
    seed: int = 0
    """Decides the split, new heads and the order of rows."""
    max_length: int | None = None
    """Tokens a text may have; longer ones are cut. The backbone's own figure unless given."""
    pooling: Literal["mean", "cls", "last"] | None = None
    """How a text's token vectors become one; as the backbone was made for unless given."""
    base_url: str | None = None
    """Where openai:MODEL is asked: any server that speaks OpenAI's language, such as
    http://localhost:8000/v1. Not given: the one in OPENAI_BASE_URL, else OpenAI's own. The key is
    that in OPENAI_API_KEY."""
    max_tokens_spent: int | None = None
    """Tokens that may be read and written at an endpoint by all trials together; a request that
    might pass it is not sent. Not given: a million."""
    max_money_spent: float | None = None
    """The same in money, by the prices of price_per_million."""
    price_per_million: tuple[float, ...] | None = None
    """What an endpoint takes for a million tokens read, and for a million written: 0.15,0.60."""
    replies: Literal["kept", "new"] = "kept"
    """Replies of an endpoint that this machine has kept, for at most 30 days: kept, they are used
    again where the same is asked; new, all is asked anew."""
    device: str | None = None
    """Where to compute, such as cpu or cuda; a GPU where there is one unless given."""
    dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of products; bfloat16 where the processor has it unless given."""
    prefer: Literal["training", "prediction", "memory", "size"] = "training"
    """What cheap means: seconds to train, milliseconds to predict, peak memory, or size on disk."""
    margin: float = 0.02
    """Loss against the best that the recommended method may have at its worst, 0 to 1."""
    general_text: str | None = None
    """A text of another kind (.txt or .md), of which is told how much harder a tuned model finds it
    than its backbone does; one that comes with Tunewell unless given."""
    texts: tuple[str, ...] | None = None
    """Texts without labels, of the kind that the rows are of, for methods that read on before they
    learn (domain_adapt): files, tables with a column called text, folders, separated by commas.
    Texts of test rows are left out."""
    track: str | None = None
    """Where each trial's curves go besides: a tracker of accelerate's, such as tensorboard."""
    out: str | None = None
    """The run's folder. Not given: runs/ and the name of the data, for fit with the method's:
    runs/reviews-lora."""

    def __post_init__(self) -> None:
        """Refuse what no comparison can be run with."""
        for name in ("rows", "test_rows", "trials", "seeds", "max_length"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is {value}.", "1 or more is expected.")
        if not 0 <= self.margin <= 1:
            expected = "A share from 0 to 1 is expected: 0.02 is two points."
            raise ConfigError(f"margin is {self.margin:g}.", expected)
        for name in ("max_tokens_spent", "max_money_spent"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} is {value}.", "0 or more is expected.")
        if min(self.price_per_million or (0.0,)) < 0:
            raise ConfigError("price_per_million has a price below 0.", "0 or more is expected.")
        names = ("base_url", "max_tokens_spent", "max_money_spent", "price_per_million")
        given = [name for name in names if getattr(self, name) is not None]
        if self.replies == "new":
            given.append("replies")
        if given and not any(each.startswith(PREFIX) for each in self.backbone or ()):
            expected = f"It is for a model that is asked over HTTP: --backbone {PREFIX}MODEL."
            raise ConfigError(f"{given[0]} does nothing here.", expected)


@dataclass(frozen=True)
class Event:
    """What a watcher is told."""

    kind: Literal["message", "start", "progress", "done"]
    message: str = ""
    """A plain sentence, or the trial's name such as `lora, trial 2 of 3`."""
    done: float = 0.0
    """0 to 1, of the whole run."""
    seconds_left: float | None = None
    metric: str = ""
    score: float | None = None
    """The deciding metric on validation so far."""
    percent: bool = True
    """Whether the score is a share, to be shown in per cent."""


Watch = Callable[[Event], None]


def silent(event: Event) -> None:
    """A watcher that does nothing."""

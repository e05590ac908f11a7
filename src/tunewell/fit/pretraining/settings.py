"""What a pre-training is asked to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tunewell.errors import ConfigError

Objective = Literal["causal", "masked"]
UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
LEAST, MOST = 10_000, 10_000_000_000


@dataclass(frozen=True)
class PretrainOptions:
    """What a pre-training is asked to do; one dial, size or minutes, sets the rest."""

    data: tuple[str, ...]
    """Texts to read: files of text (.txt, .md), tables with a column called text (.jsonl, .csv,
    .parquet and others), folders of them; also with .gz or .xz."""
    objective: Objective | None = None
    """What is learnt: causal, the next word, for models that write; masked, hidden words, for
    models that read. Not given: causal; with a backbone, what that was trained for."""
    size: str | None = None
    """Parameters of a new model, such as 300k, 10m or 1.5b. Not given: as many as the minutes
    are enough for."""
    minutes: float | None = None
    """Minutes of training. Not given: twenty tokens a parameter; with a backbone, all texts once.
    """
    backbone: str | None = None
    """A model that reads on instead of a new one: a Hub name, a folder, or an earlier run."""
    validation: tuple[str, ...] | None = None
    """Files and folders of texts to measure on, separated by commas. Not given: some of the
    documents."""
    seed: int = 0
    """Decides first weights, what is kept apart, hidden words and the order of texts."""
    device: str | None = None
    """Where to compute, such as cpu or cuda; a GPU where there is one unless given."""
    dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of products; bfloat16 where the processor has it unless given."""
    out: str | None = None
    """The model's folder. Not given: runs/ and the name of the first text, with -pretrained."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained, and two dials where one would do nothing."""
        if self.minutes is not None and self.minutes <= 0:
            raise ConfigError(f"minutes is {self.minutes:g}.", "More than 0 is expected.")
        if self.size is not None:
            parse_size(self.size)
        if self.backbone is not None and self.size is not None:
            raise ConfigError(
                f"size {self.size!r} is given with a backbone.",
                f"{self.backbone} has the size that it has.",
                "Leave out one of the two.",
            )
        if self.backbone is None and self.size is None and self.minutes is None:
            raise ConfigError(
                "Neither a size nor minutes are given.",
                "One of them is expected: it sets the rest.",
                "Say --size 10m, --minutes 30, or both: that size for that long.",
            )

    @property
    def parameters(self) -> int | None:
        """The size as a number."""
        return None if self.size is None else parse_size(self.size)

    @property
    def folder(self) -> Path:
        """Where the model is kept."""
        if self.out is not None:
            return Path(self.out)
        name = Path(self.data[0]).resolve().name.split(".")[0]
        return Path("runs") / f"{name or 'text'}-pretrained"


def parse_size(text: str) -> int:
    """Parameters in a text such as `300k`, `10m` or `1.5b`.

    >>> parse_size("1.5M")
    1500000
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmb]?)", text.strip().lower())
    size = round(float(found[1]) * UNITS[found[2]]) if found else 0
    if not LEAST <= size <= MOST:
        raise ConfigError(
            f"size is {text!r}.", "A number from 10k to 10b is expected, such as 300k, 10m or 1.5b."
        )
    return size

"""What an index of documents is asked to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tunewell.endpoint import PREFIX
from tunewell.errors import ConfigError


@dataclass(frozen=True)
class IndexOptions:
    """How documents are read into an index."""

    data: str
    """A folder of documents, or one document."""
    backbone: str | None = None
    """The model that makes vectors of texts: a Hub name or a folder. Not given: that of the index,
    for a new one a small sentence encoder for English."""
    passage_tokens: int | None = None
    """Tokens that a passage may have. Not given: that of the index, for a new one three quarters
    of what the backbone reads at once, and at most 192."""
    device: str | None = None
    """Where to compute, such as cpu or cuda; a GPU where there is one unless given."""
    dtype: Literal["float32", "bfloat16"] | None = None
    """Precision of products; bfloat16 where the processor has it unless given."""
    out: str | None = None
    """The folder of the index. Not given: runs/ and the name of the documents' folder."""

    @property
    def folder(self) -> Path:
        """Where the index is kept."""
        return Path(self.out or Path("runs") / (Path(self.data).resolve().stem or "documents"))


@dataclass(frozen=True)
class AskOptions:
    """How passages are looked for."""

    passages: int = 5
    """How many passages to show."""
    by: Literal["both", "vectors", "words"] = "both"
    """What a passage is found by: the nearness of its vector, its words, or both together."""
    files: str | None = None
    """Look only into files whose names match, such as 'policies/*.md'."""
    backbone: str | None = None
    """A model that writes an answer from the passages: a folder, an earlier run, a Hub name, or
    openai:MODEL for one that is asked over HTTP. Not given: the passages alone."""
    base_url: str | None = None
    """Where openai:MODEL is asked. Not given: the server in OPENAI_BASE_URL, else OpenAI's own.
    The key is that in OPENAI_API_KEY."""
    replies: Literal["kept", "new"] = "kept"
    """Whether a reply of openai:MODEL that this machine has kept, for at most 30 days, will do
    where the same is asked again."""

    def __post_init__(self) -> None:
        """Refuse what nobody can read."""
        if not 1 <= self.passages <= 100:
            raise ConfigError(f"passages is {self.passages}.", "1 to 100 is expected.")
        given = {"base_url": self.base_url is not None, "replies": self.replies == "new"}
        idle = [name for name, typed in given.items() if typed]
        if idle and not (self.backbone or "").startswith(PREFIX):
            expected = f"It is for a model that is asked over HTTP: --backbone {PREFIX}MODEL."
            raise ConfigError(f"{idle[0]} does nothing here.", expected)

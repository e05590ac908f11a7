"""What goes over the wire: bodies and answers; embeddings and models as OpenAI's API has them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

STRICT = {"extra": "forbid"}
"""A field that there is not is an error, never passed over."""


@dataclass(frozen=True)
class Ask:
    """Inputs to be answered."""

    __pydantic_config__: ClassVar[Any] = STRICT

    inputs: list[Any]
    """As the rows that the model was fitted to had them: for most tasks a text each."""
    model: str | None = None
    """The name of a run; not needed where one alone is served."""


@dataclass(frozen=True)
class OneAnswer:
    """What a model says to one input."""

    answer: Any
    """None where it gave no usable answer; pieces of a text come with their offsets."""
    confidence: float | None
    """0 to 1; None where the method has no notion of it."""
    scores: dict[str, float] | None
    """Each label's probability, for tasks with labels."""


@dataclass(frozen=True)
class Answers:
    """One answer an input, in order."""

    model: str
    answers: list[OneAnswer]


@dataclass(frozen=True)
class EmbedAsk:
    """Texts to be turned into vectors."""

    __pydantic_config__: ClassVar[Any] = STRICT

    input: str | list[str]
    model: str
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None
    """Who asks at the client's end; it changes nothing."""


@dataclass(frozen=True)
class Embedding:
    """One text's vector, of length 1."""

    index: int
    embedding: list[float] | str
    """Numbers, or their little-endian float32 in base64."""
    object: Literal["embedding"] = "embedding"


@dataclass(frozen=True)
class Usage:
    """Tokens that were read."""

    prompt_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Embeddings:
    """One vector a text, in order."""

    model: str
    data: list[Embedding]
    usage: Usage
    object: Literal["list"] = "list"


@dataclass(frozen=True)
class Model:
    """A model that is served."""

    id: str
    created: int
    """Seconds since 1970."""
    task: str
    object: Literal["model"] = "model"
    owned_by: str = "tunewell"


@dataclass(frozen=True)
class Models:
    """All models that are served."""

    data: list[Model]
    object: Literal["list"] = "list"


@dataclass(frozen=True)
class Health:
    """Whether the server answers."""

    status: Literal["ok", "closing"]
    models: list[str] = field(default_factory=list)


def encoded(vector: Any, form: str) -> list[float] | str:
    """A vector (hidden,) as numbers, or as base64 of its float32."""
    if form == "float":
        return vector.tolist()
    return base64.b64encode(vector.numpy().astype("<f4").tobytes()).decode()

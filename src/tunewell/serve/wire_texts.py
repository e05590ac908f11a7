"""Conversations and texts over the wire, as OpenAI's API has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tunewell.fit.talking import End
from tunewell.serve.wire import STRICT


@dataclass(frozen=True)
class TextPart:
    """A piece of what is said; pictures and sounds are not read."""

    __pydantic_config__: ClassVar[Any] = STRICT

    text: str
    type: Literal["text"]


@dataclass(frozen=True)
class Message:
    """What somebody says."""

    __pydantic_config__: ClassVar[Any] = STRICT

    role: Literal["system", "developer", "user", "assistant"]
    """`developer` is another name of `system`."""
    content: str | list[TextPart]


@dataclass(frozen=True)
class StreamOptions:
    """What comes with a stream."""

    __pydantic_config__: ClassVar[Any] = STRICT

    include_usage: bool = False
    """Whether the counts of tokens come at its end."""


@dataclass(frozen=True, kw_only=True)
class TextAsk:
    """What both kinds of request have in common; a null is as if it were not there."""

    __pydantic_config__: ClassVar[Any] = STRICT

    model: str | None = None
    """The name of a run; not needed where one alone is served."""
    max_tokens: int | None = None
    """Most tokens of an answer; without it as many as the model has learnt to give."""
    temperature: float | None = None
    """0 to 2; without it 0, the likeliest token each time, as the model was measured."""
    top_p: float | None = None
    """Above 0, to 1: only the likeliest tokens, with this probability together, are drawn."""
    seed: int | None = None
    """Equal ones give equal texts, on the same machine with the same model."""
    n: int | None = None
    """Answers to be written."""
    stop: str | list[str] | None = None
    """Texts before which an answer ends."""
    stream: bool | None = None
    """Whether it is sent while it is written, as server-sent events."""
    stream_options: StreamOptions | None = None
    user: str | None = None
    """Who asks at the client's end; it changes nothing."""


@dataclass(frozen=True, kw_only=True)
class ChatAsk(TextAsk):
    """A conversation that the assistant is to go on with."""

    messages: list[Message]
    max_completion_tokens: int | None = None
    """The newer name of max_tokens."""
    logprobs: bool | None = None
    """Whether each token comes with the logarithm of its probability."""
    top_logprobs: int | None = None
    """So many of the likeliest tokens beside each."""


@dataclass(frozen=True, kw_only=True)
class CompletionAsk(TextAsk):
    """A text, or several, that the model is to go on with."""

    prompt: str | list[str]
    logprobs: int | None = None
    """So many of the likeliest tokens beside each, with the logarithms of their probabilities."""


@dataclass(frozen=True)
class Usage:
    """Tokens that were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Likely:
    """A token that might have stood there."""

    token: str
    logprob: float
    bytes: list[int] | None
    """None where it is a part of a character."""


@dataclass(frozen=True)
class LikelyToken(Likely):
    """A token that was written, with others that might have stood there."""

    top_logprobs: list[Likely]


@dataclass(frozen=True)
class ChatLogprobs:
    """The tokens of an answer."""

    content: list[LikelyToken]


@dataclass(frozen=True)
class Reply:
    """What the assistant says."""

    content: str
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True)
class ChatChoice:
    """One answer to a conversation."""

    index: int
    message: Reply
    finish_reason: End
    logprobs: ChatLogprobs | None


@dataclass(frozen=True)
class Chat:
    """The answers to a conversation."""

    id: str
    created: int
    """Seconds since 1970."""
    model: str
    choices: list[ChatChoice]
    usage: Usage
    object: Literal["chat.completion"] = "chat.completion"


@dataclass(frozen=True)
class TextLogprobs:
    """The tokens of a text, side by side."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]
    """Where each begins, in characters."""


@dataclass(frozen=True)
class TextChoice:
    """One text that follows."""

    index: int
    text: str
    finish_reason: End
    logprobs: TextLogprobs | None


@dataclass(frozen=True)
class Completion:
    """What follows the given texts."""

    id: str
    created: int
    """Seconds since 1970."""
    model: str
    choices: list[TextChoice]
    usage: Usage
    object: Literal["text_completion"] = "text_completion"

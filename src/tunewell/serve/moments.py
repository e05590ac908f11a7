"""What a client asks of a model that writes, bounded; and what is written, moment by moment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tunewell.errors import ConfigError
from tunewell.fit.sampling import Draw
from tunewell.fit.talking import Said, Talk, Wish, begin, can_talk
from tunewell.fit.together import Batch, Member, joined, step
from tunewell.fit.turns import Asked, Message
from tunewell.serve.models import Served, refuse_unwritable
from tunewell.serve.wire_texts import ChatAsk, CompletionAsk
from tunewell.serve.wire_texts import Message as Sent

SECONDS = 0.05
"""About how long a moment is: others are answered between two, and a stream goes on so often."""
MOST_ROWS = 16
"""Texts that are written at once for one client who asks for more."""
MOST_ANSWERS = 8
MOST_STOPS = 4
MOST_STOP_CHARACTERS = 200
MOST_LIKELIEST_OF_CHAT, MOST_LIKELIEST_OF_TEXT = 20, 5
"""As OpenAI's API has them."""


class Moment(NamedTuple):
    """What has become known since the one before."""

    read: int
    """Tokens of what was asked, in the first one; then 0."""
    said: list[Said]


@dataclass(eq=False)
class Asker:
    """What one client has asked, and what is being written of it."""

    waiting: list[tuple[int, Talk]]
    """Answers that have not begun, each with the number of its first text."""
    read: int
    """Tokens of what was asked, until they are told."""
    writing: dict[Member, tuple[int, Talk]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    found: list[Said] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be written."""
        return not self.waiting and not self.writing

    def go_on(self) -> None:
        """Begin one answer more, if there is room for it."""
        rows = sum(member.count for member in self.writing)
        if not self.waiting or (rows and rows + self.waiting[0][1].wish.count > MOST_ROWS):
            return
        first, talk = self.waiting[0]
        batch = talk.begun()
        del self.waiting[0]
        self.writing |= dict.fromkeys(batch.members, (first, talk))
        self.batches.append(batch)

    def hear(self) -> None:
        """Take what has been written; RuntimeError where it cannot go on."""
        for member, (first, talk) in list(self.writing.items()):
            if member.failed:
                raise RuntimeError("what was computed together with it has failed")
            for tokens in member.written:
                self.found += [s._replace(answer=s.answer + first) for s in talk.hear(tokens)]
            member.written.clear()
            if talk.ended:
                member.gone = True
                del self.writing[member]

    def moment(self) -> Moment | None:
        """What has become known; None where all has been told."""
        if self.over and not self.found:
            return None
        told = Moment(self.read, self.found)
        self.read, self.found = 0, []
        return told

    def leave(self) -> None:
        """Nobody waits for it any more."""
        for member in list(self.writing):  # the computing thread may be at it
            member.gone = True


@dataclass(frozen=True)
class Desk:
    """Where one model writes, for all who ask it at the time, in one batch as far as may be.

    All of it is computed on the thread that calls.
    """

    model: Served
    most_tokens: int
    """Of a conversation and its answer together."""

    def begin(self, asked: Sequence[Asked], wish: Wish) -> Asker:
        """Answers to each of several questions; those to the first are numbered first."""
        talks = [begin(self.model.predictor, each, wish, self.most_tokens) for each in asked]
        numbered = [(number * wish.count, talk) for number, talk in enumerate(talks)]
        return Asker(numbered, sum(talk.prompt_tokens for talk in talks))

    def moments(self, askers: Sequence[Asker]) -> list[Moment | None]:
        """What becomes known in a moment for each of these; None for one who knows all."""
        ends = time.perf_counter() + SECONDS
        while not all(asker.over for asker in askers):
            for asker in askers:
                asker.go_on()
            under_way = [batch.now() for asker in askers for batch in asker.batches]
            batches = joined([batch for batch in dict.fromkeys(under_way) if batch.members])
            for batch in batches:
                step(batch)
            for asker in askers:
                asker.hear()
                mine = dict.fromkeys(batch.now() for batch in asker.batches)
                asker.batches = [batch for batch in mine if batch.members]
            if time.perf_counter() >= ends:
                break
        return [asker.moment() for asker in askers]


def writer(model: Served) -> Served:
    """The same model.

    Raises:
        ConfigError: it writes no texts.
    """
    if not can_talk(model.predictor):
        raise ConfigError(
            f"The model {model.name!r} cannot be talked with.",
            f"It answers what it was fitted to: {model.predictor.task.summary}.",
            "Ask it with POST /v1/predict.",
        )
    return model


def conversation(messages: Sequence[Sent]) -> tuple[Message, ...]:
    """Messages as chat templates read them.

    Raises:
        ConfigError: there are none.
        DataError: one cannot be written.
    """
    if not messages:
        raise ConfigError("There are no messages.", "One of the user at least is expected.")
    found = []
    for place, sent in enumerate(messages, start=1):
        text = sent.content
        text = text if isinstance(text, str) else "".join(part.text for part in text)
        refuse_unwritable(text, f"message {place}")
        role = "system" if sent.role == "developer" else sent.role
        found.append({"role": role, "content": text})
    return tuple(found)


def prompts(given: str | list[str], count: int, most: int) -> list[str]:
    """The texts to be gone on with, each by so many answers.

    Raises:
        ConfigError: there are none, or too many.
        DataError: one cannot be written.
    """
    texts = [given] if isinstance(given, str) else given
    _within("the number of prompts times n", len(texts) * count, 1, most)
    for place, text in enumerate(texts, start=1):
        refuse_unwritable(text, f"prompt {place}")
    return texts


def chat_wish(ask: ChatAsk) -> Wish:
    """What is wished for an answer; a ConfigError for what is out of bounds."""
    if ask.top_logprobs is not None and not ask.logprobs:
        raise ConfigError("top_logprobs is given without logprobs.", "", "Set logprobs to true.")
    told = _within("top_logprobs", ask.top_logprobs or 0, 0, MOST_LIKELIEST_OF_CHAT)
    if ask.max_tokens is not None and ask.max_completion_tokens is not None:
        raise ConfigError("max_tokens and max_completion_tokens are both given.", "One is enough.")
    most = ask.max_tokens if ask.max_completion_tokens is None else ask.max_completion_tokens
    return _wish(ask, most, told)


def completion_wish(ask: CompletionAsk) -> Wish:
    """The same for what follows a text."""
    told = _within("logprobs", ask.logprobs or 0, 0, MOST_LIKELIEST_OF_TEXT)
    return _wish(ask, ask.max_tokens, told)


def _wish(ask: ChatAsk | CompletionAsk, most: int | None, told: int) -> Wish:
    if ask.stream_options is not None and not ask.stream:
        raise ConfigError("stream_options are given without stream.", "", "Set stream to true.")
    stop = [ask.stop] if isinstance(ask.stop, str) else ask.stop or []
    _within("the number of stop texts", len(stop), 0, MOST_STOPS)
    for text in stop:
        _within("the length of a stop text", len(text), 1, MOST_STOP_CHARACTERS)
    draw = Draw(
        temperature=0.0 if ask.temperature is None else ask.temperature,
        top_p=1.0 if ask.top_p is None else ask.top_p,
        seed=ask.seed,
        told=told,
    )
    count = 1 if ask.n is None else ask.n
    return Wish(most, _within("n", count, 1, MOST_ANSWERS), tuple(stop), draw)


def _within(name: str, value: int, low: int, high: int) -> int:
    """The value; a ConfigError where it is not within bounds."""
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}.", f"{low} to {high} is expected.")
    return value

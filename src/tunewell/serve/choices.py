"""What was said as OpenAI's API writes it: as whole choices, and as pieces of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from tunewell.fit.talking import HALF, End, Said, Word
from tunewell.serve import wire_texts as wire
from tunewell.serve.moments import Moment
from tunewell.values import to_json

Delta = Callable[[list[Said]], list[dict[str, Any]]]


@dataclass
class Written:
    """One answer, or a piece of one."""

    number: int
    text: str = ""
    words: list[Word] = field(default_factory=list)
    end: End | None = None

    def add(self, said: Said) -> None:
        """What is new of it."""
        self.text += said.text
        self.words += [said.word] if said.word is not None else []
        self.end = said.end or self.end


@dataclass
class Collected:
    """All that was read and written so far."""

    read: int = 0
    written: dict[int, Written] = field(default_factory=dict)

    def add(self, moment: Moment) -> None:
        """What has become known."""
        self.read += moment.read
        for said in moment.said:
            self.written.setdefault(said.answer, Written(said.answer)).add(said)

    @property
    def answers(self) -> list[Written]:
        """In their order."""
        return [self.written[number] for number in sorted(self.written)]

    @property
    def usage(self) -> wire.Usage:
        """Counts of tokens; those that end a text are not counted."""
        new = sum(len(each.words) for each in self.answers)
        return wire.Usage(self.read, new, self.read + new)


def chat_choice(written: Written, logprobs: bool) -> wire.ChatChoice:
    """A whole answer to a conversation."""
    known = chat_logprobs(written.words) if logprobs else None
    return wire.ChatChoice(written.number, wire.Reply(written.text), _end(written), known)


def text_choice(written: Written, logprobs: bool) -> wire.TextChoice:
    """A whole text that follows."""
    known = text_logprobs(written.words, 0) if logprobs else None
    return wire.TextChoice(written.number, written.text, _end(written), known)


def chat_delta(logprobs: bool) -> Delta:
    """Makes the choices of a stream's pieces; the first of each answer says who speaks."""
    begun: set[int] = set()

    def make(said: list[Said]) -> list[dict[str, Any]]:
        found = []
        for piece in _pieces(said):
            delta: dict[str, Any] = {"content": piece.text} if piece.text else {}
            if piece.number not in begun:
                delta = {"role": "assistant", "content": piece.text}
                begun.add(piece.number)
            known = to_json(chat_logprobs(piece.words)) if logprobs else None
            if delta or piece.end or (known and known["content"]):
                choice = {"index": piece.number, "delta": delta}
                found.append({**choice, "logprobs": known, "finish_reason": piece.end})
        return found

    return make


def text_delta(logprobs: bool) -> Delta:
    """Makes the choices of a stream's pieces."""
    offsets: dict[int, int] = {}

    def make(said: list[Said]) -> list[dict[str, Any]]:
        found = []
        for piece in _pieces(said):
            known = None
            if logprobs:
                first = offsets.get(piece.number, 0)
                known = to_json(text_logprobs(piece.words, first))
                offsets[piece.number] = first + sum(len(word.text) for word in piece.words)
            if piece.text or piece.end or (known and known["tokens"]):
                choice = {"index": piece.number, "text": piece.text}
                found.append({**choice, "logprobs": known, "finish_reason": piece.end})
        return found

    return make


def chat_logprobs(words: Sequence[Word]) -> wire.ChatLogprobs:
    """Tokens one after the other, each with its likeliest."""
    return wire.ChatLogprobs(
        [
            wire.LikelyToken(
                word.text,
                word.logprob,
                _bytes(word.text),
                [wire.Likely(text, p, _bytes(text)) for text, p in word.likeliest],
            )
            for word in words
        ]
    )


def text_logprobs(words: Sequence[Word], first: int) -> wire.TextLogprobs:
    """Tokens side by side; the first of them begins at character `first`."""
    texts = [word.text for word in words]
    offsets = list(accumulate(map(len, texts), initial=first))[:-1]
    best = [dict(word.likeliest) for word in words]
    return wire.TextLogprobs(texts, [word.logprob for word in words], best, offsets)


def _bytes(text: str) -> list[int] | None:
    """None where the token is only a part of a character."""
    return None if HALF in text else list(text.encode())


def _pieces(said: Sequence[Said]) -> list[Written]:
    collected = Collected()
    collected.add(Moment(0, list(said)))
    return collected.answers


def _end(written: Written) -> End:
    assert written.end is not None
    return written.end

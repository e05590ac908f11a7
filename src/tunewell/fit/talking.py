"""A fitted model that writes, asked anything in its own chat template and heard while it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from tunewell.contracts import Predictor, Task
from tunewell.errors import ConfigError, DataError, NotApplicable
from tunewell.fit import anatomy, skeleton
from tunewell.fit.generate import Prompt
from tunewell.fit.heads import generates
from tunewell.fit.prompting.writers import AsIs, LocalWriter
from tunewell.fit.records import Record
from tunewell.fit.sampling import Draw, Token
from tunewell.fit.together import Batch, begun, drawn
from tunewell.fit.trained import TrainedPredictor
from tunewell.fit.turns import Asked
from tunewell.values import ParameterCount

End = Literal["stop", "length"]
"""Why a text is at its end: the model or a stop text ended it, or there was no more room."""
UNBOUNDED = 10**9
UNTUNED_TOKENS = 256
"""Most tokens of an answer of a model that has learnt no rows."""
HALF = "\ufffd"
"""What stands for bytes that are not a whole character yet."""


class TooLong(DataError):
    """What is to be read and written together has more tokens than the model reads."""

    code = "context_length_exceeded"
    """As OpenAI's API calls it, by which clients know that another question may be answered."""


@dataclass(frozen=True)
class Wish:
    """How an answer is to be written."""

    tokens: int | None = None
    """At most so many; None: as many as the model's own answers may have."""
    count: int = 1
    """So many answers."""
    stop: tuple[str, ...] = ()
    """Texts before which an answer ends."""
    draw: Draw = field(default_factory=Draw)

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        if self.tokens is not None and self.tokens < 1:
            raise ConfigError(f"max_tokens is {self.tokens}.", "1 or more is expected.")


class Word(NamedTuple):
    """A token as a text, with the logarithm of its probability."""

    text: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...]


class Said(NamedTuple):
    """What one more token has brought to one of the answers."""

    answer: int
    """Its number, from 0."""
    text: str
    """What is new of it; what may yet be part of a stop text is held back."""
    word: Word | None
    """None for the token that ends it."""
    end: End | None
    """None: it goes on."""


@dataclass
class Talk:
    """An answer, or several to the same, as far as they have come."""

    predictor: Any
    prompt: Prompt
    wish: Wish
    stops: list[int]
    texts: list[_Text]
    tokens: int = 0
    """Of each text that has not ended."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of what is asked."""
        return len(self.prompt.ids)

    @property
    def ended(self) -> bool:
        """Whether all of it is said."""
        return all(text.end for text in self.texts)

    @property
    def said(self) -> Iterator[list[Said]]:
        """What one token after the other brings; it is computed as it is read."""
        machine = self.predictor.record.machine
        asked = self.prompt, self.wish.count, self.stops, machine, self.wish.draw
        steps = drawn(self.predictor.model, *asked)
        while not self.ended:
            yield self.hear(next(steps))

    def begun(self) -> Batch:
        """The same to be computed beside others, whose tokens are then heard."""
        machine = self.predictor.record.machine
        asked = self.prompt, self.wish.count, self.stops, machine, self.wish.draw
        return begun(self.predictor.model, *asked)

    def hear(self, tokens: Sequence[Token | None]) -> list[Said]:
        """What the next token of each text brings; None of one that has ended."""
        self.tokens += 1
        said = []
        for number, (token, text) in enumerate(zip(tokens, self.texts, strict=True)):
            if token is not None and text.end is None:
                new = text.take(token, last=self.tokens == self.prompt.most)
                word = None if token.ends else _word(self.predictor.tokenizer, token)
                said.append(Said(number, new, word, text.end))
        return said


def can_talk(predictor: Predictor) -> bool:
    """Whether its answers are texts that a fitted model of its own writes."""
    return isinstance(predictor, TrainedPredictor) and generates(predictor.head)


def untuned(writer: LocalWriter, task: Task) -> TrainedPredictor:
    """A model as it stands, to be talked with before it has learnt any rows."""
    head = replace(writer.head, task=task, new_tokens=UNTUNED_TOKENS)
    count = ParameterCount(total=writer.weights)
    record = Record("untuned", task, writer.backbone, writer.machine, count)
    return TrainedPredictor(record, head, writer.model, writer.tokenizer, tuned_body=False)


def usual_tokens(predictor: Predictor) -> int:
    """Most tokens of its own answers, of one that can be talked to."""
    return predictor.head.new_tokens  # type: ignore[attr-defined]


def begin(predictor: Predictor, asked: Asked, wish: Wish, most_tokens: int = UNBOUNDED) -> Talk:
    """An answer to a conversation, or what follows a text.

    Unless the wish says otherwise, it is what `predict` answers to such a conversation. What
    follows a text is given with the spaces around it, an answer without.

    Args:
        most_tokens: that may be read and written, where the model reads so many.

    Raises:
        ConfigError: the model does not write texts.
        DataError: it reads no such conversation, or no conversation so long.
    """
    if not isinstance(predictor, TrainedPredictor) or not generates(predictor.head):
        found = f"A model for {predictor.task.name!r} answers, but does not write texts."
        raise ConfigError(found, "One of a task whose answers are texts is expected.")
    head: Any = replace(predictor.head, task=AsIs())
    try:
        (piece,) = head.encode(predictor.tokenizer, [asked], UNBOUNDED)
    except NotApplicable as error:
        raise DataError(f"The model cannot be asked so: {error}.") from error
    inside: Any = anatomy.unwrapped(predictor.model)
    window = min(skeleton.window(inside, predictor.tokenizer), most_tokens)
    left = window - len(piece.ids) if head.one_stack else window
    most = wish.tokens if wish.tokens is not None else min(head.new_tokens, max(left, 1))
    if most > left or len(piece.ids) > window:
        raise TooLong(
            f"{len(piece.ids)} tokens to read and {most} to write are too many.",
            f"At most {window} {'together' if head.one_stack else 'each'}.",
            "Send less, or ask for a shorter answer.",
        )
    tokenizer, bare = predictor.tokenizer, not isinstance(asked, str)
    texts = [_Text(tokenizer, wish.stop, bare) for _ in range(wish.count)]
    return Talk(predictor, Prompt(piece.ids, most), wish, head.stops(tokenizer), texts)


def _word(tokenizer: Any, token: Token) -> Word:
    likeliest = tuple((tokenizer.decode([id]), logprob) for id, logprob in token.likeliest)
    return Word(tokenizer.decode([token.id]), token.logprob, likeliest)


@dataclass
class _Text:
    """An answer as far as it has come."""

    tokenizer: Any
    stop: tuple[str, ...]
    bare: bool
    """Whether it is given without spaces around it."""
    ids: list[int] = field(default_factory=list)
    given: int = 0
    """Characters that have been given."""
    end: End | None = None

    def take(self, token: Token, last: bool) -> str:
        """What is new with one more token, which may be the last that there is room for."""
        if not token.ends:
            self.ids.append(token.id)
        whole = self.tokenizer.decode(self.ids, skip_special_tokens=True)
        whole = whole.lstrip() if self.bare else whole
        places = [place for text in self.stop if (place := whole.find(text)) >= 0]
        if token.ends or places:
            self.end = "stop"
        elif last:
            self.end = "length"
        whole = whole[: min(places, default=len(whole))]
        if self.end is None:
            whole = whole.rstrip(HALF)
            whole = whole[: len(whole) - _held(whole, self.stop)]
        whole = whole.rstrip() if self.bare else whole
        new = whole[self.given :]
        self.given += len(new)
        return new


def _held(whole: str, stop: tuple[str, ...]) -> int:
    """How many characters at the end a stop text may begin with.

    >>> _held("one\\nTw", ("\\nTwo", "w"))
    3
    """
    return max(
        (n for text in stop for n in range(1, len(text)) if whole.endswith(text[:n])), default=0
    )

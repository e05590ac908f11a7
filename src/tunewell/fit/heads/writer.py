"""What heads of models with a layer over words share: losses, and answers written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit.generate import Prompt, generate
from tunewell.fit.heads.writing import learnt_tokens, longest
from tunewell.fit.pieces import Piece
from tunewell.values import Answer, Backbone, Machine


@dataclass(frozen=True)
class Sayer:
    """Tokens that are to be said, whose losses the output layer gives."""

    whole_rows: ClassVar[bool] = False
    one_stack: ClassVar[bool]
    pooling: ClassVar[None] = None
    hidden: ClassVar[None] = None

    task: Any
    plain: bool = False
    """Whether logits are those of the output layer alone."""

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> Self:
        """The head for a task."""
        return cls(task)

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """What the loss of each piece is multiplied with (pieces,); labels are in the pieces.

        One over the learnt tokens of an average piece: the mean of the losses is per token.
        """
        learnt = sum(learnt_tokens(piece) for piece in pieces)
        return Tensor([len(pieces) / max(1, learnt)]).expand(len(pieces))

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each piece (pieces,), in nats; their mean is that over learnt tokens."""
        return logits.clamp(min=0).sum(-1) * targets


@dataclass(frozen=True)
class Writer(Sayer, ABC):
    """A text after a text.

    It needs of a task: `conversation(input)`, the messages or the text that an answer follows.
    A target is a text.
    """

    new_tokens: int = 64

    @abstractmethod
    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """What is read of each row."""

    @abstractmethod
    def stops(self, tokenizer: Any) -> list[int]:
        """Numbers of the tokens that end an answer."""

    def sized(self, pieces: Sequence[Piece]) -> Self:
        """This head, for answers about as long as those of such pieces.

        A text that is learnt whole says nothing of how far it is to be gone on with.
        """
        if getattr(self.task, "learns_input", False):
            return self
        return replace(self, new_tokens=longest(pieces))

    def write(
        self,
        model: nn.Module,
        tokenizer: Any,
        inputs: Sequence[Any],
        max_length: int,
        machine: Machine,
    ) -> tuple[list[Answer], list[bool]]:
        """An answer an input, each by the likeliest token after the other, and whether it ended."""
        read = [piece.ids for piece in self.encode(tokenizer, inputs, max_length)]
        # Where both run through the same layers, an answer has the room that is left.
        room = [max_length - (len(ids) if self.one_stack else 0) for ids in read]
        prompts = [Prompt(i, min(self.new_tokens, r)) for i, r in zip(read, room, strict=True)]
        stops, pad_id = self.stops(tokenizer), tokenizer.pad_token_id
        written = generate(model, prompts, stops, pad_id, machine)
        texts = [tokenizer.decode(each.ids, skip_special_tokens=True) for each in written]
        return [Answer(text.strip()) for text in texts], [each.ended for each in written]

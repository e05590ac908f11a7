"""How rows become tensors for a backbone and its output becomes answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from tunewell.contracts import Task
from tunewell.fit.pieces import Piece
from tunewell.values import Answer, Backbone, Machine

if TYPE_CHECKING:
    from torch import Tensor, nn
    from typing_extensions import TypeIs


class _Head(Protocol):
    """What the loop and the predictor know of a task; a frozen dataclass.

    Rows become pieces, pieces a batch, the batch logits, and logits answers. A head that needs
    the pieces of a row side by side (choices, for one softmax) says `whole_rows`; the others are
    trained on each piece by itself. What one training example is, a row or a piece, is a *unit*.
    """

    whole_rows: ClassVar[bool]
    pooling: str | None
    """`mean`, `cls`, `last`, or `tokens` for a vector a token; None: a head of transformers."""
    hidden: int | None
    """Units of an MLP; None: one linear layer."""

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> Self:
        """The head that carries a task; the class says what the task must have."""

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[Self, nn.Module]:
        """This head as it fits the backbone, tried on some pieces, and its fresh model."""

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The model with fresh output layers; equal seeds give equal ones."""

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """The pieces of all rows, one after the other, each of at most `max_length` tokens.

        The head knows whether a long row is cut or becomes several windows, and may do the one
        for training and the other for answering.
        """

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The model's logits (pieces, ...) in float32, for a padded batch of pieces.

        Those of every token are (pieces, tokens, ...).
        """

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """What the losses need (units, ...), from the targets of all rows."""

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of each unit (units,).

        Args:
            pieces: the pieces of these units.
            logits: (pieces, ...).
            targets: (units, ...), as `targets` made them.
        """


class ReadingHead(_Head, Protocol):
    """A head whose answers are read off logits."""

    def answers(
        self, inputs: Sequence[Any], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """One answer an input, in order, from the logits of all their pieces."""


class TextHead(_Head, Protocol):
    """A head whose answers are texts, written or filled in: rows are learnt with their answers."""

    one_stack: ClassVar[bool]
    """Whether what is read and what is written run through the same layers."""
    plain: bool
    """Whether logits are those of the output layer alone."""

    def equip(self, tokenizer: Any) -> None:
        """Give the tokenizer what it lacks; NotApplicable where that cannot be given."""

    def solved(
        self,
        tokenizer: Any,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        max_length: int,
        training: bool = False,
    ) -> list[Piece]:
        """A piece a row with its answer, `labels` and `Cut`; none where nothing is left to learn.

        Args:
            training: whether earlier turns of the assistant are learnt as well.
        """

    def sized(self, pieces: Sequence[Piece]) -> Self:
        """This head, for answers about as long as those of such pieces."""

    def write(
        self,
        model: nn.Module,
        tokenizer: Any,
        inputs: Sequence[Any],
        max_length: int,
        machine: Machine,
    ) -> tuple[list[Answer], list[bool]]:
        """An answer an input, and whether it came to its own end."""


class WritingHead(TextHead, Protocol):
    """One that writes token after token."""

    new_tokens: int
    """Most tokens of an answer."""

    def stops(self, tokenizer: Any) -> list[int]:
        """Numbers of the tokens that end an answer.

        Raises:
            NotApplicable: the tokenizer has no EOS token.
        """


Head = ReadingHead | TextHead


def writes(head: Head) -> TypeIs[TextHead]:
    """Whether its answers are texts."""
    return hasattr(head, "write")


def generates(head: Head) -> TypeIs[WritingHead]:
    """Whether its answers are written token after token, up to one that ends them."""
    return hasattr(head, "stops")


def head_for(task: Task, backbone: Backbone, hidden: int | None = None) -> Head:
    """The head that carries a task on a backbone; `hidden` units make it an MLP.

    Raises:
        NotApplicable: texts are to be written or filled in, and the backbone cannot.
    """
    from tunewell.fit.heads.choice import ChoiceHead
    from tunewell.fit.heads.masked import MaskedHead
    from tunewell.fit.heads.sequence import SequenceHead
    from tunewell.fit.heads.span import SpanHead
    from tunewell.fit.heads.token import TokenHead
    from tunewell.fit.heads.vector import VectorHead

    if task.head == "writing":
        from tunewell.fit.heads.writing import writing_head

        return writing_head(task, backbone)
    heads: dict[str, type[ReadingHead] | type[TextHead]] = {
        "sequence": SequenceHead,
        "token": TokenHead,
        "span": SpanHead,
        "choice": ChoiceHead,
        "vector": VectorHead,
        "masked": MaskedHead,
    }
    return heads[task.head].for_task(task, backbone, hidden)

"""Each choice is read together with its question and gets one score; the scores share a softmax.

As for multiple choice in arXiv 1810.04805, section 4.4: one linear score a pair. Rows may have
different numbers of choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit.heads.own import own_model
from tunewell.fit.pieces import Piece, by_row, whole
from tunewell.fit.tensors import LOW
from tunewell.values import Answer, Backbone


@dataclass(frozen=True)
class ChoiceHead:
    """One of the choices that a row brings along.

    An input is `{"question": ..., "choices": (..., ...)}`, and may have a `passage`, which is read
    after the question. A target is one of the choices, as its text. It needs nothing of a task.
    An answer is the text of a choice, with each choice's probability.
    """

    whole_rows: ClassVar[bool] = True

    pooling: str
    hidden: int | None = None

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> ChoiceHead:
        """The head for a task, pooled as the backbone is, else by mean."""
        return cls(backbone.pooling or "mean", hidden)

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[ChoiceHead, nn.Module]:
        """This head and its fresh model."""
        return self, self.build(backbone, dropout, seed)

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The bare backbone, pooled, with one output."""
        return own_model(backbone, self.pooling, 1, self.hidden, dropout, seed)

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """One piece a choice; `extra` is its text. Of the longer of both texts the end is cut."""
        pairs = [(_question(given), choice) for given in inputs for choice in given["choices"]]
        rows = [row for row, given in enumerate(inputs) for _ in given["choices"]]
        return [
            Piece(piece.ids, piece.type_ids, row, choice)
            for piece, row, (_, choice) in zip(
                whole(tokenizer, pairs, max_length), rows, pairs, strict=True
            )
        ]

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """One score a piece (pieces, 1) in float32."""
        return model(**batch).float()

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """Number of the right choice in each row (rows,)."""
        rows = by_row(pieces)
        choices = [[pieces[number].extra for number in row] for row in rows]
        given = [targets[pieces[row[0]].row] for row in rows]
        return torch.tensor([row.index(one) for row, one in zip(choices, given, strict=True)])

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each row (rows,), in nats."""
        return nn.functional.cross_entropy(_side_by_side(pieces, logits), targets, reduction="none")

    def answers(
        self, inputs: Sequence[Any], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """The likeliest choice of each row."""
        answers = []
        shares = _side_by_side(pieces, logits).softmax(-1)
        for row, numbers in enumerate(by_row(pieces)):
            scores: dict[str, float] = {}
            for at, number in enumerate(numbers):
                text = pieces[number].extra
                scores[text] = scores.get(text, 0.0) + shares[row, at].item()
            best = max(scores, key=scores.__getitem__)
            answers.append(Answer(best, scores[best], scores))
        return answers


def _question(given: Any) -> str:
    # The end is what is cut: a long passage may lose some of it, the question may not.
    passage = given.get("passage")
    return f"{given['question']}\n{passage}" if passage else given["question"]


def _side_by_side(pieces: Sequence[Piece], logits: Tensor) -> Tensor:
    """Scores of pieces (pieces, 1) as rows of choices (rows, choices), filled up with `LOW`."""
    rows = by_row(pieces)
    most = max(map(len, rows), default=1)
    # Number -1 picks the score put behind all others.
    numbers = torch.tensor([[*row, *[-1] * (most - len(row))] for row in rows])
    padded = torch.cat([logits.squeeze(-1), logits.new_full((1,), LOW)])
    return padded[numbers]

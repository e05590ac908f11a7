"""A text becomes a vector, and texts that belong together get vectors that point the same way.

Pairs with a degree of likeness are trained on the cosine (arXiv 1908.10084, section 3); pairs and
triplets without one by telling the right text from all others of the batch (arXiv 1705.00652).
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

SHARPNESS = 20.0
"""Cosines are multiplied by this before a softmax; sentence-transformers' own default scale."""
TOGETHER = 64
"""Most rows that are told from each other at once."""


class Turned(nn.Module):
    """A vector plus what the layers add to it: nothing at first, so that it begins as it was."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers
        last = layers[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, vector: Tensor) -> Tensor:
        """(rows, width) -> (rows, width)."""
        return vector + self.layers(vector)


@dataclass(frozen=True)
class VectorHead:
    """Vectors of texts, and how alike texts are.

    An input is a text, whose answer is its vector, of length 1, or a tuple of texts. Where a task
    asks for a number, the answer to a tuple is how alike its first two are, and so is a target;
    else it is a vector of each, and the second text belongs to the first, more than those after
    it and than those of other rows. What is None in a tuple is not read.

    It needs nothing of a task, which may have `low` and `high`, the least and the most likeness.
    """

    whole_rows: ClassVar[bool] = True

    pooling: str
    hidden: int | None = None
    low: float = 0.0
    high: float = 1.0
    scored: bool = False
    """Whether pairs have a likeness, and not vectors, for an answer."""

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> VectorHead:
        """The head for a task, pooled as the backbone is, else by mean."""
        low, high = getattr(task, "low", 0.0), getattr(task, "high", 1.0)
        return cls(backbone.pooling or "mean", hidden, low, high, task.answers == "number")

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[VectorHead, nn.Module]:
        """This head and its fresh model."""
        return self, self.build(backbone, dropout, seed)

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The bare backbone, pooled, with layers that leave its vectors as they are at first."""
        model = own_model(backbone, self.pooling, None, self.hidden, dropout, seed)
        model.head = Turned(model.head)
        return model

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """One piece a text, cut at `max_length`."""
        texts = [(row, text) for row, given in enumerate(inputs) for text in _texts(given)]
        pieces = whole(tokenizer, [text for _, text in texts], max_length)
        return [Piece(piece.ids, None, row) for piece, (row, _) in zip(pieces, texts, strict=True)]

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Vectors (pieces, width) in float32."""
        return model(**batch).float()

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """Likeness of each pair, 0 to 1 (rows,); not a number where it is not told."""
        given = [targets[pieces[row[0]].row] for row in by_row(pieces)]
        return (torch.tensor([_number(one) for one in given]) - self.low) / (self.high - self.low)

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of each row (rows,).

        The squared difference of cosine and likeness; or the cross-entropy, in nats, of the
        second text among all but the first ones of the rows here, at most `TOGETHER` at once.
        """
        rows, units = by_row(pieces), nn.functional.normalize(logits, dim=-1)
        if not targets.isnan().any():
            first, second = units[[row[0] for row in rows]], units[[row[1] for row in rows]]
            return ((first * second).sum(-1) - targets).square()
        parts = [rows[at : at + TOGETHER] for at in range(0, len(rows), TOGETHER)]
        return torch.cat([_among_others(pieces, part, units) for part in parts])

    def answers(
        self, inputs: Sequence[Any], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """The vector of a text, those of several texts, or the likeness of two."""
        units, answers = nn.functional.normalize(logits, dim=-1), []
        for given, row in zip(inputs, by_row(pieces), strict=True):
            if self.scored and not isinstance(given, str):
                cosine = float(units[row[0]] @ units[row[1]])
                answers.append(Answer(self.low + cosine * (self.high - self.low)))
                continue
            vectors = tuple(rounded(unit) for unit in units[row].tolist())
            answers.append(Answer(vectors[0] if isinstance(given, str) else vectors))
        return answers


def rounded(vector: Sequence[float]) -> tuple[float, ...]:
    """A vector of length 1 in six digits: more are noise, and make files long."""
    return tuple(round(number, 6) for number in vector)


def _texts(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(t for t in given if t is not None)


def _number(target: Any) -> float:
    told = isinstance(target, (int, float)) and not isinstance(target, bool)
    return float(target) if told else float("nan")


def _among_others(pieces: Sequence[Piece], rows: list[list[int]], units: Tensor) -> Tensor:
    """Cross-entropy of each row's second text among the second and later texts of all rows."""
    right = [row[1] for row in rows]
    others = right + [number for row in rows for number in row[2:]]
    logits = units[[row[0] for row in rows]] @ units[others].T * SHARPNESS  # (rows, others)
    texts = [tuple(pieces[number].ids) for number in others]
    # The same text may stand in several rows, and is wrong in none of them.
    same = [
        [at != own and text == texts[own] for at, text in enumerate(texts)]
        for own in range(len(rows))
    ]
    logits = logits.masked_fill(torch.tensor(same, device=logits.device), LOW)
    return nn.functional.cross_entropy(
        logits, torch.arange(len(rows), device=logits.device), reduction="none"
    )

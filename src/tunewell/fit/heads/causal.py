"""A decoder reads what is asked and goes on with the answer, to the token that ends it.

Only what the model is to say is learnt, its end included (arXiv 2203.02155, section 3.4, trains
on demonstrations so).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tunewell.errors import NotApplicable
from tunewell.fit import output_layer, turns
from tunewell.fit.backbones import load_model
from tunewell.fit.generate import greedy
from tunewell.fit.heads import writing
from tunewell.fit.heads.writer import Writer
from tunewell.fit.heads.writing import Cut
from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import padded
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Backbone

TRIED = 6
"""Tokens on which it is tried what a model looks at."""


@dataclass(frozen=True)
class CausalHead(Writer):
    """A text after a text, by a decoder.

    Rows that are too long lose the end of their longest message, so that
    there is room for the answer, and then the end of the answer.
    """

    one_stack: ClassVar[bool] = True

    lead: tuple[int, ...] = ()
    """Virtual tokens that stand before each row."""

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[CausalHead, nn.Module]:
        """This head, tried on a few tokens, and its model.

        Raises:
            NotApplicable: the model sees what comes next, or its output layer was never trained.
        """
        model = self.build(backbone, dropout, seed)
        ids = [number for piece in pieces for number in piece.ids][:TRIED]
        ids = (ids * TRIED)[:TRIED]
        other = [*ids[:-1], ids[-1] - 1 if ids[-1] else ids[-1] + 1]
        batch = padded([Piece(ids), Piece(other)], pad_id, "cpu")
        model.eval()
        with torch.no_grad():
            one, two = output_layer.states(model, batch)[:, :-1]
        if not torch.allclose(one, two, rtol=1e-3, atol=1e-4):
            raise NotApplicable("it reads what comes after a word as well, so that it cannot write")
        return replace(self, plain=output_layer.is_plain(model, batch)), model

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The model as it was pretrained; `seed` has no say, as nothing is new."""
        return greedy(load_model(backbone, "AutoModelForCausalLM", dropout=dropout))

    def equip(self, tokenizer: Any) -> None:
        """Give the tokenizer a chat template, where it has none."""
        turns.equip(tokenizer, encoder=False)

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """What is read of each row, so that `new_tokens` have room, or half of the row."""
        most = max_length - len(self.lead)
        room = max(most - self.new_tokens, most // 2)
        pieces = []
        for row, given in enumerate(inputs):
            asked = writing.shortened(tokenizer, self.task.conversation(given), room)
            ids = _ids(tokenizer, turns.asked_text(tokenizer, asked))
            pieces.append(Piece([*self.lead, *ids[-(most - 1) :]], row=row))
        return pieces

    def solved(
        self,
        tokenizer: Any,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        max_length: int,
        training: bool = False,
    ) -> list[Piece]:
        """A piece a row, with its answer; `extra` is what it has lost."""
        pieces, most = [], max_length - len(self.lead)
        for row, (given, target) in enumerate(zip(inputs, targets, strict=True)):
            asked, cut = self.task.conversation(given), False
            ids, labels = self._learnt(tokenizer, asked, target, training)
            if len(ids) > most:
                room = max(most - writing.count(tokenizer, target) - 2, most // 2)
                shorter = writing.shortened(tokenizer, asked, room)
                cut = shorter != asked
                ids, labels = self._learnt(tokenizer, shorter, target, training)
            lost = Cut(cut, len(ids) > most)
            said = [IGNORED] * len(self.lead) + labels[:most]
            piece = Piece([*self.lead, *ids[:most]], None, row, lost, said)
            if writing.learnt_tokens(piece):
                pieces.append(piece)
        return pieces

    def _learnt(
        self, tokenizer: Any, asked: turns.Asked, target: str, training: bool
    ) -> tuple[list[int], list[int]]:
        """Tokens of a row, and the same with `IGNORED` for those that need not be said.

        What stands before an answer has the tokens that it has where the answer is asked for.
        """
        ids: list[int] = []
        labels: list[int] = []
        text = ""
        whole_text = getattr(self.task, "learns_input", False)
        for part in turns.solved_parts(tokenizer, asked, target, training, whole_text):
            text += part.text
            whole = _ids(tokenizer, text)
            if whole[: len(ids)] != ids:
                whole = ids + _ids(tokenizer, part.text)
            new = whole[len(ids) :]
            labels += new if part.learnt else [IGNORED] * len(new)
            ids = whole
        return ids, labels

    def stops(self, tokenizer: Any) -> list[int]:
        """Numbers of the tokens that end an answer."""
        return turns.stops(tokenizer)

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The loss of each token (pieces, tokens); without labels, states (pieces, tokens, hidden).

        Logits over a vocabulary would take far more memory than all else.
        """
        given = {name: each for name, each in batch.items() if name != "labels"}
        if "labels" not in batch:
            return output_layer.states(model, given).float()
        labels = batch["labels"]
        following = torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORED)], dim=1)
        return output_layer.token_losses(model, given, following, self.plain)


def _ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

"""An encoder reads what is asked, and a decoder writes the answer to the token that ends it.

As T5 (arXiv 1910.10683) and BART (arXiv 1910.13461) are trained on pairs of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, output_layer, turns
from tunewell.fit.backbones import load_model
from tunewell.fit.generate import greedy
from tunewell.fit.heads.writer import Writer
from tunewell.fit.heads.writing import Cut
from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import padded
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Backbone


@dataclass(frozen=True)
class Seq2SeqHead(Writer):
    """A text after a text, by an encoder-decoder.

    What is asked and the answer are cut at their ends, each by itself.
    """

    one_stack: ClassVar[bool] = False

    lead: tuple[int, ...] = ()
    """Virtual tokens that stand before what the encoder reads."""

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[Seq2SeqHead, nn.Module]:
        """This head, tried on a few tokens, and its model."""
        model = self.build(backbone, dropout, seed)
        batch = _with_decoder(model, padded(pieces[:1], pad_id, "cpu"))
        return replace(self, plain=output_layer.is_plain(model, batch)), model

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The model as it was pretrained; `seed` has no say, as nothing is new."""
        return greedy(load_model(backbone, "AutoModelForSeq2SeqLM", dropout=dropout))

    def equip(self, tokenizer: Any) -> None:
        """Give the tokenizer a chat template, where it has none."""
        turns.equip(tokenizer, encoder=True)

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """What the encoder reads of each row, cut at `max_length` with what leads it."""
        asked = [self.task.conversation(each) for each in inputs]
        texts = [a if isinstance(a, str) else turns.asked_text(tokenizer, a) for a in asked]
        if not texts:
            return []
        most = max_length - len(self.lead)
        encoded = tokenizer(texts, truncation=True, max_length=most)
        return [
            Piece([*self.lead, *(ids or [tokenizer.pad_token_id])], row=row)
            for row, ids in enumerate(encoded["input_ids"])
        ]

    def solved(
        self,
        tokenizer: Any,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        max_length: int,
        training: bool = False,
    ) -> list[Piece]:
        """A piece a row, with its answer; `extra` is what it has lost."""
        pieces = []
        whole = self.encode(tokenizer, inputs, max_length + 1)
        for piece, target in zip(self.encode(tokenizer, inputs, max_length), targets, strict=True):
            labels = _ended(tokenizer, tokenizer(text_target=target, verbose=False)["input_ids"])
            lost = Cut(len(whole[piece.row].ids) > max_length, len(labels) > max_length)
            pieces.append(replace(piece, extra=lost, labels=labels[:max_length]))
        return pieces

    def stops(self, tokenizer: Any) -> list[int]:
        """Numbers of the tokens that end an answer."""
        if tokenizer.eos_token_id is None:
            raise NotApplicable("its tokenizer has no token that ends a text")
        return [tokenizer.eos_token_id]

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The loss of each token of the answers (pieces, tokens).

        Without labels, the states of its first token (pieces, 1, hidden).
        """
        given = _with_decoder(model, batch)
        if "labels" not in batch:
            return output_layer.states(model, given).float()
        return output_layer.token_losses(model, given, batch["labels"], self.plain)


def _with_decoder(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """A batch with what the decoder reads: its start, and the labels but for the last one."""
    config: Any = anatomy.unwrapped(model).config
    ids = batch["input_ids"]
    start = torch.full_like(ids[:, :1], config.decoder_start_token_id)
    if "labels" in batch:
        known = batch["labels"].masked_fill(batch["labels"] == IGNORED, config.pad_token_id or 0)
        start = torch.cat([start, known[:, :-1]], dim=1)
    given = {name: each for name, each in batch.items() if name != "labels"}
    return {**given, "decoder_input_ids": start}


def _ended(tokenizer: Any, ids: list[int]) -> list[int]:
    """With the token that ends a text, which not all tokenizers put there."""
    end = tokenizer.eos_token_id
    return ids if ids[-1:] == [end] else [*ids, end]

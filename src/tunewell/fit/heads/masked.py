"""Words that are left out of a text, filled in by an encoder as it was pretrained to.

As BERT is pretrained (arXiv 1810.04805, section 3.1), with whole words masked: a word of several
tokens is several masks where it is learnt. Where it is asked for, a blank is one mask.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.errors import NotApplicable
from tunewell.fit import output_layer
from tunewell.fit.backbones import load_model
from tunewell.fit.batches import TOKENS, within_tokens
from tunewell.fit.heads.writer import Sayer
from tunewell.fit.heads.writing import Cut
from tunewell.fit.pieces import Piece
from tunewell.fit.tensors import autocast, padded
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Answer, Backbone, Machine

_whole_words: WeakKeyDictionary[Any, Tensor] = WeakKeyDictionary()


@dataclass(frozen=True)
class MaskedHead(Sayer):
    """Words for the blanks of a text, by an encoder.

    It needs of a task: `around(input)`, the text in the parts that stand around its blanks. A
    target is the words in their order, with spaces between. What is too long is cut at its end.
    """

    one_stack: ClassVar[bool] = True

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> MaskedHead:
        """The head for a task.

        Raises:
            NotApplicable: the backbone is of a kind that fills in no words.
        """
        from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING

        from tunewell.fit.backbones import load_config

        config = load_config(backbone)
        if config.is_encoder_decoder or type(config) not in MODEL_FOR_MASKED_LM_MAPPING:
            raise NotApplicable(f"{backbone.name} does not fill in words that are left out")
        return cls(task)

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[MaskedHead, nn.Module]:
        """This head, tried on a row, and its model."""
        model = self.build(backbone, dropout, seed)
        batch = padded(pieces[:1], pad_id, "cpu")
        return replace(self, plain=output_layer.is_plain(model, batch)), model

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The model as it was pretrained; `seed` has no say, as nothing is new.

        Raises:
            NotApplicable: its files hold no layer for masked words.
        """
        model = load_model(backbone, "AutoModelForMaskedLM", dropout=dropout)
        if model.fresh_head:
            raise NotApplicable("its files hold no layer that fills in words; choose one with it")
        return model

    def equip(self, tokenizer: Any) -> None:
        """Nothing is put in.

        Raises:
            NotApplicable: the tokenizer has no token for a word that is left out.
        """
        if tokenizer.mask_token is None:
            raise NotApplicable("its tokenizer has no token for a word that is left out")

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """A piece a row, a mask a blank."""
        parts = [self.task.around(each) for each in inputs]
        masks = [[1] * (len(each) - 1) for each in parts]
        return _pieces(tokenizer, parts, masks, max_length)

    def solved(
        self,
        tokenizer: Any,
        inputs: Sequence[Any],
        targets: Sequence[Any],
        max_length: int,
        training: bool = False,
    ) -> list[Piece]:
        """A piece a row, a mask for each token of its words; `extra` is what it has lost."""
        parts = [self.task.around(each) for each in inputs]
        words = []
        for target, around in zip(targets, parts, strict=True):
            pairs = zip(target.split(), around, strict=False)
            words.append([_ids(tokenizer, word, before) for word, before in pairs])
        masks = [[len(ids) for ids in each] for each in words]
        solved = []
        for piece in _pieces(tokenizer, parts, masks, max_length):
            wanted = iter([number for ids in words[piece.row] for number in ids])
            labels = [
                next(wanted, IGNORED) if number == tokenizer.mask_token_id else IGNORED
                for number in piece.ids
            ]
            lost = Cut(False, next(wanted, None) is not None)
            if any(label != IGNORED for label in labels):
                solved.append(replace(piece, labels=labels, extra=lost))
        return solved

    def sized(self, pieces: Sequence[Piece]) -> MaskedHead:
        """As it is: a blank is one word."""
        return self

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """The loss of each token (pieces, tokens); without labels, their states."""
        given = {name: each for name, each in batch.items() if name != "labels"}
        if "labels" not in batch:
            return output_layer.states(model, given).float()
        return output_layer.token_losses(model, given, batch["labels"], self.plain)

    def write(
        self,
        model: nn.Module,
        tokenizer: Any,
        inputs: Sequence[Any],
        max_length: int,
        machine: Machine,
    ) -> tuple[list[Answer], list[bool]]:
        """The likeliest words for the blanks of each input, and that each came to its end.

        Only tokens that are a word by themselves are looked at. An answer is as sure as the least
        sure of its words; one whose blanks all stand behind the cut is none.
        """
        model.eval()
        pieces = self.encode(tokenizer, inputs, max_length)
        answers = [Answer(None)] * len(inputs)
        lengths = [len(piece.ids) for piece in pieces]
        words = are_words(tokenizer)
        for numbers in within_tokens(range(len(pieces)), lengths, TOKENS):
            batch = padded([pieces[number] for number in numbers], tokenizer.pad_token_id, "cpu")
            blanks = (batch["input_ids"] == tokenizer.mask_token_id).nonzero()  # (blanks, 2)
            at = blanks[:, 0] * batch["input_ids"].shape[1] + blanks[:, 1]
            given = {name: each.to(machine.device) for name, each in batch.items()}
            with torch.inference_mode(), autocast(machine):
                found = output_layer.logits_at(model, given, at.to(machine.device)).float().cpu()
            others = torch.ones(found.shape[1], dtype=torch.bool)
            others[: len(words)] = ~words[: found.shape[1]]
            best = found.masked_fill(others, -torch.inf).softmax(-1).max(-1)
            for place, number in enumerate(numbers):
                own = (blanks[:, 0] == place).nonzero().squeeze(1)
                if len(own):
                    said = [tokenizer.decode([each]).strip() for each in best.indices[own].tolist()]
                    answers[number] = Answer(" ".join(said), best.values[own].min().item())
        return answers, [True] * len(answers)


def masked_at_random(
    tokenizer: Any, texts: Sequence[str], max_length: int, share: float
) -> list[Piece]:
    """A piece a text, of which some tokens are masked; equal texts have equal masks.

    Args:
        share: of the tokens, at least one.
    """
    pieces = []
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)
    for row, (text, ids) in enumerate(zip(texts, encoded["input_ids"], strict=True)):
        free = [n for n, each in enumerate(ids) if each not in tokenizer.all_special_ids]
        chosen = random.Random(text).sample(free, min(len(free), max(1, round(share * len(free)))))
        labels = [each if n in chosen else IGNORED for n, each in enumerate(ids)]
        hidden = [tokenizer.mask_token_id if n in chosen else each for n, each in enumerate(ids)]
        if chosen:
            pieces.append(Piece(hidden, None, row, Cut(False, False), labels))
    return pieces


def _pieces(
    tokenizer: Any, parts: Sequence[Sequence[str]], masks: Sequence[Sequence[int]], most: int
) -> list[Piece]:
    """A piece a row, with so many masks for each of its blanks."""
    texts = []
    for around, counts in zip(parts, masks, strict=True):
        blanks = [tokenizer.mask_token * count for count in counts]
        plain = [part.replace(tokenizer.mask_token, " ") for part in around]
        filled = [part + blank for part, blank in zip(plain, [*blanks, ""], strict=False)]
        texts.append("".join(filled))
    if not texts:
        return []
    encoded = tokenizer(texts, truncation=True, max_length=most)
    return [
        Piece(ids or [tokenizer.pad_token_id], None, row)
        for row, ids in enumerate(encoded["input_ids"])
    ]


def _ids(tokenizer: Any, word: str, before: str) -> list[int]:
    """Tokens of a word, behind a space where it stands behind one."""
    apart = " " if before[-1:].isspace() else ""
    return tokenizer(apart + word, add_special_tokens=False)["input_ids"]


def are_words(tokenizer: Any) -> Tensor:
    """Which tokens are a word by themselves (vocabulary,); all where none is."""
    if tokenizer not in _whole_words:
        texts = [tokenizer.decode([number]).strip() for number in range(len(tokenizer))]
        spelt = tokenizer([" " + text for text in texts], add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        special = set(tokenizer.all_special_ids)
        alone = torch.tensor(
            [
                text.isalnum() and ids == [number] and number not in special
                for number, (text, ids) in enumerate(zip(texts, spelt, strict=True))
            ]
        )
        _whole_words[tokenizer] = alone if alone.any() else torch.ones_like(alone)
    return _whole_words[tokenizer]

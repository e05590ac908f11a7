"""What heads of models that write have in common: rows that are learnt, cut, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tunewell.contracts import Task
from tunewell.errors import NotApplicable
from tunewell.fit import turns
from tunewell.fit.heads import WritingHead
from tunewell.fit.pieces import Piece
from tunewell.fit.turns import Asked
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Backbone

SPARE = 4
"""An answer may be one part in so many longer than the longest that was learnt, and a bit."""
FEW = 8
"""Tokens of that bit."""
TRIES = 8
"""Times that something is cut off before a row is taken to be too long."""


class Cut(NamedTuple):
    """What a row has lost so that it fits."""

    asked: bool
    answer: bool


def writing_head(task: Task, backbone: Backbone) -> WritingHead:
    """The head for texts on a backbone: of a decoder, or of an encoder-decoder.

    Raises:
        NotApplicable: the backbone is of a kind that does not write, or reads apart what is to
            be learnt.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    )

    from tunewell.fit.backbones import load_config
    from tunewell.fit.heads.causal import CausalHead
    from tunewell.fit.heads.seq2seq import Seq2SeqHead

    config = load_config(backbone)
    if config.is_encoder_decoder and getattr(task, "learns_input", False):
        raise NotApplicable(
            "an encoder-decoder learns what it writes, and not a text from its start"
        )
    if config.is_encoder_decoder and type(config) in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING:
        return Seq2SeqHead(task)
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise NotApplicable(f"{backbone.name} reads texts and does not write them")
    return CausalHead(task)


def learnt_tokens(piece: Piece) -> int:
    """How many tokens of a piece the model is to say."""
    return sum(label != IGNORED for label in piece.labels or ())


def longest(pieces: Sequence[Piece]) -> int:
    """Tokens that an answer may have after such rows were learnt."""
    most = max(map(learnt_tokens, pieces), default=0)
    return most + most // SPARE + FEW


def what_is_cut(pieces: Sequence[Piece], rows: int, max_length: int) -> list[str]:
    """Sentences on what rows have lost.

    Raises:
        NotApplicable: no row has kept any of its answer.
    """
    if rows and not pieces:
        raise NotApplicable(f"within {max_length} tokens no row has room for any of its answer")
    found = (
        (rows - len(pieces), f"left out: {max_length} tokens hold nothing of the answer"),
        (sum(p.extra.answer for p in pieces), f"cut in the answer, to {max_length} tokens in all"),
        (sum(p.extra.asked for p in pieces), "shortened in what is asked, so that answers fit"),
    )
    return [
        f"{count} of {rows} rows {'is' if count == 1 else 'are'} {what}"
        for count, what in found
        if count
    ]


def shortened(tokenizer: Any, asked: Asked, room: int) -> Asked:
    """What is asked, with its longest texts cut until no more than `room` tokens are read.

    What the template puts around them is never cut.
    """
    for _ in range(TRIES):
        excess = count(tokenizer, turns.asked_text(tokenizer, asked)) - room
        if excess <= 0:
            break
        asked = _cut(tokenizer, asked, excess)
    return asked


def _cut(tokenizer: Any, asked: Asked, excess: int) -> Asked:
    """The same with so many tokens less in its longest text; a text loses its beginning."""
    if isinstance(asked, str):
        size = count(tokenizer, asked)
        return asked[len(asked) - len(asked) * max(0, size - excess) // max(1, size) :]
    number = max(range(len(asked)), key=lambda n: len(asked[n]["content"]))
    content = asked[number]["content"]
    size = count(tokenizer, content)
    kept = content[: len(content) * max(0, size - excess) // max(1, size)]
    return (*asked[:number], {**asked[number], "content": kept}, *asked[number + 1 :])


def count(tokenizer: Any, text: str) -> int:
    """Tokens of a text, without any that a tokenizer puts around it."""
    return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

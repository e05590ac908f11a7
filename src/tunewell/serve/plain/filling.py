"""What a model that fills words in misses of the words that are left out, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit.heads.masked import are_words
from tunewell.fit.pieces import Piece


def missed_words(model: nn.Module, rows: Sequence[Piece], pad_id: int) -> Tensor:
    """What the model misses of each row's words (rows,), in nats."""
    longest = max(len(row.ids) for row in rows)

    def filled(each: Sequence[Sequence[int]], with_what: int) -> Tensor:
        return torch.tensor([[*one, *[with_what] * (longest - len(one))] for one in each])

    ids, labels = (
        filled([r.ids for r in rows], pad_id),
        filled([r.labels or () for r in rows], -100),
    )
    mask = filled([[1] * len(row.ids) for row in rows], 0)
    logits = model(input_ids=ids, attention_mask=mask).float()
    each = nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return each.sum(1)


def words_for(model: nn.Module, tokenizer: Any, row: Piece) -> str:
    """The likeliest word for each blank of a row, of tokens that are a word by themselves."""
    ids = torch.tensor([row.ids])
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).float()[0]
    words = are_words(tokenizer)
    others = torch.ones(logits.shape[1], dtype=torch.bool)
    others[: len(words)] = ~words[: logits.shape[1]]
    found = logits[ids[0] == tokenizer.mask_token_id].masked_fill(others, -torch.inf).argmax(-1)
    return " ".join(tokenizer.decode([number]).strip() for number in found.tolist())

"""Whether a body says of rows end to end what it says of each row alone, found by trying."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunewell.fit.attention import WINDOWS, staying_padded
from tunewell.fit.few import READ

CLOSE = 2e-5
"""Share of the largest value by which float32 may differ from a row alone."""
SHORT = (2, 5, 12)
"""Tokens of the rows that are tried; the last grows past any attention window."""
SAME = ("hidden states", "hidden states from embeddings", "gradients")
"""What must not differ."""


def disagreement(body: Any, most: int) -> str:
    """Where rows end to end differ from rows alone, or nothing; the last is past all windows."""
    training = body.training
    body.eval()
    try:
        lengths = _past_windows(body, most)
        together = _run(body, lengths)
        with staying_padded():
            alone = [_run(body, lengths, row) for row in range(len(lengths))]
    finally:
        body.train(training)
    for name, one, parts in zip(SAME, together, zip(*alone, strict=True), strict=True):
        other = torch.cat(parts)
        apart = float((one - other).abs().max() / other.abs().max())
        if not apart <= CLOSE:
            return f"its {name} differ by {apart:.1e} of the largest"
    return ""


def agrees_at_few(body: Any, most: int) -> bool:
    """Whether the first and the last tokens of rows are as they are where all tokens are read."""
    training = body.training
    body.eval()
    try:
        lengths = _past_windows(body, most)
        for from_end in (lengths, [1] * len(lengths)):
            whole = _read(body, lengths, from_end)
            token_of_few = READ.set(from_end)
            try:
                few = _read(body, lengths, from_end)
            finally:
                READ.reset(token_of_few)
            for one, other in zip(few, whole, strict=True):
                if not float((one - other).abs().max() / other.abs().max()) <= CLOSE:
                    return False
    finally:
        body.train(training)
    return True


def _past_windows(body: Any, most: int) -> list[int]:
    """Tokens of the rows that are tried; the last has more than any attention window."""
    lengths = [min(length, most) for length in SHORT]
    token = WINDOWS.set(set())
    try:
        _run(body, lengths)
        windows = WINDOWS.get() or set()
    finally:
        WINDOWS.reset(token)
    lengths[-1] = min(max([lengths[-1], *(window + 4 for window in windows)]), most)
    return lengths


def _read(body: Any, lengths: list[int], from_end: list[int]) -> tuple[Tensor, Tensor]:
    """One hidden state a row (rows, hidden), and the gradient of all (rows, tokens, hidden)."""
    ids, mask = _words(body, lengths)
    with torch.no_grad():
        embeds = body.get_input_embeddings()(ids)
    embeds.requires_grad_(True)
    hidden = body(inputs_embeds=embeds, attention_mask=mask).last_hidden_state
    read = hidden[torch.arange(len(lengths)), torch.tensor(lengths) - torch.tensor(from_end)]
    weighed = (read * torch.linspace(-1, 1, read.shape[-1])).sum()
    return read.detach(), torch.autograd.grad(weighed, embeds)[0]


def _words(body: Any, lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Random words (rows, tokens) and their mask."""
    chance = torch.Generator().manual_seed(0)
    size = body.get_input_embeddings().num_embeddings
    ids = torch.randint(size // 2, size, (len(lengths), max(lengths)), generator=chance)
    ids[ids == body.config.pad_token_id] = size // 2 - 1
    return ids, (torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)).long()


def _run(body: Any, lengths: list[int], row: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """`SAME` (all tokens, width) for rows of some lengths, or for one of them alone."""
    ids, mask = _words(body, lengths)
    if row is not None:
        ids, mask = ids[row : row + 1, : lengths[row]], mask[row : row + 1, : lengths[row]]
    at = mask != 0
    with torch.no_grad():
        hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state[at]
        embeds = body.get_input_embeddings()(ids)
    embeds.requires_grad_(True)
    again = body(inputs_embeds=embeds, attention_mask=mask).last_hidden_state[at]
    weighed = (again * torch.linspace(-1, 1, again.shape[-1])).sum()
    return hidden, again.detach(), torch.autograd.grad(weighed, embeds)[0][at]

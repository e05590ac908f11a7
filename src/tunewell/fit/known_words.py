"""Vectors of words in their sentences, by a frozen body, each with its tag; the nearest ones vote.

A word has the vector of its first token, which is what a trained head reads as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.fit.heads.own import TOKENS, PooledModel
from tunewell.fit.heads.token import NONE, TokenHead
from tunewell.fit.neighbours import SHARPNESS
from tunewell.fit.pieces import Piece
from tunewell.fit.prefix import FrozenBody, body_of, borrow_body
from tunewell.fit.recorded import OnFrozen
from tunewell.fit.records import Record, read_record
from tunewell.fit.tensors import run_pieces
from tunewell.values import Answer, Machine, ParameterCount

MOST = 50_000
"""Words that are kept; of those that are no part of a piece, which are most, some are left out."""
ROWS = 256
"""Rows whose tokens are in memory at once."""
LEAST = 1e-4
"""The share of a tag that none of the nearest words has, so that no sequence is impossible."""


@dataclass(frozen=True)
class KnownWords(OnFrozen):
    """Words with a vector of length 1 and the number of their tag."""

    vectors: Tensor  # (words, hidden)
    tags: Tensor  # (words,), as `TokenHead.tags` counts them
    k: int

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The pieces of each text, by the likeliest tags that may follow each other."""
        body = body_of(self.record.backbone, self.record.machine)
        head = TokenHead.for_task(self.task, self.record.backbone, None)
        answers: list[Answer] = []
        for start in range(0, len(inputs), ROWS):
            some = inputs[start : start + ROWS]
            pieces = head.encode(body.tokenizer, some, self.record.backbone.max_length)
            hidden = _read(body, head, pieces)  # (pieces, tokens, hidden)
            logits = torch.zeros(*hidden.shape[:2], len(head.tags))
            inside = torch.zeros(hidden.shape[:2], dtype=torch.bool)
            for number, piece in enumerate(pieces):
                inside[number, [place.token for place in piece.extra[1]]] = True
            logits[inside] = self._shares(hidden[inside], len(head.tags)).clamp(min=LEAST).log()
            answers += head.answers(some, pieces, logits)
        return answers

    def _shares(self, words: Tensor, tags: int) -> Tensor:
        """Vectors (words, hidden) -> the share of each tag in the vote (words, tags)."""
        shares = torch.zeros(len(words), tags)
        if not len(words):
            return shares
        cosines = nn.functional.normalize(words, dim=-1) @ self.vectors.T  # (words, known)
        near = cosines.topk(min(self.k, cosines.shape[1]), dim=-1)
        return shares.scatter_add_(
            1, self.tags[near.indices], (near.values * SHARPNESS).softmax(-1)
        )

    def save(self, folder: Path) -> None:
        """The known words in safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"vectors": self.vectors.contiguous(), "tags": self.tags.contiguous()}
        save_file(arrays, folder / "known.safetensors")
        self.record.write(folder, k=self.k)


def fit_known_words(method: str, job: Job, k: int) -> KnownWords:
    """Keeps the vectors and tags of the words of the training rows."""
    assert job.backbone is not None
    body = borrow_body(job)
    head = TokenHead.for_task(job.task, job.backbone, None)
    vectors, tags = [], []
    for start in range(0, len(job.train), ROWS):
        some = job.train[start : start + ROWS]
        inputs, targets = [e.input for e in some], [e.target for e in some]
        pieces = head.encode(body.tokenizer, inputs, job.backbone.max_length)
        given = head.targets(pieces, targets)  # (pieces, tokens)
        vectors.append(_read(body, head, pieces)[given != NONE])
        tags.append(given[given != NONE])
    known, of = nn.functional.normalize(torch.cat(vectors), dim=-1), torch.cat(tags)
    kept = kept_words(of)
    total = sum(p.numel() for p in body.model.parameters())
    record = Record(method, job.task, job.backbone, job.machine, ParameterCount(total=total))
    return KnownWords(record, known[kept], of[kept], k)


def load_known_words(folder: Path, machine: Machine) -> KnownWords:
    """The predictor that `KnownWords.save` wrote there."""
    record, value = read_record(folder, machine)
    arrays = load_file(folder / "known.safetensors")
    return KnownWords(record, arrays["vectors"], arrays["tags"], value["k"])


def _read(body: FrozenBody, head: TokenHead, pieces: Sequence[Piece]) -> Tensor:
    """The vector of each token (pieces, tokens, hidden)."""
    plain = PooledModel(body.model, nn.Identity(), TOKENS)
    return run_pieces(plain, head, pieces, body.tokenizer.pad_token_id, body.machine).float()


def kept_words(tags: Tensor) -> Tensor:
    """Numbers of the words to keep: those of pieces, and others evenly spread."""
    inside, outside = (tags != 0).nonzero().flatten(), (tags == 0).nonzero().flatten()
    if len(inside) > MOST // 2:
        inside = inside[:: -(-len(inside) // (MOST // 2))]
    if len(outside) > (room := MOST - len(inside)):
        outside = outside[:: -(-len(outside) // room)]
    return torch.cat([inside, outside]).sort().values

"""The piece of a passage that answers a question, or that there is none.

Each token may be where the answer starts and where it ends (arXiv 1810.04805, sections 4.2 and
4.3); a passage longer than the window is read in overlapping ones, and the best span of all wins.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit.heads.own import TOKENS, own_model
from tunewell.fit.pieces import Piece, by_row, windows
from tunewell.fit.tensors import LOW
from tunewell.values import Answer, Backbone, Span

LONGEST = 30
"""Tokens that an answer may have; the usual bound on SQuAD."""
BEST = 20
"""Spans of a window that are looked at again, and those of a row that share its probability."""
NOTHING = Span(0, 0)
"""The answer that there is none."""


class Place(NamedTuple):
    """Where the passage stands in a window."""

    null: int
    """The token that stands for no answer in this window."""
    begin: int
    offsets: tuple[tuple[int, int], ...]
    """The characters of each token of the passage; the first of them is token `begin`."""


@dataclass(frozen=True)
class SpanHead:
    """The answer to a question as a span of a passage.

    An input is `{"question": ..., "passage": ...}`, or a tuple of both. A target is a `Span` of
    the passage, or a tuple of equally good ones, of which the first is learnt; an empty span or
    tuple says that the passage does not answer. It needs nothing of a task, which may have
    `unanswerable`, so that a question may be left without an answer, and `threshold`, by how much
    the log-probability of none must exceed that of the best text.

    An answer that is none is an empty `Span`. Its scores are those of the likeliest texts, and of
    "", for no answer; they sum to 1.
    """

    whole_rows: ClassVar[bool] = False

    unanswerable: bool = False
    threshold: float = 0.0
    pooling: str = TOKENS
    hidden: int | None = None

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> SpanHead:
        """The head for a task."""
        return cls(
            unanswerable=getattr(task, "unanswerable", False),
            threshold=getattr(task, "threshold", 0.0),
            hidden=hidden,
        )

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[SpanHead, nn.Module]:
        """This head and its fresh model."""
        return self, self.build(backbone, dropout, seed)

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The bare backbone with output layers over each token."""
        return own_model(backbone, self.pooling, 2, self.hidden, dropout, seed)

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """The windows of each passage, the question before it; `extra` is a `Place`.

        The token for no answer is the one that begins a window, else the one that ends it, which
        is put there where the tokenizer does not.
        """
        closes = tokenizer("a", "a", return_special_tokens_mask=True)["special_tokens_mask"][-1:]
        end = tokenizer.pad_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
        added = [] if closes == [1] else [end]

        def place(row: int, encoding: Any) -> Place:
            inside = [token for token, of in enumerate(encoding.sequence_ids) if of == 1]
            opens = encoding.ids[:1] == [tokenizer.cls_token_id]
            # A decoder knows only at the end whether there was an answer.
            null = 0 if opens else len(encoding.ids) - 1 + len(added)
            begin = inside[0] if inside else 0
            return Place(null, begin, tuple(encoding.offsets[token] for token in inside))

        texts = [_texts(given) for given in inputs]
        pieces = windows(tokenizer, texts, max_length - len(added), place)
        if not added:
            return pieces
        types = [p.type_ids and [*p.type_ids, p.type_ids[-1]] for p in pieces]
        return [
            Piece([*p.ids, *added], kinds, p.row, p.extra)
            for p, kinds in zip(pieces, types, strict=True)
        ]

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Logits of every token (pieces, tokens, 2), for start and end, in float32."""
        return model(**batch).float()

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """Tokens where the answer starts and ends (pieces, 2); the null token if not all there."""
        return torch.tensor([_tokens(p.extra, _first(targets[p.row])) for p in pieces])

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of start and end of each window (pieces,), in nats."""
        scores = _log_probabilities(pieces, logits)  # (pieces, tokens, 2)
        return -scores.gather(1, targets.unsqueeze(1)).squeeze(1).mean(-1)

    def answers(
        self, inputs: Sequence[Any], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """The likeliest span of each passage over all of its windows."""
        scores = _log_probabilities(pieces, logits)
        answers = []
        for given, numbers in zip(inputs, by_row(pieces), strict=True):
            passage = _texts(given)[1]
            none = min(scores[n, pieces[n].extra.null].sum().item() for n in numbers)
            found: dict[tuple[int, int], float] = {}
            for number in numbers:
                for span, score in _best(passage, pieces[number].extra, scores[number]):
                    found[span] = max(score, found.get(span, -torch.inf))
            answers.append(self._answer(passage, none, found))
        return answers

    def _answer(self, passage: str, none: float, found: dict[tuple[int, int], float]) -> Answer:
        """The best of some spans with log-probabilities, or none of them."""
        best = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:BEST]
        if not best:
            return Answer(NOTHING if self.unanswerable else None)
        listed = [*((passage[a:b], score) for (a, b), score in best)]
        if self.unanswerable:
            listed.append(("", none))
        shares = torch.tensor([score for _, score in listed]).double().softmax(0).tolist()
        scores: dict[str, float] = {}
        for (text, _), share in zip(listed, shares, strict=True):
            scores[text] = scores.get(text, 0.0) + share
        text = max((passage[a:b] for (a, b), _ in best), key=scores.__getitem__)
        if self.unanswerable and _log(scores[""]) - _log(scores[text]) > self.threshold:
            return Answer(NOTHING, scores[""], scores)
        start, end = next((a, b) for (a, b), _ in best if passage[a:b] == text)
        return Answer(Span(start, end, "", text), scores[text], scores)


def _log(share: float) -> float:
    return math.log(max(share, sys.float_info.min))


def _texts(given: Any) -> tuple[str, str]:
    """Question and passage."""
    return (given["question"], given["passage"]) if isinstance(given, dict) else given


def _first(target: Any) -> Span:
    if isinstance(target, Span):
        return target
    return target[0] if target else NOTHING


def _tokens(place: Place, span: Span) -> tuple[int, int]:
    """First and last token of a span in a window; twice the null token if it is not all there."""
    touched = [
        place.begin + token
        for token, (start, end) in enumerate(place.offsets)
        if start < span.end and end > span.start
    ]
    if not touched or span.start == span.end:
        return place.null, place.null
    first, last = place.offsets[touched[0] - place.begin], place.offsets[touched[-1] - place.begin]
    if first[0] > span.start or last[1] < span.end:
        return place.null, place.null
    return touched[0], touched[-1]


def _log_probabilities(pieces: Sequence[Piece], logits: Tensor) -> Tensor:
    """(pieces, tokens, 2): over the passage and the null token of each window, `LOW` elsewhere."""
    at = torch.arange(logits.shape[1], device=logits.device)
    begin, end, null = (
        torch.tensor(numbers, device=logits.device).unsqueeze(1)
        for numbers in zip(
            *((p.extra.begin, p.extra.begin + len(p.extra.offsets), p.extra.null) for p in pieces),
            strict=True,
        )
    )
    allowed = ((at >= begin) & (at < end)) | (at == null)  # (pieces, tokens)
    return logits.masked_fill(~allowed.unsqueeze(-1), LOW).log_softmax(1)


def _best(passage: str, place: Place, scores: Tensor) -> list[tuple[tuple[int, int], float]]:
    """The likeliest spans of a window, in characters, with their log-probabilities."""
    count = len(place.offsets)
    if not count:
        return []
    inside = scores[place.begin : place.begin + count]
    starts, ends = inside[:, 0], nn.functional.pad(inside[:, 1], (0, LONGEST - 1), value=LOW)
    sums = (starts.unsqueeze(1) + ends.unfold(0, LONGEST, 1)).clamp(min=LOW)  # (tokens, LONGEST)
    top = sums.flatten().topk(min(BEST, sums.numel()))
    found = []
    for value, number in zip(top.values.tolist(), top.indices.tolist(), strict=True):
        start, end = place.offsets[number // LONGEST][0], -1
        last = number // LONGEST + number % LONGEST
        if last < count:
            end = place.offsets[last][1]
        while start < end and passage[start].isspace():
            start += 1
        while start < end and passage[end - 1].isspace():
            end -= 1
        if start < end:
            found.append(((start, end), value))
    return found

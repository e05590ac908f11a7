"""Each word gets a tag, and words that go together become a span of the user's own text.

The tag of a word is read off its first token (arXiv 1810.04805, section 5.3); tags are strict
IOB2, and the best sequence that they allow is found by Viterbi's algorithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tunewell.contracts import Task
from tunewell.fit.heads.focal import focal
from tunewell.fit.heads.own import TOKENS, own_model
from tunewell.fit.pieces import Piece, by_row, windows
from tunewell.fit.words import words
from tunewell.values import Answer, Backbone, Span

NONE = -100
"""The tag of a token that is not the first of a word: it is not trained on."""


class Place(NamedTuple):
    """Where a word of a row stands in a window."""

    word: int
    token: int
    left: int
    """Tokens of the text before it in the window."""
    right: int
    """Tokens of the text after it in the window."""
    first: bool
    """Whether it is the first of its word; the window before may have that."""


@dataclass(frozen=True)
class TokenHead:
    """Spans in a text: names, parts of speech.

    It needs of a task: `labels`, the names that a span may have. An input is a text, or
    `{"text": ..., "words": ((start, end), ...)}` where the words are known. A target is a tuple
    of `Span`; of spans that share a word, the one that begins first counts, the longest of them.

    Long texts become windows; a word is read in the window where it has the most context.
    """

    whole_rows: ClassVar[bool] = False

    labels: tuple[str, ...]
    pooling: str = TOKENS
    hidden: int | None = None
    weights: dict[str, float] = field(default_factory=dict)
    """What a word with a label counts for in the loss; 1 unless said."""
    gamma: float = 0.0
    """Of the focal loss; 0 is cross-entropy."""

    @classmethod
    def for_task(cls, task: Task, backbone: Backbone, hidden: int | None) -> TokenHead:
        """The head for a task with `labels`."""
        gamma = getattr(getattr(task, "options", None), "focal_gamma", 0.0)
        weights = dict(getattr(task, "weights", {}))
        return cls(tuple(task.labels), hidden=hidden, weights=weights, gamma=gamma)  # type: ignore[attr-defined]

    @property
    def tags(self) -> tuple[str, ...]:
        """`O`, then `B-` and `I-` of each label."""
        return ("O", *(f"{mark}-{label}" for label in self.labels for mark in "BI"))

    def settle(
        self, backbone: Backbone, dropout: float, seed: int, pieces: list[Piece], pad_id: int
    ) -> tuple[TokenHead, nn.Module]:
        """This head and its fresh model."""
        return self, self.build(backbone, dropout, seed)

    def build(self, backbone: Backbone, dropout: float, seed: int) -> nn.Module:
        """The bare backbone with output layers over each token."""
        return own_model(backbone, self.pooling, len(self.tags), self.hidden, dropout, seed)

    def encode(
        self, tokenizer: Any, inputs: Sequence[Any], max_length: int, training: bool = False
    ) -> list[Piece]:
        """The windows of each text; `extra` is the places of the words in them."""
        found = [_words_in(given) for given in inputs]

        def places(row: int, encoding: Any) -> list[Place]:
            return _places(found[row], encoding)

        return windows(tokenizer, [_text(given) for given in inputs], max_length, places)

    def logits(self, model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        """Logits of every token (pieces, tokens, tags) in float32."""
        return model(**batch).float()

    def targets(self, pieces: Sequence[Piece], targets: Sequence[Any]) -> Tensor:
        """Tag numbers (pieces, tokens); `NONE` where a token is not the first of a word."""
        given = torch.full((len(pieces), max(len(p.ids) for p in pieces)), NONE)
        number = {tag: index for index, tag in enumerate(self.tags)}
        for line, piece in enumerate(pieces):
            inside, places = piece.extra
            tags = _tags(inside, targets[piece.row])
            for place in places:
                if place.first:
                    given[line, place.token] = number[tags[place.word]]
        return given

    def losses(self, pieces: Sequence[Piece], logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of each piece (pieces,), in nats.

        The sum over its words, divided by the words of an average piece of these, so that their
        mean is the mean over words.
        """
        targets = targets[:, : logits.shape[1]]
        losses = nn.functional.cross_entropy(
            logits.transpose(1, 2), targets, ignore_index=NONE, reduction="none"
        )  # (pieces, tokens)
        weights = logits.new_tensor([self.weights.get(tag[2:], 1.0) for tag in self.tags])
        losses = focal(losses, self.gamma) * weights[targets.clamp(min=0)]
        usual = (targets != NONE).sum() / len(pieces)
        return losses.sum(-1) / usual.clamp(min=1)

    def answers(
        self, inputs: Sequence[Any], pieces: Sequence[Piece], logits: Tensor
    ) -> list[Answer]:
        """Spans of each text with its characters' places; as sure as the least sure word."""
        rows = by_row(pieces)
        seen = [_seen([(number, pieces[number].extra[1]) for number in row]) for row in rows]
        most = max([1, *map(len, seen)])
        scores = logits.new_zeros(len(rows), most, len(self.tags))
        for row, places in enumerate(seen):
            for at, (_, piece, token) in enumerate(places):
                scores[row, at] = logits[piece, token]
        scores = scores.log_softmax(-1)
        paths = best_paths(scores, [len(places) for places in seen])
        answers = []
        for row, (given, path) in enumerate(zip(inputs, paths, strict=True)):
            text, inside = _text(given), pieces[rows[row][0]].extra[0]
            tags = [(self.tags[tag], inside[seen[row][at][0]]) for at, tag in enumerate(path)]
            sure = scores[row, torch.arange(len(path)), path].min().exp().item() if path else None
            answers.append(Answer(_spans(text, tags), sure))
        return answers


def best_paths(scores: Tensor, lengths: Sequence[int]) -> list[list[int]]:
    """The likeliest tags of each row that strict IOB2 allows.

    Args:
        scores: log-probabilities (rows, words, tags): `O`, then `B-` and `I-` of each label.
        lengths: words of each row.
    """
    _, most, count = scores.shape
    inside = torch.arange(2, count, 2)  # I-, of which B- is the number before
    best = scores[:, 0].clone()  # (rows, tags), the likeliest path that ends in a tag
    best[:, inside] = -torch.inf
    came, ends = [], [best]
    for word in range(1, most):
        top, origin = best.max(-1)  # any tag may stand before O and B-
        before = top.unsqueeze(-1).repeat(1, count)
        back = origin.unsqueeze(-1).repeat(1, count)
        goes_on = best[:, inside] > best[:, inside - 1]
        before[:, inside] = torch.where(goes_on, best[:, inside], best[:, inside - 1])
        back[:, inside] = torch.where(goes_on, inside, inside - 1)
        best = before + scores[:, word]
        came.append(back)
        ends.append(best)
    paths = []
    for row, length in enumerate(lengths):
        path = [int(ends[length - 1][row].argmax())] if length else []
        for word in range(length - 1, 0, -1):
            path.append(int(came[word - 1][row, path[-1]]))
        paths.append(path[::-1])
    return paths


def _text(given: Any) -> str:
    return given if isinstance(given, str) else given["text"]


def _words_in(given: Any) -> list[tuple[int, int]]:
    """The known words of an input, else those that its text is seen to have."""
    if isinstance(given, str) or given.get("words") is None:
        return words(_text(given))
    return [(start, end) for start, end in given["words"]]


def _places(inside: list[tuple[int, int]], encoding: Any) -> tuple[Any, list[Place]]:
    """The words of the row, and the place of each that has a token in this window."""
    tokens = [token for token, of in enumerate(encoding.sequence_ids) if of == 0]
    offsets = encoding.offsets
    at: dict[int, int] = {}  # character -> its first token
    for token in tokens:
        for character in range(*offsets[token]):
            at.setdefault(character, token)
    if not at:
        return inside, []
    begin, end = min(at), max(at)
    places: list[Place] = []
    taken = set()
    for word, (start, stop) in enumerate(inside):
        if stop <= begin or start > end:
            continue
        character = next((c for c in range(start, stop) if c in at), None)
        if character is None or at[character] in taken:
            continue  # the tokenizer drops the word, or has it in one token with the word before
        token = at[character]
        taken.add(token)
        left, right = token - tokens[0], tokens[-1] - token
        places.append(Place(word, token, left, right, start >= begin))
    return inside, places


def _seen(windows: Sequence[tuple[int, Sequence[Place]]]) -> list[tuple[int, int, int]]:
    """Each word that has a token, with the piece where it has most context, and its token there.

    Args:
        windows: of a row, in order: the number of the piece, and the places of words in it.
    """
    best: dict[int, tuple[float, int, int]] = {}
    for number, (piece, places) in enumerate(windows):
        for place in places:
            left = place.left if number else torch.inf  # the text itself begins here
            right = place.right if number < len(windows) - 1 else torch.inf
            context = min(left, right) if place.first else -1
            if place.word not in best or context > best[place.word][0]:
                best[place.word] = (context, piece, place.token)
    return [(word, piece, token) for word, (_, piece, token) in sorted(best.items())]


def _tags(inside: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[str]:
    """The tag of each word: of the first span that it shares a character with."""
    tags = ["O"] * len(inside)
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        free = [
            word
            for word, (start, end) in enumerate(inside)
            if start < span.end and end > span.start and tags[word] == "O"
        ]
        for number, word in enumerate(free):
            tags[word] = f"{'I' if number else 'B'}-{span.label}"
    return tags


def _spans(text: str, tags: Sequence[tuple[str, tuple[int, int]]]) -> tuple[Span, ...]:
    """Spans of words whose tags belong together."""
    found: list[Span] = []
    for tag, (start, end) in tags:
        mark, _, label = tag.partition("-")
        if mark == "I":
            start = found.pop().start
        if mark != "O":
            found.append(Span(start, end, label, text[start:end]))
    return tuple(found)

"""Rows as a model that writes reads them, with what it learns of them told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tunewell.contracts import Task
from tunewell.errors import ConfigError, NotApplicable
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.heads import head_for
from tunewell.fit.heads.writing import WritingHead, what_is_cut
from tunewell.fit.turns import Part
from tunewell.fit.vocabulary import IGNORED
from tunewell.values import Backbone, Example


@dataclass(frozen=True)
class Marked:
    """Training rows as they are learnt."""

    rows: tuple[tuple[str, tuple[Part, ...]], ...]
    """Where each stands, and its text in parts that are learnt or not."""
    notes: tuple[str, ...]
    """What rows have lost so that they fit."""
    tokens: int
    learnt: int
    """Of the tokens."""


def marked(task: Task, backbone: Backbone, examples: Sequence[Example]) -> Marked:
    """Rows as they would be learnt; nothing is loaded but the tokenizer.

    Raises:
        ConfigError: the backbone does not write texts, or its chat template refuses a row.
    """
    tokenizer = load_tokenizer(backbone)
    inputs, targets = [e.input for e in examples], [e.target for e in examples]
    try:
        head: WritingHead = head_for(task, backbone)  # type: ignore[assignment]
        head.equip(tokenizer)
        pieces = head.solved(tokenizer, inputs, targets, backbone.max_length, training=True)
        notes = what_is_cut(pieces, len(examples), backbone.max_length)
    except NotApplicable as reason:
        raise ConfigError(f"{backbone.name} cannot learn these rows: {reason}.") from reason
    rows, tokens, learnt = [], 0, 0
    for piece in pieces:
        labels = list(piece.labels or ())
        pairs = [
            (number, label != IGNORED) for number, label in zip(piece.ids, labels, strict=False)
        ]
        if not head.one_stack:  # what is read, and apart from it what is written
            pairs = [*((number, False) for number in piece.ids), *((n, True) for n in labels)]
        parts = [
            Part(tokenizer.decode([number for number, _ in run]), said)
            for said, run in groupby(pairs, key=lambda pair: pair[1])
        ]
        tokens += len(pairs)
        learnt += sum(said for _, said in pairs)
        rows.append((examples[piece.row].place, tuple(parts)))
    return Marked(tuple(rows), tuple(notes), tokens, learnt)


def as_messages(task: Task, example: Example) -> dict[str, list[dict[str, str]]]:
    """A row as OpenAI's fine-tuning and others read it: `{"messages": [...]}`."""
    asked = task.conversation(example.input)  # type: ignore[attr-defined]
    before = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
    return {"messages": [*before, {"role": "assistant", "content": example.target}]}

"""Texts without labels beside the rows, without those that test rows have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

from tunewell import registry
from tunewell.contracts import Task
from tunewell.errors import ConfigError
from tunewell.read.corpus import Corpus, survey
from tunewell.values import Example


def unlabelled(
    names: Sequence[str] | None, methods: Iterable[Any], task: Task, test: Sequence[Example]
) -> Corpus | None:
    """The texts of files and folders, for methods that read before they learn from rows.

    Args:
        names: None where none are given.
        methods: those that are to run.
        test: a text that is one of theirs is left out, so that no model has read it.

    Raises:
        ConfigError: no method reads any.
        DataError: there is no such file, or too little text.
    """
    if names is None:
        return None
    if not any(getattr(method, "reads_texts", False) for method in methods):
        able = [n for n, each in registry.methods().items() if getattr(each, "reads_texts", False)]
        raise ConfigError(
            "texts does nothing here: no method reads any.", f"Add {' or '.join(able)}."
        )
    return survey(names, withheld={text for example in test for text in _texts(task, example)})


def told_of(texts: Corpus | None) -> list[str]:
    """What should be known of texts without labels, in sentences; none where there are none."""
    if texts is None:
        return []
    return [f"{texts.documents:,} texts without labels to read.", *texts.notes]


def _texts(task: Task, example: Example) -> Iterator[str]:
    """What a document would say that gives a row away: its texts, and its whole where it has one.

    Space and punctuation do not count.
    """
    own = task.texts(example.input)
    yield from own
    if task.answers != "text":
        return
    yield example.target
    around = task.around(example.input) if hasattr(task, "around") else own
    words = example.target.split() if hasattr(task, "around") else [example.target]
    yield " ".join(chain.from_iterable(zip_longest(around, words, fillvalue="")))

"""Questions to an index: the passages that are nearest by their vectors and by their words.

The two lists are fused by reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tunewell.documents import store
from tunewell.documents.answering import Written, answered
from tunewell.documents.record import TABLES, Record, load_record, resolved
from tunewell.documents.settings import AskOptions
from tunewell.errors import ConfigError
from tunewell.values import Backbone, Machine

DEPTH = 100
"""Passages of each list that are fused."""
CONSTANT = 60
"""Added to every rank, as in the paper."""
LONGEST = 20_000
"""Characters of a question."""


@dataclass(frozen=True)
class Hit:
    """A passage that was found, and where it stands."""

    file: str
    start: int
    """`text[start:end]` of the document's text, in characters."""
    end: int
    line: int | None
    page: int | None
    heading: str
    """The headings that it stands under, from the outermost: `Leave > Notice period`."""
    text: str
    score: float
    """Of the fused lists; larger is better."""
    cosine: float | None
    """With the question; None where it is not among the nearest."""
    vectors_rank: int | None
    """Its place by vectors, from 1; None where it is not among the first hundred."""
    words_rank: int | None
    """Its place by words, likewise."""
    also: tuple[str, ...] = ()
    """Other places where the very same words stand."""

    @property
    def place(self) -> str:
        """Where it stands, in words: `leave.md, line 12, Notice period`."""
        return _place(self.file, self.line, self.page, self.heading)


@dataclass(frozen=True)
class Found:
    """A question and the passages for it, the best first."""

    question: str
    passages: tuple[Hit, ...]
    notes: tuple[str, ...] = ()
    """What should be known of the search."""
    answer: Written | None = None
    """What a model wrote from them, where one was asked to."""


@dataclass(frozen=True)
class Index:
    """An index, open for questions as it was when it was opened."""

    folder: Path
    record: Record
    table: Any
    backbone: Backbone | None
    """What makes vectors of questions; None where words alone are looked for."""
    machine: Machine

    def find(self, question: str, options: AskOptions | None = None) -> Found:
        """The passages that are nearest to a question, with an answer if a model is named.

        Raises:
            ConfigError: the question is empty or no question, no file matches, or the model that
                is to answer does not.
        """
        options = options or AskOptions()
        question = _question(question)
        files = self._matching(options.files)
        notes, cosines = [], {}
        lists: dict[store.By, list[store.Row]] = {}
        if options.by != "words":
            assert self.backbone is not None
            from tunewell.fit.prefix import body_of

            body = body_of(self.backbone, self.machine)
            vectors, tokens = body.vectors([question], self.record.settings.pooling)
            if tokens[0] >= self.backbone.max_length:
                most = self.backbone.max_length
                notes.append(f"The vector is that of the question's first {most} tokens.")
            vector = vectors[0].tolist()
            lists["vectors"] = store.nearest(self.table, vector, DEPTH, files)
            cosines = {row["_rowid"]: 1 - row["_distance"] for row in lists["vectors"]}
        if options.by != "vectors":
            lists["words"] = store.with_words(self.table, question, DEPTH, files)
            if not lists["words"]:
                notes.append("No passage has a word of the question.")
        passages = tuple(_fused(lists, cosines)[: options.passages])
        return answered(Found(question, passages, tuple(notes)), options)

    def _matching(self, pattern: str | None) -> list[str] | None:
        if pattern is None:
            return None
        files = [name for name in self.record.files if fnmatch(name, pattern)]
        if not files:
            some = ", ".join(list(self.record.files)[:3])
            raise ConfigError(f"No file in {self.folder} matches {pattern!r}.", f"It has {some}.")
        return files


def open_index(folder: str | Path, by: str = "both") -> Index:
    """The index of a folder, as the last finished `index` left it.

    Args:
        folder: that `tunewell index` made.
        by: what it will be asked by; `words` needs no backbone.

    Raises:
        ConfigError: there is no finished index, or its backbone has changed.
        ResourceError: its backbone or a package is missing.
    """
    from tunewell.fit import machine as machines

    store.refuse_without_packages()
    folder = Path(folder).expanduser()
    record = load_record(folder)
    if record is None:
        half = (folder / TABLES).exists()
        raise ConfigError(
            f"{folder} holds no finished index." if half else f"There is no index in {folder}.",
            "",
            f"`tunewell index DOCUMENTS --out {folder}` makes it.",
        )
    table = store.open_table(folder / TABLES, record.settings.table)
    table.checkout(record.version)
    backbone = None if by == "words" else resolved(folder, record.settings)
    return Index(folder, record, table, backbone, machines.find())


def _question(typed: str) -> str:
    """The question without what is no character."""
    question = typed.encode("utf-8", "replace").decode("utf-8").strip()
    if not question:
        raise ConfigError(
            "The question is empty.", "", 'Ask in quotes: "What is the notice period?"'
        )
    if len(question) > LONGEST:
        raise ConfigError(
            f"The question has {len(question):,} characters.", f"At most {LONGEST:,} are expected."
        )
    return question


def _fused(lists: dict[store.By, list[store.Row]], cosines: dict[int, float]) -> list[Hit]:
    """All passages of the lists by the sum of their reciprocal ranks; equal texts are one."""
    ranks: dict[int, dict[store.By, int]] = {}
    rows: dict[int, store.Row] = {}
    for by, found in lists.items():
        for rank, row in enumerate(found, 1):
            rows[row["_rowid"]] = row
            ranks.setdefault(row["_rowid"], {})[by] = rank
    scores = {key: sum(1 / (CONSTANT + rank) for rank in ranks[key].values()) for key in rows}
    same: dict[str, list[int]] = {}
    for key in sorted(rows, key=lambda key: (-scores[key], -cosines.get(key, 0.0))):
        same.setdefault(_text(rows[key]), []).append(key)
    return [
        _hit(rows[key], scores[key], cosines.get(key), ranks[key], [rows[o] for o in others])
        for key, *others in same.values()
    ]


def _hit(
    row: store.Row,
    score: float,
    cosine: float | None,
    ranks: dict[store.By, int],
    others: Sequence[store.Row],
) -> Hit:
    where = {name: row[name] for name in ("file", "start", "end", "line", "page", "heading")}
    also = [_place(o["file"], o["line"], o["page"], o["heading"]) for o in others]
    return Hit(
        **where,
        text=_text(row),
        score=score,
        cosine=cosine,
        vectors_rank=ranks.get("vectors"),
        words_rank=ranks.get("words"),
        also=tuple(also),
    )


def _text(row: store.Row) -> str:
    """The passage itself, which stands after its context."""
    return str(row[store.WORDS])[row["start"] - row["end"] :]


def _place(file: str, line: int | None, page: int | None, heading: str) -> str:
    exact = f"page {page}" if page else f"line {line}" if line else ""
    return ", ".join(part for part in (file, exact, heading.rpartition(" > ")[2]) if part)

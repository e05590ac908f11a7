"""Pieces of text that were seen in training are found again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Predictor, Task
from tunewell.registry import task as task_named
from tunewell.values import (
    Answer,
    Kind,
    Machine,
    ParameterCount,
    Span,
    read_json,
    to_json,
    write_json,
)

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand

Words = tuple[str, ...]


@dataclass(frozen=True)
class Dictionary:
    """A list of the pieces that training rows have, each with its most frequent type.

    What moves: nothing; pieces are counted. Needs: rows with named pieces. Costs: nothing.
    Choose it: where the same names come again and again, and to see what training adds to that.
    Of several that begin at a word the longest counts; one that is mostly no name is left alone.
    Neighbours: `head` and `lora` also find what they have never seen.
    Source: the baseline of the CoNLL-2003 shared task (Tjong Kim Sang and De Meulder, 2003).
    """

    name: ClassVar[str] = "dictionary"
    summary: ClassVar[str] = "nothing moves: names seen in training are found again"
    rung: ClassVar[int] = 5
    needs_backbone: ClassVar[bool] = False
    answers: ClassVar[tuple[Kind, ...]] = ("spans",)

    def fit(self, job: Job) -> Predictor:
        """Count what each sequence of words is, and how often it is nothing."""
        rows = [(_read(job.task, example.input), example.target) for example in job.train]
        return DictionaryPredictor(job.task, _entries(rows))

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def fit(inputs, targets, read):
                \"\"\"What each run of words of the training rows is, counted.\"\"\"
                read_rows = [_read(TASK, given) for given in inputs]
                entries = _entries(list(zip(read_rows, targets, strict=True)))
                return DictionaryPredictor(TASK, entries).predict
            """
        only = {DictionaryPredictor: ("predict",)}
        return ByHand(lines(code), uses=(DictionaryPredictor, _entries), only=only)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote."""
        record = read_json(folder / "model.json")
        task = task_named(record["task"]["name"]).from_json(record["task"])
        entries = {tuple(run): (label, share) for run, label, share in record["entries"]}
        return DictionaryPredictor(task, entries)


@dataclass(frozen=True)
class DictionaryPredictor:
    """Looks every run of words up, longest first, from the left."""

    task: Task
    entries: dict[Words, tuple[str, float]]
    """Words -> their type, and how often they were that, 0 to 1."""
    parameters: ParameterCount = ParameterCount()

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The known pieces of each text; as sure as the least sure of them."""
        longest = max(map(len, self.entries), default=0)
        return [self._find(*_read(self.task, given), longest) for given in inputs]

    def _find(self, text: str, places: Sequence[tuple[int, int]], longest: int) -> Answer:
        words, found, shares, free = [text[a:b] for a, b in places], [], [], 0
        for start, end in _runs(len(words), longest):
            entry = self.entries.get(tuple(words[start:end])) if start >= free else None
            if entry is not None:
                a, b = places[start][0], places[end - 1][1]
                found.append(Span(a, b, entry[0], text[a:b]))
                shares.append(entry[1])
                free = end
        return Answer(tuple(found), min(shares, default=None))

    def save(self, folder: Path) -> None:
        """One JSON file."""
        folder.mkdir(parents=True, exist_ok=True)
        record = {"format": 1, "method": Dictionary.name, "task": self.task.to_json()}
        entries = [(run, label, share) for run, (label, share) in self.entries.items()]
        write_json(folder / "model.json", {**record, "entries": to_json(entries)})


def _entries(
    rows: Sequence[tuple[tuple[str, list[tuple[int, int]]], Sequence[Span]]],
) -> dict[Words, tuple[str, float]]:
    """The type of each run of words that is most often a piece, and how often it is that.

    Args:
        rows: text and places of its words, and its pieces.
    """
    counts: defaultdict[Words, Counter[str]] = defaultdict(Counter)
    for (text, places), spans in rows:
        for span in spans:
            inside = tuple(text[a:b] for a, b in places if a < span.end and b > span.start)
            if inside:
                counts[inside][span.label] += 1
    longest = max(map(len, counts), default=0)
    for (text, places), spans in rows:
        taken = [any(a < s.end and b > s.start for s in spans) for a, b in places]
        words = [text[a:b] for a, b in places]
        for start, end in _runs(len(words), longest):
            if (run := tuple(words[start:end])) in counts and not any(taken[start:end]):
                counts[run][""] += 1
    entries = {}
    for run, types in sorted(counts.items()):
        label, times = max(sorted(types.items()), key=lambda item: item[1])
        if label:
            entries[run] = (label, times / types.total())
    return entries


def _runs(count: int, longest: int) -> Iterator[tuple[int, int]]:
    """Every run of words, from the left and the longest first.

    >>> list(_runs(3, 2))
    [(0, 2), (0, 1), (1, 3), (1, 2), (2, 3)]
    """
    for start in range(count):
        for end in range(min(count, start + longest), start, -1):
            yield start, end


def _read(task: Task, given: Any) -> tuple[str, list[tuple[int, int]]]:
    """The text of an input and where its words lie: as they are known, else as they are seen."""
    from tunewell.fit.words import words

    text = task.texts(given)[0]
    known = None if isinstance(given, str) else given.get("words")
    return text, words(text) if known is None else [(a, b) for a, b in known]

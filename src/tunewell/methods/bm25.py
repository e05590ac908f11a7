"""Words that few passages have say which passage a query is about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.errors import ConfigError
from tunewell.registry import task as task_named
from tunewell.values import Answer, Kind, Machine, ParameterCount, read_json, write_json

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand


@dataclass(frozen=True)
class Bm25:
    """Ranking by the words in common, of which rare ones count more and repeated ones less.

    What moves: nothing; words are counted. Needs: queries with their passages. Costs: next to
    nothing, and no language model.
    Choose it: where queries use the words of the passages, names and numbers above all; and as
    the floor that vectors have to beat.
    Neighbours: `cosine` also finds passages that say the same in other words.
    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """

    name: ClassVar[str] = "bm25"
    summary: ClassVar[str] = "nothing moves: words in common, rare ones first"
    rung: ClassVar[int] = 5
    needs_backbone: ClassVar[bool] = False
    answers: ClassVar[tuple[Kind, ...]] = ("vector",)

    k1: float = 1.2
    """How much a word that is repeated counts; the paper's and Lucene's usual value."""
    b: float = 0.75
    """How much long passages are held back, 0 to 1; the paper's and Lucene's usual value."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.k1 < 0:
            raise ConfigError(f"k1 is {self.k1:g}.", "0 or more is expected.")
        if not 0 <= self.b <= 1:
            raise ConfigError(f"b is {self.b:g}.", "0 to 1 is expected.")

    def fit(self, job: Job) -> Bm25Predictor:
        """Count in how many of the training passages each word stands."""
        return counted_in(job.task, [example.input for example in job.train], self.k1, self.b)

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = f"""
            def fit(inputs, targets, read):
                \"\"\"Words of the training passages, counted.\"\"\"
                return counted_in(TASK, inputs, {self.k1}, {self.b}).predict
            """
        only = {Bm25Predictor: ("predict",)}
        return ByHand(lines(code), uses=(Bm25Predictor, counted_in), only=only)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Bm25Predictor:
        """The predictor that `fit` made and `save` wrote."""
        record = read_json(folder / "model.json")
        task = task_named(record["task"]["name"]).from_json(record["task"])
        known = (record[name] for name in ("k1", "b", "passages", "size", "among"))
        return Bm25Predictor(task, *known)


@dataclass(frozen=True)
class Bm25Predictor:
    """Vectors of words, whose product is the score of BM25."""

    task: Task
    k1: float
    b: float
    passages: int
    """Training passages."""
    size: float
    """Their words on average."""
    among: dict[str, int]
    """In how many of them each word stands."""
    parameters: ParameterCount = ParameterCount()

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """A vector each text: of a query how often it has each word, of passages what that says."""
        return [
            Answer(
                tuple((self._passage if n else self._query)(t) for n, t in enumerate(given) if t)
            )
            for given in inputs
        ]

    def _query(self, text: str) -> dict[str, float]:
        return {word: float(count) for word, count in _words(text).items()}

    def _passage(self, text: str) -> dict[str, float]:
        counts = _words(text)
        held = self.k1 * (1 - self.b + self.b * counts.total() / (self.size or 1.0))
        return {
            word: round(self._worth(word) * count * (self.k1 + 1) / (count + held), 6)
            for word, count in counts.items()
        }

    def _worth(self, word: str) -> float:
        among = self.among.get(word, 0)
        return math.log(1 + (self.passages - among + 0.5) / (among + 0.5))

    def save(self, folder: Path) -> None:
        """One JSON file."""
        folder.mkdir(parents=True, exist_ok=True)
        record = {"format": 1, "method": Bm25.name, "task": self.task.to_json()}
        names = ("k1", "b", "passages", "size", "among")
        write_json(folder / "model.json", record | {name: getattr(self, name) for name in names})


def counted_in(task: Task, inputs: Sequence[Any], k1: float, b: float) -> Bm25Predictor:
    """In how many of the passages each word stands, and how long they are."""
    passages = dict.fromkeys(text for given in inputs for text in task.texts(given)[1:])
    counts = [_words(text) for text in passages]
    among = Counter(word for count in counts for word in count)
    size = sum(count.total() for count in counts) / max(1, len(counts))
    return Bm25Predictor(task, k1, b, len(counts), size, dict(among))


def _words(text: str) -> Counter[str]:
    from tunewell.fit.words import words

    return Counter(text[a:b].casefold() for a, b in words(text) if any(map(str.isalnum, text[a:b])))

"""The sentence of a passage that shares most words with the question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.registry import task as task_named
from tunewell.values import Answer, Kind, Machine, ParameterCount, Span, read_json, write_json

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand

SENTENCE = re.compile(r"\S.*?(?:[.!?](?=[\"'”’)\]]*\s)[\"'”’)\]]*|[。！？]|$)", re.MULTILINE)


@dataclass(frozen=True)
class BestSentence:
    """The whole sentence that has most words in common with the question.

    What moves: nothing. Needs: a question and a passage. Costs: next to nothing.
    Choose it: where a sentence to read is answer enough, and to compare: words that few of the
    passage's sentences have count more. It never says that there is no answer.
    Neighbours: `head` finds the words themselves, with a backbone.
    Source: the sliding window of arXiv 1606.05250, section 5, by sentences.
    """

    name: ClassVar[str] = "best_sentence"
    summary: ClassVar[str] = "nothing moves: the sentence most like the question"
    rung: ClassVar[int] = 5
    needs_backbone: ClassVar[bool] = False
    answers: ClassVar[tuple[Kind, ...]] = ("span",)

    def fit(self, job: Job) -> Sentences:
        """There is nothing to learn."""
        return Sentences(job.task)

    def grid(self) -> tuple[Self, ...]:
        """Nothing to search."""
        return (self,)

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines

        code = """
            def fit(inputs, targets, read):
                \"\"\"The sentence that shares most with its question; no row is looked at.\"\"\"
                return Sentences(TASK).predict
            """
        return ByHand(lines(code), uses=(Sentences,), only={Sentences: ("predict",)})

    @staticmethod
    def load(folder: Path, machine: Machine) -> Sentences:
        """The predictor that `fit` made and `save` wrote."""
        record = read_json(folder / "model.json")
        return Sentences(task_named(record["task"]["name"]).from_json(record["task"]))


@dataclass(frozen=True)
class Sentences:
    """The best-overlapping sentence of each passage; the first among equals."""

    task: Task
    parameters: ParameterCount = ParameterCount()

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One sentence an input, in order."""
        return [Answer(_best(each["question"], each["passage"])) for each in inputs]

    def save(self, folder: Path) -> None:
        """One JSON file."""
        folder.mkdir(parents=True, exist_ok=True)
        record = {"format": 1, "method": BestSentence.name, "task": self.task.to_json()}
        write_json(folder / "model.json", record)


def _best(question: str, passage: str) -> Span | None:
    places = [match.span() for match in SENTENCE.finditer(passage) if match[0].strip()]
    if not places:
        return None
    sentences = [_words(passage[a:b]) for a, b in places]
    among = Counter(word for sentence in sentences for word in sentence)
    asked = _words(question)
    worth = {word: math.log(1 + len(sentences) / among[word]) for word in asked & among.keys()}
    shared = [math.fsum(worth[word] for word in sentence & asked) for sentence in sentences]
    start, end = places[max(range(len(places)), key=shared.__getitem__)]
    text = passage[start:end].rstrip()
    return Span(start, start + len(text), "", text)


def _words(text: str) -> set[str]:
    from tunewell.fit.words import words

    return {text[a:b].casefold() for a, b in words(text) if any(map(str.isalnum, text[a:b]))}

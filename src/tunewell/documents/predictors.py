"""Models that answer from passages of documents which are looked up for each question."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tunewell.contracts import Predictor, Task
from tunewell.documents.settings import AskOptions
from tunewell.endpoint import Caps
from tunewell.fit.records import Record
from tunewell.values import Answer, ParameterCount, Span, write_json

if TYPE_CHECKING:
    from tunewell.documents.finding import Index
    from tunewell.fit.prompting.asked import AskedPredictor
    from tunewell.fit.turns import Asked

By = Literal["both", "vectors", "words"]


class Finds(Protocol):
    """Gives passages for a question."""

    def passages_for(self, task: Task, given: Any) -> list[str]:
        """The passages for an input's question, the best first."""


@dataclass(frozen=True)
class Lookup:
    """An index, and how passages are looked up in it."""

    index: Index
    passages: int
    by: By

    def passages_for(self, task: Task, given: Any) -> list[str]:
        """The passages for an input's question, the best first."""
        question = given.get("question") or "\n".join(task.texts(given))
        found = self.index.find(question, AskOptions(passages=self.passages, by=self.by))
        return [hit.text for hit in found.passages]


@dataclass(frozen=True)
class AskedWithPassages:
    """A model that is asked each question after the passages for it."""

    asked: AskedPredictor
    lookup: Finds

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.asked.task

    @property
    def parameters(self) -> ParameterCount:
        """None of its own; the backbone counts in all."""
        return self.asked.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        written = self.asked.writer.write(self.put(inputs), self.asked.most)
        return [self.asked.heard(g, said) for g, said in zip(inputs, written, strict=True)]

    def put(self, inputs: Sequence[Any]) -> list[Asked]:
        """What the model is asked about each input: its question behind its passages."""
        from tunewell.fit.prompting.passages import with_passages

        writer, most = self.asked.writer, self.asked.most
        found = [(_question(g), self.lookup.passages_for(self.task, g)) for g in inputs]
        return [with_passages(writer, asked, passages, most)[0] for asked, passages in found]

    def told(self) -> list[str]:
        """Sentences on answers that were refused or could not be read, since it was loaded."""
        return self.asked.told()

    def spent(self) -> dict[str, float] | None:
        """What the answers since it was loaded have cost at an endpoint; None where none was."""
        return self.asked.spent()

    def bounded(self, caps: Caps) -> AskedWithPassages:
        """The same with other caps than those of the run that made it."""
        return replace(self, asked=self.asked.bounded(caps))

    def save(self, folder: Path) -> None:
        """As a model that is asked, with a copy of the index."""
        self.asked.save(folder)
        _keep(self.lookup, folder)


@dataclass(frozen=True)
class ReaderOfPassages:
    """A fitted model that reads the passages for each question and finds the answer in them."""

    record: Record
    reader: Predictor
    """What an earlier run has fitted to the same task."""
    lookup: Finds

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.reader.task

    @property
    def parameters(self) -> ParameterCount:
        """None of its own; those of the reader count in all."""
        return self.record.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order, with its place in the row's own passage.

        What was found is read as one text. An answer that the row's passage does not hold is none.
        """
        passages = [self.lookup.passages_for(self.task, given) for given in inputs]
        read = [number for number, found in enumerate(passages) if found]
        asked = [{**inputs[number], "passage": "\n\n".join(passages[number])} for number in read]
        answers = [Answer(None)] * len(inputs)
        for number, answer in zip(read, self.reader.predict(asked), strict=True):
            answers[number] = _placed(answer, inputs[number]["passage"])
        return answers

    def save(self, folder: Path) -> None:
        """`model.json`, which names the reader's folder, and a copy of the index."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)
        _keep(self.lookup, folder)


def _keep(lookup: Finds, folder: Path) -> None:
    """A copy of the index, and `retrieve.json`."""
    assert isinstance(lookup, Lookup)
    left = shutil.ignore_patterns(".lock", ".running")
    shutil.copytree(lookup.index.folder, folder / "documents", ignore=left)
    write_json(folder / "retrieve.json", {"passages": lookup.passages, "by": lookup.by})


def _placed(answer: Answer, passage: str) -> Answer:
    """An answer that was found in other passages, at its place in a row's own."""
    from tunewell.fit.prompting.questions import place_in

    if not isinstance(answer.value, Span) or not answer.value.text:
        return answer
    return replace(answer, value=place_in(passage, answer.value.text))


def _question(given: Any) -> str:
    """A row's question, without any passage of its own."""
    if "question" in given:
        return f"Question: {' '.join(given['question'].split())}\nAnswer:"
    lines = [f"Instruction: {' '.join(given['instruction'].split())}"]
    if "input" in given:
        lines.append(f"Input: {' '.join(given['input'].split())}")
    return "\n".join([*lines, "Response:"])

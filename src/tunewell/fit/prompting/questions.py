"""How a row becomes what a model is asked, and what it writes an answer of the task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.fit.turns import ASSISTANT, Asked
from tunewell.inputs import number_in
from tunewell.values import Answer, Example, Span

THOUGHT = "</think>"
"""What a model that thinks aloud ends its thinking with."""


@dataclass(frozen=True)
class Questions:
    """The questions of a task, for a model that talks or one that goes on with a text.

    A model that talks is told what to do by a user: a task whose answers are texts is asked as it
    is trained, with solved rows as earlier turns; any other by its prompt.
    """

    task: Any
    talks: bool
    preface: str | None = None
    """Stands before each question instead of the task's own words and of solved rows."""

    def asked(self, input: Any, shots: Sequence[Example] = ()) -> Asked:
        """What a model is to answer, after solved rows."""
        if self.preface is not None:
            return self.said(_joined([self.preface, question(self.task, input)]))
        goes_on = getattr(self.task, "learns_input", False)  # a text, whoever reads it
        if (self.talks or goes_on) and hasattr(self.task, "conversation"):
            return _turns(self.task, input, shots)
        return self.said(self.task.prompt(input, shots))

    def said(self, text: str) -> Asked:
        """A text as the model is asked it: by a user, or to be gone on with."""
        return ({"role": "user", "content": text},) if self.talks else text

    def read(self, input: Any, text: str | None) -> Answer:
        """The answer in what a model wrote; value None where there is none in it.

        Where it is not the answer and nothing else, the only label, choice or number in it is.
        """
        if text is None:
            return Answer(None)
        text = text.rpartition(THOUGHT)[2].strip()
        if not self.talks:  # what follows an empty line is the next question
            text = text.partition("\n\n")[0]
        said = self.task.parse(text)
        kind = self.task.answers
        if kind == "label" and said.value is None:
            names = {label: self.task.named(label) for label in self.task.labels}
            return Answer(_only(text, names.items()))
        if kind == "choice":
            return Answer(_choice(text, said.value, input["choices"]))
        if kind == "number" and said.value is None:
            found = re.findall(r"-?\d+(?:[.,]\d+)?", text)
            return Answer(number_in(found[0]) if len(found) == 1 else None)
        if kind == "span" and isinstance(said.value, Span) and said.value.text:
            return Answer(place_in(self.task.texts(input)[-1], said.value.text))
        return said


def question(task: Any, input: Any) -> str:
    """The part of a prompt that ends where the answer begins, without what is told before."""
    return str(task.prompt(input)).split("\n\n")[-1]


def told_before(task: Any, input: Any) -> str:
    """What a prompt says before its question; "" where it says nothing."""
    return str(task.prompt(input)).rpartition("\n\n")[0]


def answer_of(task: Any, input: Any, target: Any) -> str:
    """A target as it stands behind a question: what a model is to write."""
    solved = str(task.prompt(input, [Example(input, target)]))
    after = solved[solved.index(question(task, input)) :]
    return after[len(question(task, input)) :].split("\n\n")[0].strip()


def solved(task: Any, shots: Iterable[Example]) -> str:
    """Questions with their answers, an empty line between them."""
    rows = [(question(task, s.input), answer_of(task, s.input, s.target)) for s in shots]
    return "\n\n".join(f"{asked} {answer}" for asked, answer in rows)


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _turns(task: Any, input: Any, shots: Sequence[Example]) -> Asked:
    """A conversation that begins with solved rows, each a question and its answer."""
    asked = task.conversation(input)
    if isinstance(asked, str):
        before = [f"{task.conversation(shot.input)}{shot.target}" for shot in shots]
        return "\n\n".join([*before, asked])
    turns = [
        message
        for shot in shots
        for message in (
            *(m for m in task.conversation(shot.input) if m["role"] != "system"),
            {"role": ASSISTANT, "content": shot.target},
        )
    ]
    first = 1 if asked[0]["role"] == "system" else 0
    return (*asked[:first], *turns, *asked[first:])


def _only(text: str, names: Iterable[tuple[str, str]]) -> str | None:
    """The only one of these that a text names, as itself or in words; None where it is not one."""
    found = {
        label
        for label, name in names
        for word in (label, name)
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)
    }
    return found.pop() if len(found) == 1 else None


def _choice(text: str, line: Any, choices: Sequence[str]) -> str | None:
    """The choice that a line is, else the only one in the text."""
    line = str(line or "").removeprefix("- ").strip(" .\"'`").casefold()
    for choice in choices:
        if line == choice.strip(" .\"'`").casefold():
            return choice
    return _only(text, [(choice, choice) for choice in choices])


def place_in(passage: str, text: str) -> Span | None:
    """Where a text stands in a passage, whatever its spaces and capitals."""
    words = text.strip(" .\"'`").split()
    found = re.search(r"\s+".join(map(re.escape, words)), passage, re.IGNORECASE)
    if not words or found is None:
        return None
    return Span(found.start(), found.end(), "", found[0])

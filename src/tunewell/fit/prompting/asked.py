"""A model that is asked, as a predictor: nothing of it moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tunewell.contracts import Predictor
from tunewell.decide import one_label
from tunewell.endpoint import Caps
from tunewell.fit.endpoints import named
from tunewell.fit.prompting.questions import Questions
from tunewell.fit.prompting.shots import Shots
from tunewell.fit.prompting.tally import Tally
from tunewell.fit.prompting.writers import LocalWriter, Said, Writer, writer_of
from tunewell.fit.recorded import Recorded
from tunewell.fit.records import read_record
from tunewell.fit.surprise import surprises
from tunewell.fit.turns import Asked
from tunewell.surprise import Surprise
from tunewell.values import (
    Answer,
    Example,
    Machine,
    fingerprint,
    frozen,
    read_json,
    to_json,
    write_json,
)

By = Literal["scoring", "generating"]
LEAST = 1e-12
"""A probability that is not lower."""
PROMPT = "prompt.txt"
CARD = """\
# {name}, asked

Nothing was trained. With Tunewell: `tunewell predict FOLDER "a text"`. `model.json` holds the task
and the name of the model{more}.
"""


@dataclass(frozen=True)
class AskedPredictor(Recorded):
    """A model that is asked each row in words."""

    writer: Writer
    questions: Questions
    shots: Shots
    by: By
    most: int
    """Tokens of an answer."""
    bias: tuple[float, ...] = ()
    """How much a model likes each label whatever is asked, in nats; taken off what it scores."""
    tally: Tally = field(default_factory=Tally)

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        if self.by == "scoring":
            return self.decided(inputs, self.nats(inputs))
        written = self.writer.write(self.asked(inputs), self.most)
        return [self.heard(given, said) for given, said in zip(inputs, written, strict=True)]

    def heard(self, given: Any, said: Said) -> Answer:
        """The answer in what was written to an input, which is counted."""
        answer = self.questions.read(given, said.text)
        self.tally.add(said, answer.value is not None)
        return answer

    def asked(self, inputs: Sequence[Any]) -> list[Asked]:
        """What each input is asked with: as many of its solved rows as the window holds."""
        before = self.shots.before(inputs)
        return [self._fitting(given, shots) for given, shots in zip(inputs, before, strict=True)]

    def _fitting(self, given: Any, shots: tuple[Example, ...]) -> Asked:
        asked = self.questions.asked(given, shots)
        window = self.writer.window
        while shots and window is not None and self.writer.tokens(asked) + self.most > window:
            shots = shots[1:]
            asked = self.questions.asked(given, shots)
        return asked

    def nats(self, inputs: Sequence[Any]) -> list[list[float]]:
        """Of each input how likely each answer is that there may be, as a logarithm."""
        labels = [self.task.named(label) for label in getattr(self.task, "labels", ())]  # type: ignore[attr-defined]
        by_row = self.task.answers == "choice"
        answers = [list(given["choices"]) if by_row else labels for given in inputs]
        return self.writer.scores(self.asked(inputs), answers)  # type: ignore[attr-defined]

    def decided(self, inputs: Sequence[Any], nats: Sequence[Sequence[float]]) -> list[Answer]:
        """The answers that such logarithms make the likeliest."""
        task: Any = self.task
        thresholds, temperature = getattr(task, "thresholds", {}), getattr(task, "temperature", 1.0)
        answers = []
        for given, row in zip(inputs, nats, strict=True):
            if task.answers == "label":
                bias = self.bias or [0.0] * len(row)
                shares = shares_of([n - b for n, b in zip(row, bias, strict=True)])
                scores = dict(zip(task.labels, shares, strict=True))
                answers.append(one_label(scores, thresholds, temperature))
            else:
                each = zip(row, given["choices"], strict=True)
                shares = shares_of([n / max(1, len(choice)) for n, choice in each])
                scores = dict(zip(given["choices"], shares, strict=True))
                best = max(scores, key=scores.__getitem__)
                answers.append(Answer(best, scores[best], scores))
        return answers

    def unbiased(self, nats: Sequence[Sequence[float]]) -> AskedPredictor:
        """The same with its bias, by what it scores for some rows, whose labels do not matter.

        Batch calibration (Zhou et al., arXiv 2309.17249).
        """
        if self.task.answers != "label":
            return self
        logs = [[math.log(max(share, LEAST)) for share in shares_of(row)] for row in nats]
        means = (sum(column) / len(logs) for column in zip(*logs, strict=True))
        return replace(self, bias=tuple(means))

    def surprise(self, inputs: Sequence[Any], targets: Sequence[Any]) -> list[Surprise | None]:
        """How little the model expected each target behind its question; None at an endpoint.

        A text that is learnt whole is expected from its start, without solved rows before it.
        """
        writer, task = self.writer, self.task
        if task.head != "writing" or not isinstance(writer, LocalWriter):
            return [None] * len(inputs)
        if getattr(task, "learns_input", False):
            asked, head = list(inputs), replace(writer.head, task=task)
        else:
            asked, head = self.asked(inputs), writer.head
            behind = (" " if isinstance(each, str) else "" for each in asked)
            targets = [space + each for space, each in zip(behind, targets, strict=True)]
        length, machine = writer.backbone.max_length, writer.machine
        return surprises(writer.model, head, writer.tokenizer, asked, targets, length, machine)

    def told(self) -> list[str]:
        """Sentences on answers that were refused or could not be read, since it was loaded."""
        return self.tally.sentences()

    def spent(self) -> dict[str, float] | None:
        """What the answers since it was loaded have cost at an endpoint; None where none was."""
        endpoint = self.record.backbone.endpoint
        return self.tally.spent(endpoint) if endpoint is not None else None

    def bounded(self, caps: Caps) -> AskedPredictor:
        """The same with other caps than those of the run that made it, for whoever uses it then.

        Raises:
            ConfigError: money is bounded, and what tokens cost is not known.
        """
        backbone = self.record.backbone
        if backbone.endpoint is None:
            return self
        backbone = replace(backbone, endpoint=named.bounded(backbone.endpoint, caps))
        record = replace(self.record, backbone=backbone)
        return replace(self, record=record, writer=writer_of(backbone, record.machine))

    def save(self, folder: Path) -> None:
        """`model.json`, the solved rows, the prompt if it has one of its own, and the card."""
        folder.mkdir(parents=True, exist_ok=True)
        preface = self.questions.preface
        more = f", `{PROMPT}` what stands before each question" if preface is not None else ""
        if self.shots.rows:
            more += ", `shots.json` solved rows"
        card = CARD.format(name=self.record.backbone.name, more=more)
        (folder / "README.md").write_text(card, encoding="utf-8")
        if preface is not None:
            (folder / PROMPT).write_text(preface + "\n", encoding="utf-8")
        rows = [{"input": row.input, "target": row.target} for row in self.shots.rows]
        if rows:
            write_json(folder / "shots.json", to_json(rows))
        asked = {
            "by": self.by,
            "most": self.most,
            "bias": list(self.bias),
            "k": self.shots.k,
            "nearest": self.shots.nearest,
            "prompt": None if preface is None else fingerprint(preface),
        }
        self.record.write(folder, asked=asked)


def load_asked(folder: Path, machine: Machine) -> AskedPredictor:
    """The predictor that `AskedPredictor.save` wrote; a prompt that was edited since is asked."""
    record, value = read_record(folder, machine)
    asked, rows, preface = value["asked"], (), None
    if asked["k"]:
        kept = read_json(folder / "shots.json")
        rows = tuple(Example(frozen(row["input"]), frozen(row["target"])) for row in kept)
    if asked["prompt"] is not None:
        preface = (folder / PROMPT).read_text(encoding="utf-8").removesuffix("\n")
    same = preface is None or fingerprint(preface) == asked["prompt"]
    writer = writer_of(record.backbone, record.machine)
    return AskedPredictor(
        record,
        writer,
        Questions(record.task, writer.talks, preface),
        Shots(record.task, rows, asked["k"], asked["nearest"]),
        asked["by"],
        asked["most"],
        tuple(asked["bias"]) if same else (),
    )


def load_asked_or(folder: Path, machine: Machine) -> Predictor:
    """The same, or the neighbours that the same method fits to a sentence encoder."""
    if "asked" in read_json(folder / "model.json"):
        return load_asked(folder, machine)
    from tunewell.fit.neighbours import load_neighbours

    return load_neighbours(folder, machine)


def shares_of(nats: Sequence[float]) -> list[float]:
    """Probabilities from their logarithms but for a constant; they sum to 1."""
    most = max(nats)
    powers = [math.exp(each - most) for each in nats]
    return [power / sum(powers) for power in powers]

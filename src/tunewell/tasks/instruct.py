"""An instruction in, perhaps with something to apply it to; the response out, as a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.contracts import Metric
from tunewell.errors import EmptyCell
from tunewell.values import Answer, Column, Example, Kind, to_json


@dataclass(frozen=True)
class Instruct:
    """What a model writes when it is told to.

    Row in: `{"instruction": "Name the capital.", "input": "France", "output": "Paris"}`

    Answer out: `Answer(value="Paris")`

    Metrics: `f1`, the words in common with the right text, decides where half of the answers have
    at most five words, else `rouge_l`, the longest sequence of words in common. Beside them
    `exact_match`, `rouge_1` and `rouge_2`.

    The files of Alpaca, of prompts with completions, and of questions with answers are read as
    they are; conversations are for `chat`. An empty input is none. Where LLaMA-Factory's
    `dataset_info.json` lies beside a file, it names the columns.
    """

    name: ClassVar[str] = "instruct"
    head: ClassVar[str] = "writing"
    summary: ClassVar[str] = "an instruction in, perhaps with an input; a text out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "instruction",
            "What is to be done, or what is asked.",
            "instructions",
            headers=("instruction", "prompt", "question", "query", "request", "frage", "pregunta"),
        ),
        Column(
            "input",
            "What it is to be done with.",
            "inputs",
            headers=("input", "context"),
            needed=False,
        ),
        Column(
            "output",
            "What is to be said.",
            "outputs",
            headers=(
                "output",
                "response",
                "completion",
                "answer",
                "target",
                "chosen",
                "antwort",
                "respuesta",
            ),
            target=True,
        ),
    )
    answers: ClassVar[Kind] = "text"

    metric: str = "rouge_l"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """F1, exact match, and ROUGE-1, -2 and -L."""
        from tunewell.measure.metrics.texts import ALIKE

        return dict(ALIKE)

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """F1 for short answers, else ROUGE-L."""
        from tunewell.measure.metrics.texts import deciding

        return deciding([example.target for example in train])

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Instruct:
        """With the metric that decides; there is nothing else to learn."""
        return cls(metric or cls.choose_metric(train)[0])

    def input(self, row: dict[str, Any], where: str) -> dict[str, str]:
        """The instruction, and the input where there is one."""
        said, given = row.get("instruction"), row.get("input")
        if not isinstance(said, str) or not said.strip():
            found = f"{where}: the instruction is empty."
            raise EmptyCell(found, "Each row needs one.", column="instruction")
        made = {"instruction": said}
        return made | {"input": given} if isinstance(given, str) and given.strip() else made

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `instruction`, `output`, and maybe `input` -> an example."""
        given, output = self.input(row, where), row.get("output")
        if not isinstance(output, str) or not output.strip():
            found = f"{where}: the output is empty."
            raise EmptyCell(found, "What is to be said is expected.", column="output")
        return Example(given, output.strip(), source=where)

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """What a model is asked: the instruction, and the input after an empty line."""
        texts = [input["instruction"], input.get("input", "")]
        return ({"role": "user", "content": "\n\n".join(text for text in texts if text)},)

    def texts(self, input: Any) -> tuple[str, ...]:
        """The instruction, and the input where there is one."""
        return tuple(input.values())

    def shown(self, value: Any) -> str:
        """The text."""
        return "(no answer)" if value is None else value or "(nothing)"

    def ideal(self, target: Any) -> Any:
        """The text."""
        return target

    def right(self, target: Any, value: Any) -> float:
        """By the deciding metric."""
        from tunewell.measure.metrics import texts

        return texts.right(self.metric, target, value)

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """A question that ends where the answer begins, after solved examples."""
        solved = [f"{_asked(shot.input)} {_line(shot.target)}" for shot in shots]
        return "\n\n".join([*solved, _asked(input)])

    def parse(self, text: str) -> Answer:
        """The text itself."""
        return Answer(text.strip())

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric, 0 to 1; an answer without a value is wrong."""
        from tunewell.measure.metrics import scores

        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The response that stands there most often."""
        from tunewell.measure.metrics import texts

        return texts.commonest([example.target for example in train])

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Instruct:
        """The task that `to_json` wrote."""
        return cls(**{key: each for key, each in value.items() if key != "name"})


def _asked(input: Any) -> str:
    lines = [f"Instruction: {_line(input['instruction'])}"]
    if "input" in input:
        lines.append(f"Input: {_line(input['input'])}")
    return "\n".join([*lines, "Response:"])


def _line(text: str) -> str:
    return " ".join(text.split())

"""An instruction in, perhaps with something to apply it to; the response out, as a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.errors import EmptyCell
from tunewell.inputs import one_line
from tunewell.values import Column, Example
from tunewell.written import Written


@dataclass(frozen=True)
class Instruct(Written):
    """What a model writes when it is told to.

    Row in: `{"instruction": "Name the capital.", "input": "France", "output": "Paris"}`

    Answer out: `Answer(value="Paris")`

    Metrics: `f1`, the words in common with the right text, decides where half of the answers have
    at most five words, else `rouge_l`, the longest sequence of words in common. Beside them
    `exact_match`, `rouge_1` and `rouge_2`, and `bits_per_byte` and `perplexity`, which say how
    little the right text was expected.

    The files of Alpaca, of prompts with completions, and of questions with answers are read as
    they are; conversations are for `chat`. An empty input is none. Where LLaMA-Factory's
    `dataset_info.json` lies beside a file, it names the columns.
    """

    name: ClassVar[str] = "instruct"
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

    def asked(self, input: Any) -> str:
        """The instruction, its input, and where the response begins."""
        lines = [f"Instruction: {one_line(input['instruction'])}"]
        if "input" in input:
            lines.append(f"Input: {one_line(input['input'])}")
        return "\n".join([*lines, "Response:"])

    def texts(self, input: Any) -> tuple[str, ...]:
        """The instruction, and the input where there is one."""
        return tuple(input.values())

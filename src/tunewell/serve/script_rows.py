"""The rows of a run as a script finds them again: by file and number, or in a file beside it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.read import Data
from tunewell.serve.plain import rows
from tunewell.values import Example, to_json

ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16")
DELIMITERS = (",", "\t", ";", "|")


def reading(data: Data, out: Path | None, meant: Callable[[str], Any] = str) -> tuple[str, Any]:
    """The constants that name the rows of each part, and the function that reads them.

    Args:
        out: where the script will stand.
        meant: what the text of a cell means as a target.

    Raises:
        ConfigError: plain Python does not read the table, and there is no place beside a script.
    """
    found = _as_csv(data, meant)
    if found is not None:
        return found
    if out is None:
        raise ConfigError(
            "Plain Python does not read this table as Tunewell does.",
            "",
            "Give --out mine.py; the rows are then written beside it, as mine.jsonl.",
        )
    pairs = {
        part: [{"text": e.input, "label": e.target} for e in examples]
        for part, examples in data.parts.items()
    }
    return beside(pairs, out), rows.json_rows


def _as_csv(data: Data, meant: Callable[[str], Any]) -> tuple[str, Any] | None:
    """Where the csv module reads the same texts and labels under the same numbers."""
    text, label = data.columns.input, data.columns.target
    files: dict[str, dict[str, list[int]]] = {}
    examples: dict[str, list[Example]] = {}
    for part, of_part in data.parts.items():
        for example in of_part:
            files.setdefault(example.source, {}).setdefault(part, []).append(example.row)
            examples.setdefault(example.source, []).append(example)
    sources = [(encoding, delimiter) for encoding in ENCODINGS for delimiter in DELIMITERS]
    for encoding, delimiter in sources:
        arguments = (encoding, delimiter, text, label)
        if all(_reads_alike(file, arguments, examples[file], meant) for file in files):
            absolute = {str(Path(file).resolve()): parts for file, parts in files.items()}
            return _constants(absolute, arguments), rows.csv_rows
    return None


def _reads_alike(
    file: str, arguments: Any, examples: Sequence[Example], meant: Callable[[str], Any]
) -> bool:
    try:
        found = rows.csv_rows(file, *arguments)
        pairs = [(found[example.row], example) for example in examples]
        return all(text == e.input and meant(cell) == e.target for (text, cell), e in pairs)
    except (OSError, ValueError, KeyError, TypeError, rows.csv.Error):
        return False


def _constants(files: dict[str, dict[str, list[int]]], arguments: Sequence[Any]) -> str:
    """`FILES`: the rows of each part by file, and how a file is read."""
    lines = ["FILES = {"]
    for file, parts in files.items():
        lines.append(f"    {file!r}: {{")
        for part, numbers in parts.items():
            wrapped = textwrap.wrap(_ranges(numbers), 88)
            lines += [f"        {part!r}: (", *(f"            {w + ' '!r}" for w in wrapped)]
            lines.append("        ),")
        lines.append("    },")
    lines += ["}", f"READ_WITH = {tuple(arguments)!r}"]
    return "\n".join(lines)


def solved(inputs: Sequence[Any], targets: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of a part for `beside`, as heads of ours read them."""
    pairs = zip(inputs, targets, strict=True)
    return [{"input": to_json(given), "target": to_json(target)} for given, target in pairs]


def beside(parts: Mapping[str, Sequence[dict[str, Any]]], out: Path | None) -> str:
    """Write the rows of each part beside a script, a line each; the constants that name them.

    Raises:
        ConfigError: there is no place beside the script.
    """
    numbers: dict[str, list[int]] = {}
    lines: list[str] = []
    for part, own in parts.items():
        numbers[part] = [*range(len(lines) + 1, len(lines) + 1 + len(own))]
        lines += [json.dumps(row, ensure_ascii=False) for row in own]
    return _constants({write_lines(lines, out, ".jsonl"): numbers}, ())


def write_lines(lines: Sequence[str], out: Path | None, suffix: str) -> str:
    """Write lines beside a script, in a file of its name but for the suffix; the file's place.

    Raises:
        ConfigError: there is no place beside the script.
    """
    if out is None:
        raise ConfigError(
            "What this model has learnt from is written beside its script.",
            "",
            f"Give --out mine.py; it is then in mine{suffix}.",
        )
    file = out.with_suffix(suffix)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file.resolve())


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in their order, runs as first-last.

    >>> _ranges([7, 2, 3, 4])
    '7 2-4'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

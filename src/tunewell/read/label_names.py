"""Names for labels that are numbers, from an option or a file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.read.formats import read_rows, suffix_of
from tunewell.read.opening import no_such_file
from tunewell.read.text import odd_character, odd_character_error, text_lines
from tunewell.read.words import columns_listed, many, names_listed, shown

EXPECTED = "Expected: 0=negative,1=positive or a file with such lines, a JSON object or a table."
PAIR = re.compile(r"\s*([^=:,\t]+?)\s*[=:,\t]\s*(.+?)\s*")


def read_label_names(given: str, labels: Collection[str]) -> dict[str, str]:
    """Label -> name, from `0=negative,1=positive`, a JSON object, or the file that is named.

    Raises:
        ConfigError: where it cannot be understood, a label is named twice or is not in the data.
    """
    if given.lstrip().startswith("{"):
        return _named(_from_json(given, "--label-names"), labels, "label names", strict=True)
    path = Path(given)
    if os.path.isfile(given):  # noqa: PTH113, as Path.is_file raises where the text is long
        return names_in(path, labels, strict=True)
    if "=" in given:
        pairs = [_pair(part, given) for part in given.split(",") if part.strip()]
        return _named(pairs, labels, "label names", strict=True)
    if path.suffix:
        raise no_such_file(path)
    raise ConfigError(f"--label-names {given} gives no label a name.", EXPECTED)


def names_in(path: Path, labels: Collection[str], strict: bool) -> dict[str, str]:
    """Label -> name, from a file: pairs of them, or names in the order of the numbers.

    With `strict` a pair whose label is not in the data is refused, since it may be mistyped.

    Raises:
        UserError: what the file holds does not fit the labels.
    """
    if suffix_of(path) == ".json":
        found = _from_json("".join(text_lines(path)), str(path))
    else:
        found = _from_lines(path)
    if all(isinstance(each, tuple) for each in found):
        return _named(found, labels, str(path), strict)
    return _numbered([str(name) for name in found], labels, path)


def _named(
    pairs: Sequence[tuple[str, str]], labels: Collection[str], where: str, strict: bool
) -> dict[str, str]:
    names: dict[str, str] = {}
    for label, name in pairs:
        if label in names:
            raise ConfigError(f"{where}: the label {shown(label)} is named twice.", EXPECTED)
        if strict and label not in labels:
            raise ConfigError(
                f"{where}: no row has the label {shown(label)}.",
                f"The labels are {names_listed(sorted(labels))}.",
                "Correct it or leave it out.",
            )
        names[label] = name
    return names


def _numbered(names: Sequence[str], labels: Collection[str], path: Path) -> dict[str, str]:
    """Names in the order of the numbers 0 to n - 1, or 1 to n where the labels say so."""
    numbers = {int(label) for label in labels if label.isdecimal() and str(int(label)) == label}
    others = sorted(label for label in labels if label != "-1" and not label.isdecimal())
    if others or not numbers:
        raise ConfigError(
            f"{path} gives names in order, but the labels are no whole numbers: "
            f"{names_listed(others or sorted(labels))}.",
            EXPECTED,
        )
    from_0 = 0 in numbers and max(numbers) < len(names)
    if not from_0 and (0 in numbers or max(numbers) != len(names)):
        found = f"{path} gives {many(len(names), 'name')} in order, but the labels go from "
        raise ConfigError(
            f"{found}{min(numbers)} to {max(numbers)}: it is not clear where to begin.",
            EXPECTED,
        )
    return {str(number): name for number, name in enumerate(names, start=0 if from_0 else 1)}


def _from_lines(path: Path) -> list[Any]:
    """Pairs from a table of two columns or from lines such as 0=no; else the lines."""
    lines = [line.rstrip("\r\n") for line in text_lines(path)]
    for number, line in enumerate(lines, start=1):
        if what := odd_character(line):
            raise odd_character_error(f"{path}, line {number}", what)
    if suffix_of(path) in (".csv", ".tsv", ".tab") and "=" not in lines[0]:
        table = list(read_rows(path))
        if len(table[0][1]) != 2:
            columns = columns_listed(table[0][1])
            raise ConfigError(
                f"{path} has the columns {columns}.", "Two were expected: label and name."
            )
        return [(label.strip(), name.strip()) for label, name in (c.values() for _, c in table)]
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if any("=" in line for _, line in filled):
        return [_pair(line, f"{path}, line {number}") for number, line in filled]
    pairs = [PAIR.fullmatch(line) for _, line in filled]
    if all(pair and pair[1].isdecimal() for pair in pairs):
        return [(pair[1], pair[2]) for pair in pairs if pair]
    return [line.strip() for _, line in filled]


def _from_json(text: str, where: str) -> list[Any]:
    """Pairs from an object, {"0": "no"} or {"no": 0}; names from a list."""
    if what := odd_character(text):
        raise odd_character_error(where, what)
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"{where} is not valid JSON: {error}.", EXPECTED) from error
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return value
    if isinstance(value, dict) and value:
        if all(isinstance(name, str) for name in value.values()):
            return list(value.items())
        if all(type(number) is int for number in value.values()):
            return [(str(number), name) for name, number in value.items()]
    raise ConfigError(f"{where}: no JSON object or list of names.", 'Expected: {"0": "negative"}.')


def _pair(text: str, where: str) -> tuple[str, str]:
    label, equals, name = text.partition("=")
    if not equals or not label.strip() or not name.strip():
        raise ConfigError(f"{where}: {shown(text)} does not give a label a name.", EXPECTED)
    return label.strip(), name.strip()

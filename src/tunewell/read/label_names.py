"""Names for labels that are numbers, from an option or a file."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.read.formats import read_rows, suffix_of
from tunewell.read.text import no_such_file, odd_character, odd_character_error, text_lines
from tunewell.read.words import columns_listed, names_listed, shown

EXPECTED = "Expected: 0=negative,1=positive or a file with such lines, a JSON object or a table."


def read_label_names(given: str, labels: Collection[str]) -> dict[str, str]:
    """Label -> name, from `0=negative,1=positive` or from the file that `given` names.

    Raises:
        ConfigError: where it cannot be understood, a label is named twice or is not in the data.
    """
    path = Path(given)
    if path.is_file():
        pairs, where = _from_file(path), f"{path}"
    elif "=" in given:
        pairs, where = (
            [_pair(part, given) for part in given.split(",") if part.strip()],
            "label names",
        )
    else:
        raise no_such_file(path)
    names: dict[str, str] = {}
    for label, name in pairs:
        if label in names:
            raise ConfigError(f"{where}: the label {shown(label)} is named twice.", EXPECTED)
        if label not in labels:
            raise ConfigError(
                f"{where}: no row has the label {shown(label)}.",
                f"The labels are {names_listed(sorted(labels))}.",
                "Correct it or leave it out.",
            )
        names[label] = name
    return names


def _from_file(path: Path) -> list[tuple[str, str]]:
    if suffix_of(path) == ".json":
        return _from_json(path)
    lines = [line.rstrip("\r\n") for line in text_lines(path)]
    for number, line in enumerate(lines, start=1):
        if what := odd_character(line):
            raise odd_character_error(f"{path}, line {number}", what)
    if suffix_of(path) == ".txt" or "=" in lines[0]:
        return [_pair(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    table = list(read_rows(path))
    if len(table[0][1]) != 2:
        columns = columns_listed(table[0][1])
        raise ConfigError(
            f"{path} has the columns {columns}.", "Two were expected: label and name."
        )
    return [(label.strip(), name.strip()) for label, name in (row.values() for _, row in table)]


def _from_json(path: Path) -> list[tuple[str, str]]:
    text = "".join(text_lines(path))
    if what := odd_character(text):
        raise odd_character_error(str(path), what)
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid JSON: {error}.", EXPECTED) from error
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
        raise ConfigError(f"{path} is no JSON object of names.", 'Expected: {"0": "negative"}.')
    return list(value.items())


def _pair(text: str, where: str) -> tuple[str, str]:
    label, equals, name = text.partition("=")
    if not equals or not label.strip() or not name.strip():
        raise ConfigError(f"{where}: {shown(text)} does not give a label a name.", EXPECTED)
    return label.strip(), name.strip()

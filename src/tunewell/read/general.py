"""Texts of no task, by which it is seen what a model has forgotten."""

from __future__ import annotations

from pathlib import Path

from tunewell.errors import ConfigError
from tunewell.read.formats import plain, read_rows

GENERAL = Path(__file__).parent.parent / "assets" / "general.txt"
"""The one that comes with Tunewell."""


def general_texts(file: str | Path) -> tuple[str, ...]:
    """The paragraphs of a text.

    Raises:
        ConfigError: it is no `.txt` or `.md`.
        DataError: there is no such file, or nothing in it.
    """
    path = Path(file)
    if path.suffix.lower() not in plain.ENDINGS:
        raise ConfigError(
            f"--general-text {file} is no plain text.",
            f"A file that ends in {' or '.join(plain.ENDINGS)} is expected.",
        )
    rows = read_rows(path.with_name(f"{path.name}#{plain.TABLE}"))
    return tuple(cells[plain.TABLE] for _, cells in rows)

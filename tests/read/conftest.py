"""Small tables for the tests of reading."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Table = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Writes rows under a header as CSV and gives the file."""

    def write(
        rows: Sequence[Sequence[str]],
        header: Sequence[str] = ("text", "label"),
        name: str = "reviews.csv",
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


@pytest.fixture
def content(tmp_path: Path) -> Callable[..., Path]:
    """Writes text or bytes as they are and gives the file."""

    def write(what: str | bytes, name: str = "reviews.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(what.encode("utf-8") if isinstance(what, str) else what)
        return path

    return write


@pytest.fixture
def real() -> Path:
    """The folder of public data sets."""
    folder = os.environ.get("TUNEWELL_DATA")
    if not folder:
        pytest.skip("TUNEWELL_DATA is not set: no public data sets to read")
    return Path(folder)


@pytest.fixture
def many_rows() -> Callable[..., list[tuple[str, str]]]:
    """Makes different texts with labels in turn."""

    def make(count: int, labels: Sequence[str] = ("good", "bad")) -> list[tuple[str, str]]:
        return [(f"this is text number {n}", labels[n % len(labels)]) for n in range(count)]

    return make

"""The folder of runs as the page sees it: a run is found by its name in a list, never by a path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tunewell.errors import UserError
from tunewell.read.formats import formats, suffix_of

_LONGEST = 60
_WRITTEN = ("page", "data.json", "comparison.json")
"""What the folder of a run holds, one of these at least."""


class Missing(UserError):
    """What was asked for is not there (any more)."""


@dataclass(frozen=True)
class Kept:
    """A run, or what will become one, in its folder."""

    folder: Path

    @property
    def name(self) -> str:
        """What it is called, on the page and in the address."""
        return self.folder.name

    @property
    def rows(self) -> Path:
        """Where the user's files lie as they came."""
        return self.folder / "rows"

    @property
    def page(self) -> Path:
        """Where the page keeps what is its own: what was asked, how far a process is."""
        return self.folder / "page"

    @property
    def fresh(self) -> bool:
        """Whether it holds what came in and what the page keeps, and nothing has come of it."""
        return {path.name for path in self.folder.iterdir()} <= {"rows", "page"}


def all_kept(home: Path) -> list[Kept]:
    """Every run in the folder, the one touched last first."""
    if not home.is_dir():
        return []
    folders = [
        path
        for path in home.iterdir()
        if path.is_dir()
        and not path.name.startswith(".")
        and any((path / file).exists() for file in _WRITTEN)
    ]
    return [Kept(path) for path in sorted(folders, key=_touched, reverse=True)]


def find(home: Path, name: str) -> Kept:
    """The run of that name; what is no name in the list is nowhere."""
    for kept in all_kept(home):
        if kept.name == name:
            return kept
    raise Missing(
        f"There is no run called {name!r}.",
        "It may have been renamed or deleted.",
        "The first page lists the runs that there are.",
    )


def new_run(home: Path, wanted: str) -> Kept:
    """An empty folder for a run, called after a file, with a number where that is taken."""
    home.mkdir(parents=True, exist_ok=True)
    stem = plain_name(wanted).split(".")[0]
    for number in count(1):
        folder = home / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        kept = Kept(folder)
        kept.rows.mkdir()
        kept.page.mkdir()
        return kept
    raise AssertionError("there is always another number")


def plain_name(given: str) -> str:
    """A file's name as we keep it: its last part, of letters, digits, dots and hyphens.

    >>> plain_name("../../etc/Käufe 2024.CSV"), plain_name("..")
    ('Käufe-2024.csv', 'data')
    """
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", given)[-1])
    suffix = "".join(re.findall(r"\.\w{1,8}", last)[-1:]).lower()
    if suffix == ".gz":
        suffix = suffix_of(Path(last)) + ".gz"
    stem = re.sub(r"[^\w-]+", "-", last[: len(last) - len(suffix)] if suffix else last)
    return (stem.strip("-_")[:_LONGEST] or "data") + suffix


@dataclass(frozen=True)
class Shown:
    """A table to try the page on."""

    path: Path
    title: str
    says: str
    """What is in it."""
    asked: dict[str, str]
    """Options that go with it, where what is guessed would be another question."""


EXAMPLES: dict[str, tuple[str, str, dict[str, str]]] = {
    "support": (
        "Messages to a shop",
        "961 messages that customers wrote to a shop, each with what it is about: a refund, a "
        "late delivery, a broken lamp.",
        {},
    ),
    "guests": (
        "Remarks of hotel guests",
        "109 remarks of guests of a small hotel, each with all that it is about.",
        {},
    ),
    "ratings": (
        "Reviews with points",
        "64 reviews of places to stay, each with the points that the guest gave.",
        {"task": "score"},
    ),
    "same_question": (
        "Pairs of questions",
        "66 pairs of questions to a town hall, and whether both ask the same.",
        {"input": "question1,question2", "target": "label"},
    ),
}
"""Of each example its title, what it holds, and the options that go with it."""


def examples() -> dict[str, Shown]:
    """Tables to try the page on, by name: those beside the sources, or those installed."""
    import sys

    places = (Path(__file__).parents[4] / "examples", Path(sys.prefix) / "share/tunewell/examples")
    for place in places:
        found = {
            name: Shown(place / f"{name}.csv", title, says, asked)
            for name, (title, says, asked) in EXAMPLES.items()
            if (place / f"{name}.csv").exists()
        }
        if found:
            return found
    return {}


def endings() -> Sequence[str]:
    """Endings of files that can be read, for the file dialogue."""
    return [*sorted(formats()), ".gz"]


def _touched(folder: Path) -> float:
    files = [folder / "page" / "asked.yaml", folder / "comparison.json", folder]
    return max(file.stat().st_mtime for file in files if file.exists())

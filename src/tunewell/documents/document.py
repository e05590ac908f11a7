"""What a file of a folder says, whatever its format."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


class Unreadable(Exception):
    """A file that cannot be read; its text is the reason, to be told beside the file's name."""


@dataclass(frozen=True)
class Section:
    """A piece of a document under one heading: `text[start:end]`, its heading line included."""

    start: int
    end: int
    headings: tuple[str, ...] = ()
    """From the outermost to its own; none before the first heading."""
    heading_end: int = 0
    """Where its own heading line ends; `start` where it has none."""


@dataclass(frozen=True)
class Document:
    """The text of a file with its headings and the places that people find it by."""

    text: str
    """A text or Markdown file as it stands; of other formats the words alone."""
    sections: tuple[Section, ...]
    """In order, together the whole text."""
    pages: tuple[int, ...] = ()
    """Where each page begins in the text, where the format has pages."""
    has_lines: bool = False
    """Whether the lines of the text are those of the file."""
    note: str = ""
    """What should be known of how it was read, such as a guessed encoding."""

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        while (at := self.text.find("\n", starts[-1])) >= 0:
            starts.append(at + 1)
        return starts

    def line(self, at: int) -> int | None:
        """The line of a character, the first being 1; None where the file has no such lines."""
        return bisect_right(self._line_starts, at) if self.has_lines else None

    def page(self, at: int) -> int | None:
        """The page of a character, the first being 1; None where the format has no pages."""
        return bisect_right(self.pages, at) if self.pages else None


def under_headings(text: str, headings: list[tuple[int, int, int, str]]) -> tuple[Section, ...]:
    """A text cut at its headings.

    Args:
        text: the whole text.
        headings: each one's start, end, level (1 is the outermost) and words, in order.
    """
    starts = [start for start, *_ in headings] + [len(text)]
    sections = [Section(0, starts[0])] if starts[0] else []
    above: list[tuple[int, str]] = []
    for (start, heading_end, level, words), end in zip(headings, starts[1:], strict=True):
        above = [one for one in above if one[0] < level] + [(level, words)]
        path = tuple(heading for _, heading in above)
        sections.append(Section(start, end, path, heading_end))
    return tuple(sections)

"""Text and Markdown files, in the encoding that they turn out to have."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from tunewell.documents.document import Document, Unreadable, under_headings
from tunewell.errors import DataError
from tunewell.read.encodings import encoding_of

FRONT_MATTER = re.compile(r"---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def decoded(path: Path) -> tuple[str, str]:
    """The text of a file with `\\n` for line ends, and a note where its encoding was guessed.

    Raises:
        Unreadable: it is empty, or no text.
    """
    try:
        encoding = encoding_of(path)
    except DataError as error:
        raise Unreadable(error.found.removeprefix(f"{path} ").rstrip(".")) from None
    text = path.read_bytes().decode(encoding.codec, "replace")
    note = f"it was read as {encoding.guess}, which is a guess" if encoding.guess else ""
    if "\ufffd" in text and not note:
        note = "some of its bytes are no characters"
    return text.replace("\r\n", "\n").replace("\r", "\n"), note


def read_text(path: Path) -> Document:
    """A text file, which has no headings."""
    text, note = decoded(path)
    return Document(text, under_headings(text, []), has_lines=True, note=note)


def read_markdown(path: Path) -> Document:
    """A Markdown file with its headings (CommonMark); front matter belongs to none."""
    from markdown_it import MarkdownIt

    text, note = decoded(path)
    front = FRONT_MATTER.match(text)
    body = front.end() if front else 0
    starts = [body]
    while (at := text.find("\n", starts[-1])) >= 0:
        starts.append(at + 1)
    starts.append(len(text))
    headings = []
    tokens = MarkdownIt("commonmark").disable("inline").parse(text[body:])
    for token, inside in pairwise(tokens):
        if token.type == "heading_open" and token.map and token.level == 0:
            first, after = token.map
            end = starts[min(after, len(starts) - 1)]
            headings.append((starts[first], end, int(token.tag[1:]), _plain(inside.content)))
    return Document(text, under_headings(text, headings), has_lines=True, note=note)


def _plain(heading: str) -> str:
    """The words of a heading, without marks of emphasis and code."""
    return " ".join(re.sub(r"[*`]+", "", heading).split())

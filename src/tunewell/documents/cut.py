"""Documents cut into passages: at headings, between paragraphs, and else between sentences.

No passage goes over a heading, and each is a piece of the document's own text, as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tunewell.documents.document import Document, Section

Spans = list[tuple[int, int]]
Count = Callable[[Sequence[str]], Sequence[int]]
"""How many tokens each of several texts has."""

PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
SENTENCE_END = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’)\]]*+\s++(?=[^a-z])|[。！？]+|\n(?=[ \t]*(?:[-*+|•]|\d+[.)])\s)"""
)
SPACE = re.compile(r"\s+")
LONG = 50
"""Characters a token from which a text is too long without being counted."""


@dataclass(frozen=True)
class Passage:
    """A piece of a document: `text[start:end]`, counted in characters."""

    start: int
    end: int
    headings: tuple[str, ...]
    """From the outermost heading to the one that it stands under."""
    context: str
    """The headings that are not in it, and that are needed to understand it."""


def cut(document: Document, name: str, tokens: int, count: Count) -> Iterator[Passage]:
    """The passages of a document, in order.

    Args:
        document: what to cut.
        name: the file's, which stands for a heading where there is none.
        tokens: the most that a passage has, besides those of its context.
        count: by the tokenizer of the backbone that will read them.
    """
    titled = any(section.headings for section in document.sections)
    plain = "" if titled else re.sub(r"[\W_]+", " ", name.rpartition("/")[2].rpartition(".")[0])
    for number, section in enumerate(document.sections):
        if _is_bare(document, number):
            continue
        for start, end in _filled(document.text, section, tokens, count):
            above = section.headings[: -1 if start < section.heading_end else None]
            context = " > ".join(above) or plain.strip()
            yield Passage(start, end, section.headings, context)


def _is_bare(document: Document, number: int) -> bool:
    """Whether a section is a heading alone, which stands over the sections that follow."""
    section = document.sections[number]
    if document.text[section.heading_end or section.start : section.end].strip():
        return False
    after = document.sections[number + 1 : number + 2]
    return not section.headings or bool(after and len(after[0].headings) > len(section.headings))


def _filled(text: str, section: Section, tokens: int, count: Count) -> Iterator[tuple[int, int]]:
    """Where passages begin and end: each takes in as many pieces as go together."""
    begun, ended, full = 0, 0, 0
    for (start, end), size in _pieces(text, section, tokens, count):
        if full and full + size > tokens:
            yield begun, ended
            full = 0
        begun, ended, full = (begun if full else start), end, full + size
    if full:
        yield begun, ended


def _pieces(
    text: str, section: Section, tokens: int, count: Count
) -> Iterator[tuple[tuple[int, int], int]]:
    """Paragraphs; the sentences of those that are too long; their words; and pieces of words.

    Each with its number of tokens, which is 1 at least.
    """
    spans = _split(text, section.start, section.end, PARAGRAPH_END)
    sizes = _sizes(text, spans, tokens, count)
    for end in (SENTENCE_END, SPACE, None):
        if max(sizes, default=0) <= tokens:
            break
        finer: Spans = []
        for (a, b), size in zip(spans, sizes, strict=True):
            finer += [(a, b)] if size <= tokens else _split(text, a, b, end, tokens)
        spans = finer
        sizes = _sizes(text, spans, tokens, count)
    return zip(spans, sizes, strict=True)


def _sizes(text: str, spans: Spans, tokens: int, count: Count) -> list[int]:
    """Tokens of each piece; one too many for what is plainly too long, which is not counted."""
    short = [text[a:b] for a, b in spans if b - a <= LONG * tokens]
    counted = iter(count(short) if short else [])
    return [max(1, next(counted)) if b - a <= LONG * tokens else tokens + 1 for a, b in spans]


def _split(
    text: str, start: int, end: int, pattern: re.Pattern[str] | None, step: int = 0
) -> Spans:
    """The pieces that end where a pattern does, or every `step` characters, without space."""
    if pattern is None:
        cuts = list(range(start + step, end, step))
    else:
        cuts = [found.end() for found in pattern.finditer(text, start, end)]
    spans = []
    for a, b in zip([start, *cuts], [*cuts, end], strict=True):
        piece = text[a:b]
        first = a + len(piece) - len(piece.lstrip())
        if last := len(piece.strip()):
            spans.append((first, first + last))
    return spans

"""HTML files: the words that a browser shows, with their headings."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

from tunewell.documents.document import Document, Unreadable, under_headings
from tunewell.documents.plain import decoded

UNSHOWN = ("script", "style", "noscript", "template", "svg", "iframe", "head")
HEADINGS = {f"h{level}": level for level in range(1, 7)}
PARAGRAPHS = frozenset(HEADINGS) | {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "details"),
    *("dialog", "div", "dl", "fieldset", "figcaption", "figure", "footer", "form", "header"),
    *("hr", "html", "legend", "main", "nav", "ol", "p", "pre", "section", "summary"),
    *("table", "tbody", "tfoot", "thead", "ul"),
}
LINES = frozenset(("li", "tr", "dd", "dt"))
"""What is set apart by a line's end alone, so that a list or a table stays together."""
CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)")
HEAD_BYTES = 4096
TAG = re.compile(r"<(/?)(?!(?:p|li|td|th|tr|dd|dt|br|hr|img|input|meta|link|option)\b)[a-z]", re.I)
DEEPEST = 5000
"""Tags within tags: the time to read deeper ones grows with the square."""


def read_html(path: Path) -> Document:
    """An HTML file; scripts, styles and the head are left out."""
    from selectolax.lexbor import LexborHTMLParser

    source, note = _source(path)
    _refuse_depth(source)
    root = LexborHTMLParser(source).root
    if root is None:
        raise Unreadable("it holds no HTML")
    root.strip_tags(list(UNSHOWN))
    text, headings = _words(root)
    return Document(text, under_headings(text, headings), note=note)


def _source(path: Path) -> tuple[str, str]:
    """The file as text: in the encoding that it names, else in the one that it turns out to have.

    UTF-8 is tried first, as many pages name what they no longer are.
    """
    data = path.read_bytes()
    named = CHARSET.search(data[:HEAD_BYTES].lower())
    if named and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        for codec in ("utf-8-sig", named[1].decode()):
            try:
                return codecs.decode(data, codec), ""
            except (UnicodeDecodeError, LookupError):
                continue
    return decoded(path)


def _refuse_depth(source: str) -> None:
    depth = 0
    for tag in TAG.finditer(source):
        depth = max(0, depth + (-1 if tag[1] else 1))
        if depth > DEEPEST:
            raise Unreadable(f"more than {DEEPEST} of its tags lie within each other")


def _words(root: Any) -> tuple[str, list[tuple[int, int, int, str]]]:
    """The shown words, a blank line between blocks, and the headings among them."""
    parts: list[str] = []
    headings: list[tuple[int, int, int, str]] = []
    around: dict[int, tuple[int, str]] = {}
    block, length, gap = (0, ""), 0, ""
    for node in root.traverse(include_text=True):
        above = around.get(node.parent.mem_id, (0, "")) if node.parent is not None else (0, "")
        if node.tag != "-text":
            own = node.tag in PARAGRAPHS or node.tag in LINES
            around[node.mem_id] = (node.mem_id, node.tag) if own else above
            gap = _wider(gap, _gap(node.tag))
            continue
        words = node.text_content or ""
        if above[1] != "pre":
            words = re.sub(r"\s+", " ", words)
        if not words.strip():
            gap = _wider(gap, " " if words else "")
            continue
        if above[0] != block[0]:
            gap = _wider(gap, "\n" if {above[1], block[1]} <= LINES else "\n\n")
        before = gap if parts else ""
        if not before.isspace() and words[0] == " " and parts:
            before = " "
        shown = words.strip(" ")
        level = HEADINGS.get(above[1])
        if level and (above[0] != block[0] or not headings):
            headings.append((length + len(before), 0, level, ""))
        parts += [before, shown]
        length += len(before) + len(shown)
        if level:
            start, _, _, said = headings[-1]
            headings[-1] = (start, length, level, f"{said}{before if said else ''}{shown}")
        block, gap = above, " " if words[-1] == " " else ""
    return "".join(parts), headings


def _gap(tag: str) -> str:
    """What stands between the words before an element and those in it."""
    if tag in PARAGRAPHS:
        return "\n\n"
    if tag in LINES or tag == "br":
        return "\n"
    return " | " if tag in ("td", "th") else ""


def _wider(gap: str, other: str) -> str:
    """The one of two gaps that sets more apart."""
    order = ("", " ", " | ", "\n", "\n\n")
    return max(gap, other, key=order.index)

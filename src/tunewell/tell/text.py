"""Texts that users wrote, made safe to show: nothing hidden in them, nothing too long."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

# Control characters, text-direction marks, zero-width signs, half surrogates and tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with where a spreadsheet takes it for a formula."""


def visible(text: str) -> str:
    r"""The text with every character that hides or reorders others written out.

    >>> visible("invoice\u202efdp.exe")
    'invoice⟨U+202E⟩fdp.exe'
    """
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n"))


def clean(value: Any) -> Any:
    """A JSON value with every text in it, keys too, made `visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


def as_text(value: Any) -> str:
    """An input, a target or an answer as a text; JSON where it is not one."""
    if value is None:
        return "(no answer)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def inert(cell: str) -> str:
    """A cell of a table that no spreadsheet computes; numbers stay numbers.

    >>> inert("=1+1"), inert("-0.5"), inert("- none")
    ("'=1+1", '-0.5', "'- none")
    """
    try:
        float(cell)
    except ValueError:
        return "'" + cell if cell.startswith(_ACTIVE) else cell
    return cell


def shorten(text: str, length: int) -> str:
    """At most so many characters, the last one an ellipsis where some were left out.

    >>> shorten("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def capital(text: str) -> str:
    """The text with its first letter large, unless the first word has large letters further on.

    >>> capital("macro F1"), capital("chrF")
    ('Macro F1', 'chrF')
    """
    first = text.partition(" ")[0]
    return text if first[1:] != first[1:].lower() else text[:1].upper() + text[1:]


def width(text: str) -> float:
    """About how wide a text is in a sans-serif font, in units of the font size."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return 0.6 * (len(text) - wide) + 1.05 * wide


def one_line(text: str) -> str:
    """The text without line breaks or runs of space."""
    return " ".join(text.split())

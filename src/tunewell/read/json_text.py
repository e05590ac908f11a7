"""JSON read piece by piece, so that a file may be larger than the memory."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewell.errors import DataError
from tunewell.read.text import odd_character, odd_character_error
from tunewell.read.words import shown

EXPECTED = 'One object a line, {"text": …, "label": …}, or a list of such objects, was expected.'
PIECE = 1 << 18
LONGEST_TOKEN = 12
"""Characters of `-Infinity` and of an escape: an error nearer to the end may be a cut."""
SPACE = re.compile(r"[ \t\r\n]*")


class DuplicateKeyError(ValueError):
    """A name stands twice in one object, and JSON does not say which counts."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DuplicateKeyError(f"the name {shown(twice)} stands twice in one object")
    return value


# Numbers stay the text they are; NaN is no JSON and means a missing value where it is written.
DECODER = json.JSONDecoder(
    parse_int=str,
    parse_float=str,
    parse_constant=lambda _: None,
    object_pairs_hook=_object,
)


class JsonText:
    """A place in a JSON text that moves on; `text` is the piece that is held."""

    def __init__(self, path: Path, file: io.TextIOBase) -> None:
        self.path, self.file = path, file
        self.text, self.position = "", 0
        self.lines_before = self.characters_before = 0
        self.ended = False

    def peek(self) -> str:
        """The next character that is no space, "" at the end; it is not passed over."""
        while True:
            self.position = SPACE.match(self.text, self.position).end()
            if self.position < len(self.text) or not self._more():
                return self.text[self.position : self.position + 1]

    def take(self, character: str) -> None:
        """Pass over this character; a DataError where another stands."""
        if self.peek() != character:
            raise self.error(self.position, f"{character!r} was expected here")
        self.position += 1

    def value(self) -> Any:
        """The value that stands here, whole."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.position)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string")
                cut = cut or error.pos >= len(self.text) - LONGEST_TOKEN
                if not (cut and self._more()):
                    raise self.error(error.pos, f"not valid JSON ({error.msg})") from error
            except DuplicateKeyError as error:
                raise self.error(self.position, str(error)) from error
            except RecursionError as error:
                found = "objects inside objects without end"
                raise self.error(self.position, found) from error
            else:
                if end < len(self.text) or not self._more():
                    self.position = end
                    return value

    def items(self) -> Iterator[Any]:
        """The values of the list that stands here."""
        self.take("[")
        if self.peek() != "]":
            yield self.value()
            while self.peek() == ",":
                self.take(",")
                yield self.value()
        self.take("]")

    def members(self) -> Iterator[str]:
        """The names in the object that stands here; each value is read before the next name."""
        self.take("{")
        seen: set[str] = set()
        going = self.peek() != "}"
        while going:
            name = self.value()
            if not isinstance(name, str) or name in seen:
                raise self.error(self.position, f"{shown(str(name))} is no name or stands twice")
            seen.add(name)
            self.take(":")
            yield name
            if going := self.peek() == ",":
                self.take(",")
        self.take("}")

    @property
    def in_first_line(self) -> bool:
        """Whether no line has ended before this place."""
        return not self.lines_before and "\n" not in self.text[: self.position]

    def end(self) -> None:
        """A DataError where something stands after the end."""
        if self.peek():
            raise self.error(self.position, "more follows after the end")

    def error(self, position: int, found: str) -> DataError:
        """A refusal with line and character."""
        before = self.text[:position]
        lines = before.count("\n")
        character = position - before.rfind("\n") + (0 if lines else self.characters_before)
        place = f"{self.path}, line {self.lines_before + lines + 1}, character {character}"
        if what := odd_character(self.text[position : position + 1]):
            return odd_character_error(place, what)
        return DataError(f"{place}: {found}.", EXPECTED)

    def _more(self) -> bool:
        """Read on, twice as far as before within one value; False at the end of the file."""
        if self.ended:
            return False
        passed, rest = self.text[: self.position], self.text[self.position :]
        piece = self.file.read(max(PIECE, len(rest)))
        if not piece:
            self.ended = True
            return False
        if "\n" in passed:
            self.lines_before += passed.count("\n")
            self.characters_before = len(passed) - passed.rfind("\n") - 1
        else:
            self.characters_before += len(passed)
        self.text, self.position = rest + piece, 0
        return True

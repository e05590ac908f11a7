"""Whether bytes that are no UTF-8 make sense as Windows-1252, the encoding of Western Europe.

Every other encoding of one byte a letter can be read as Windows-1252 without an error, and gives
nonsense. It shows: words of strange letters alone (Cyrillic, Greek, Chinese), or lines whose
letters no Western language has together (Czech, Polish, Turkish, Hungarian).
"""

from __future__ import annotations

import re
import string

FEW_LETTERS = 0.01
"""Share of all letters up to which those beyond ASCII are loan words and names."""
ODD_LINES = 0.2
"""Share of the letters beyond ASCII that may stand in lines which fit no alphabet."""
ASCII_LETTERS = string.ascii_letters.encode()
LETTERS = re.compile(rb"[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]")
STRANGE_WORD = re.compile(
    rb"(?<![A-Za-z])[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff]{4,}(?![A-Za-z])"
)
SIGN_IN_WORD = re.compile(rb"[A-Za-z][\xa3\xa5\xb1-\xb3\xb6\xb9\xba\xbc-\xbf][a-z]")
"""A pound sign or a small 3 between letters."""
ALPHABETS = tuple(
    frozenset((letters + letters.replace("ß", "").upper()).encode("cp1252"))
    for letters in (
        "àâæçéèêëîïôœùûüÿ",  # French
        "äöüßéèà",  # German
        "áéíñóúüç",  # Spanish
        "áâãàçéêíóôõúü",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "àçèéíïòóúüñ",  # Catalan
        "åäöæøéüàèô",  # Danish, Norwegian, Swedish, Finnish
        "äöõüšžé",  # Estonian
        "áðéíóúýþæö",  # Icelandic
        "áðíóúýæø",  # Faroese
        "áéèêëïíóöúüâôûà",  # Dutch, Afrikaans
    )
)


def fits_no_alphabet(line: bytes) -> bool:
    """Whether no Western language has the letters of this line, or a sign stands in a word."""
    letters = frozenset(b"".join(LETTERS.findall(line)))
    if SIGN_IN_WORD.search(line):
        return True
    return not any(letters <= alphabet for alphabet in ALPHABETS)


def makes_no_sense(text: str) -> bool:
    """Whether a row is one of those for which `Western` doubts a file."""
    line = text.encode("cp1252", "ignore")
    return STRANGE_WORD.search(line) is not None or fits_no_alphabet(line)


class Western:
    """Counts over the pieces of a file, and what they say at the end."""

    def __init__(self) -> None:
        self.letters = self.beyond = self.odd = self.strange_words = 0
        self.upper_half = False

    def add(self, piece: bytes) -> None:
        """Count a piece of whole lines."""
        self.letters += len(piece) - len(piece.translate(None, ASCII_LETTERS))
        self.strange_words += len(STRANGE_WORD.findall(piece))
        self.upper_half |= re.search(rb"[\x80-\x9f]", piece) is not None
        for line in re.split(rb"[\r\n]+", piece):
            if not line.isascii():
                found = len(LETTERS.findall(line))
                self.beyond += found
                self.odd += found if fits_no_alphabet(line) else 0

    @property
    def name(self) -> str:
        """As people call it: the two are the same but for 27 signs such as curly quotes."""
        return "Windows-1252" if self.upper_half else "Latin-1"

    @property
    def doubt(self) -> str:
        """Why it cannot be Western European text; "" if it can."""
        if self.strange_words:
            return "no Western European word is made of such letters alone"
        many = self.beyond > FEW_LETTERS * (self.letters + self.beyond)
        if many and self.odd > ODD_LINES * self.beyond:
            return "no Western European language has these letters together"
        return ""

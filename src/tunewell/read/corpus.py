"""Documents to be read on end: files of text, columns of texts, and what of them is kept apart."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tunewell.errors import DataError
from tunewell.read.encodings import UNDECODABLE
from tunewell.read.formats import formats, read_rows, suffix_of
from tunewell.read.near import near_key
from tunewell.read.opening import no_such_file
from tunewell.read.text import open_text
from tunewell.read.words import many, names_listed

TEXTS = (".txt", ".text", ".md", ".markdown", ".rst")
"""Files that are one document each."""
COLUMNS = ("text", "content", "document")
"""Names of the column with the documents of a table, the surest first."""
FEW = 20
"""Documents below which they are cut into passages, so that some can be kept apart."""
PASSAGES = 200
SHORTEST_PASSAGE = 200
LEAST_BYTES = 5_000
HELD_OUT = 128
"""Documents that are kept apart at most."""
MEASURED = 8_192
"""Characters of a document that is kept apart which are measured, from its beginning."""


@dataclass(frozen=True)
class Corpus:
    """What there is to be read, and what is kept apart to be measured on."""

    files: tuple[Path, ...]
    passage: int | None
    """Characters of the passages that documents are cut into; None: they are whole."""
    held_out: tuple[str, ...]
    """The beginnings of the documents that are measured on."""
    sizes: dict[bytes, int]
    """Digests of the documents that may be read, with their bytes in UTF-8; one that stands twice
    is there once."""
    seed: int
    fingerprint: str
    """SHA-256 over all documents, read and kept apart, in order."""
    notes: tuple[str, ...]
    """What should be known of how the files were read."""

    @property
    def documents(self) -> int:
        """How many may be read."""
        return len(self.sizes)

    @property
    def bytes(self) -> int:
        """Of all that may be read."""
        return sum(self.sizes.values())

    def texts(self, share: float = 1.0) -> Iterator[str]:
        """The documents to be read, or so many, drawn at random, that they have a share of all.

        They are in the order of the files. The same seed draws the same ones, and of two shares
        the larger holds the smaller.
        """
        wanted, drawn, found = share * self.bytes, set(), 0
        for digest in sorted(self.sizes, key=lambda digest: _rank(digest, self.seed)):
            if found >= wanted:
                break
            drawn.add(digest)
            found += self.sizes[digest]
        for digest, text in _different(self.files, self.passage):
            if digest in drawn:
                yield text


def survey(
    names: Sequence[str],
    validation: Sequence[str] | None = None,
    seed: int = 0,
    withheld: Collection[str] = (),
) -> Corpus:
    """Look through files and folders once, and choose what is kept apart.

    That is one document in a hundred, but not fewer than 20 where this is a tenth or less, and
    not more than 128. Fewer than 20 documents are cut into passages first.

    Args:
        names: files of text, tables with a column of texts, folders of them; gzip and xz too.
        validation: files and folders of documents that are measured on instead.
        seed: of the choice.
        withheld: texts that are not to be read, also with other case, punctuation or space; one
            that stands within a longer document is not seen.

    Raises:
        DataError: there is no such file, or too little text.
    """
    files, notes = _files(names)
    passage, sizes = _sizes(files)
    if left := _of_withheld(files, passage, withheld):
        sizes = {digest: size for digest, size in sizes.items() if digest not in left}
        notes.append(f"{many(len(left), 'text')} left out: test rows have the same.")
    whole = hashlib.sha256(b"".join(sizes))
    if validation is None:
        other_files, other_passage = files, passage
        most = max(len(sizes) // 100, min(FEW, len(sizes) // 10))
        drawn = _drawn(sizes, min(HELD_OUT, most), seed)
        apart = drawn
    else:
        other_files, _ = _files(validation)
        other_passage, others = _sizes(other_files)
        drawn = _drawn(others, HELD_OUT, seed)
        apart = frozenset(others)
        whole.update(b"validation" + b"".join(others))
        if known := len(apart & sizes.keys()):
            told = f"{many(known, 'document')} to measure on would be read as well; left out."
            notes.append(told)
    kept = {digest: size for digest, size in sizes.items() if digest not in apart}
    if sum(kept.values()) < LEAST_BYTES or not drawn:
        raise DataError(
            f"{names_listed(names)}: {sum(sizes.values()):,} bytes of text are too few.",
            f"At least {2 * LEAST_BYTES:,} are expected, and millions to learn a language.",
        )
    if passage is not None:
        notes.append(
            f"Fewer than {FEW} documents: they were cut into passages of about {passage:,} "
            "characters, and some of these are kept apart."
        )
    held_out = [
        t[:MEASURED] for digest, t in _different(other_files, other_passage) if digest in drawn
    ]
    return Corpus(
        files=tuple(files),
        passage=passage,
        held_out=tuple(held_out),
        sizes=kept,
        seed=seed,
        fingerprint=whole.hexdigest(),
        notes=tuple(notes),
    )


def passages(text: str, characters: int) -> Iterator[str]:
    """A text in pieces of about so many characters, each cut where a line ends.

    A line of more than four times as many is cut within.

    >>> list(passages("one\\ntwo\\nthree", 2))
    ['one\\n', 'two\\n', 'three']
    """
    start = 0
    while start < len(text):
        end = text.find("\n", start + characters) + 1 or len(text)
        end = min(end, start + 4 * characters)
        yield text[start:end]
        start = end


def _files(names: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files that are meant, those of folders by name, and a note on what is passed over."""
    files: list[Path] = []
    other = 0
    for path in map(Path, names):
        if not path.exists():
            raise no_such_file(path)
        if not path.is_dir():
            if not _readable(path):
                raise DataError(
                    f"{path} is no file of texts that is known here.",
                    f"Known: {', '.join(sorted({*TEXTS, *formats()}))}, also with .gz or .xz.",
                )
            files.append(path)
            continue
        below = sorted(p for p in path.rglob("*") if _is_there(p, path))
        files += [p for p in below if _readable(p)]
        other += sum(not _readable(p) for p in below)
    if not files:
        raise DataError(f"{names_listed(names)}: there is no file of texts in it.")
    return files, [f"{many(other, 'file')} of other kinds passed over."] if other else []


def _readable(path: Path) -> bool:
    return suffix_of(path) in TEXTS or suffix_of(path) in formats()


def _is_there(path: Path, folder: Path) -> bool:
    """Whether it is a file with something in it, and not hidden in its folder."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file() and path.stat().st_size > 0


def _sizes(files: Sequence[Path]) -> tuple[int | None, dict[bytes, int]]:
    """How documents are cut, and their digests with their bytes, in order."""
    sizes = {digest: len(text.encode()) for digest, text in _different(files, None)}
    if len(sizes) >= FEW:
        return None, sizes
    passage = max(SHORTEST_PASSAGE, sum(sizes.values()) // PASSAGES)
    return passage, {d: len(text.encode()) for d, text in _different(files, passage)}


def _of_withheld(
    files: Sequence[Path], passage: int | None, withheld: Collection[str]
) -> set[bytes]:
    """Digests of the documents that are nearly the same as a withheld text."""
    if not withheld:
        return set()
    keys = {near_key(text) for text in withheld}
    return {digest for digest, text in _different(files, passage) if near_key(text) in keys}


def _different(files: Sequence[Path], passage: int | None) -> Iterator[tuple[bytes, str]]:
    """Every document or passage that is not blank, the first time it comes, with its digest."""
    seen: set[bytes] = set()
    for text in chain.from_iterable(map(_documents, files)):
        for part in (text,) if passage is None else passages(text, passage):
            digest = hashlib.blake2b(part.encode(), digest_size=16).digest()
            if part.strip() and digest not in seen:
                seen.add(digest)
                yield digest, part


def _documents(path: Path) -> Iterator[str]:
    """The documents of a file; bytes that are no characters become replacement characters."""
    if suffix_of(path) in TEXTS:
        with open_text(path) as file:
            texts: Iterator[str] = iter([file.read()])
    else:
        texts = _column(path)
    for text in texts:
        plain = text if text.isascii() else UNDECODABLE.sub("\ufffd", text)
        yield plain.replace("\r\n", "\n").replace("\r", "\n")


def _column(path: Path) -> Iterator[str]:
    """The column of a table that holds the documents, as its first row has it."""
    name: str | None = None
    for _, cells in read_rows(path):
        if name is None:
            named = [column for column in COLUMNS if column in cells]
            name = named[0] if named else next(iter(cells)) if len(cells) == 1 else None
        if name is None:
            raise DataError(
                f"{path} has no column {COLUMNS[0]!r}.",
                f"Its columns are {names_listed(cells)}.",
                f"Call the one with the documents {COLUMNS[0]}.",
            )
        yield str(cells.get(name, ""))


def _drawn(sizes: dict[bytes, int], most: int, seed: int) -> frozenset[bytes]:
    """Some documents, by chance."""
    return frozenset(sorted(sizes, key=lambda digest: _rank(digest, seed))[:most])


def _rank(digest: bytes, seed: int) -> float:
    """A number from 0 to 1 that looks random, of a document and a seed."""
    drawn = hashlib.blake2b(digest, digest_size=8, key=str(seed).encode()).digest()
    return int.from_bytes(drawn) / 2**64

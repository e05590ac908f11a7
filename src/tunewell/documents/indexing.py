"""Documents into an index: what is new or changed is read, what is gone is removed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewell.documents import store
from tunewell.documents.cut import cut
from tunewell.documents.document import Document, Unreadable
from tunewell.documents.files import File, LeftOut, documents_in, fingerprint, read
from tunewell.documents.record import TABLES, Record, Settings, load_record, settle
from tunewell.documents.settings import IndexOptions
from tunewell.errors import ConfigError, DataError, DiskFull, is_disk_full
from tunewell.lock import alone_in
from tunewell.settings import Event, Watch
from tunewell.values import Backbone, Machine

AT_ONCE = 1024
"""Passages that are embedded and kept together."""


@dataclass(frozen=True)
class Indexed:
    """What came of indexing."""

    folder: Path
    files: int
    """In the index now."""
    passages: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: dict[str, str]
    """What should be known of how a file was read, such as a guessed encoding."""
    seconds: float


@dataclass
class _Work:
    """The table as it grows; the backbone is loaded when the first passage is there."""

    folder: Path
    settings: Settings
    backbone: Backbone
    machine: Machine
    table: Any = None
    left_out: list[LeftOut] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)


def index(options: IndexOptions, watch: Watch) -> Indexed:
    """Bring an index up to date with a folder of documents; make it where there is none.

    Until all is done, and where it is stopped before, the index answers as it did; what was read
    by then is not read again.

    Raises:
        DataError: there is no document that can be read.
        ConfigError: the index was made of another folder or with another backbone.
        ResourceError: a package or room on the disk is missing, or another process is at work in
            the index.
    """
    from tunewell.fit import machine as machines

    begun = time.perf_counter()
    store.refuse_without_packages()
    source, folder = Path(options.data).expanduser(), options.folder
    files, left_out = documents_in(source, folder)
    before = load_record(folder)
    _refuse_other_source(folder, before, source)
    hashes, unreadable = _fingerprints(files)
    if not hashes:
        raise _nothing(source, [*left_out, *unreadable], before)
    settings, backbone = settle(folder, before, options.backbone, options.passage_tokens)
    machine = machines.find(options.device, options.dtype)
    with alone_in(folder), _full_disk_told():
        work = _Work(folder, settings, backbone, machine, left_out=[*left_out, *unreadable])
        there = _begin(work, before, hashes)
        new = [file for file in files if file.name in hashes and file.name not in there]
        watch(Event("message", f"{len(files)} documents, {len(new)} of them new or changed."))
        whole = there | _read_all(work, new, hashes, watch)
        if not whole:
            raise _nothing(source, work.left_out, before)
        record = _finish(work, before, source, whole)
    old = before.files if before else {}
    return Indexed(
        folder=folder,
        files=len(whole),
        passages=record.passages,
        added=tuple(sorted(whole.keys() - old.keys())),
        changed=tuple(sorted(f for f in whole.keys() & old.keys() if whole[f] != old[f])),
        removed=tuple(sorted(old.keys() - whole.keys())),
        left_out=tuple(sorted(work.left_out, key=lambda one: one.file)),
        notes=work.notes,
        seconds=time.perf_counter() - begun,
    )


@contextmanager
def _full_disk_told() -> Iterator[None]:
    """LanceDB tells of a full disk in the text of its errors alone."""
    try:
        yield
    except RuntimeError as error:
        if not is_disk_full(error):
            raise
        raise DiskFull(
            "There is no room on the disk for the index.",
            "What was finished before can still be asked.",
            "Make room and give the same command again; what was read by then is kept.",
        ) from error


def _fingerprints(files: Sequence[File]) -> tuple[dict[str, str], list[LeftOut]]:
    hashes, unreadable = {}, []
    for file in files:
        try:
            hashes[file.name] = fingerprint(file.path)
        except Unreadable as reason:
            unreadable.append(LeftOut(file.name, str(reason)))
    return hashes, unreadable


def _begin(work: _Work, before: Record | None, hashes: Mapping[str, str]) -> dict[str, str]:
    """Open the table and remove what is not wanted; the wanted files that are in it already."""
    tables = work.folder / TABLES
    if not (tables / f"{work.settings.table}.lance").exists():
        return {}
    work.table = store.open_table(tables, work.settings.table)
    if before is not None:
        store.keep_version(work.table, before.version)
    there = {f: d for f, d in store.whole_files(work.table).items() if hashes.get(f) == d}
    store.remove(work.table, there)
    return there


def _read_all(
    work: _Work, files: Sequence[File], hashes: Mapping[str, str], watch: Watch
) -> dict[str, str]:
    """Read, cut, embed and keep files; those that could be read, with their SHA-256."""
    from tunewell.fit.prefix import body_of

    if not files:
        return {}
    body = body_of(work.backbone, work.machine)
    whole: dict[str, str] = {}
    waiting: list[store.Row] = []
    begun, done, total = time.perf_counter(), 0, sum(f.path.stat().st_size for f in files) or 1
    for file in files:
        for row in _rows(work, file, hashes[file.name], body.tokenizer):
            whole[file.name] = hashes[file.name]
            waiting.append(row)
            if len(waiting) >= AT_ONCE:
                _keep(work, waiting, body)
                share = min(1.0, (done + row["end"]) / total)
                left = (time.perf_counter() - begun) * (1 - share) / max(share, 1e-9)
                watch(Event("progress", file.name, done=share, seconds_left=left))
                waiting = []
        done += file.path.stat().st_size if file.path.exists() else 0
    if waiting:
        _keep(work, waiting, body)
    return whole


def _rows(work: _Work, file: File, digest: str, tokenizer: Any) -> Iterator[store.Row]:
    """What is kept of each passage of a file; nothing of a file that cannot be read."""

    def count(texts: Sequence[str]) -> list[int]:
        encoded = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [len(ids) for ids in encoded]

    try:
        document: Document = read(file.path)
    except Unreadable as reason:
        work.left_out.append(LeftOut(file.name, str(reason)))
        return
    if document.note:
        work.notes[file.name] = document.note
    passages = list(cut(document, file.name, work.settings.passage_tokens, count))
    for number, passage in enumerate(passages):
        text = document.text[passage.start : passage.end]
        words = f"{passage.context}\n{text}" if passage.context else text
        yield {
            "file": file.name,
            "start": passage.start,
            "end": passage.end,
            "line": document.line(passage.start),
            "page": document.page(passage.start),
            "heading": _characters(" > ".join(passage.headings)),
            store.WORDS: _characters(words),
            "sha256": digest,
            "number": number,
            "of": len(passages),
        }


def _characters(text: str) -> str:
    """The text with halves of characters, as some PDFs have them, made question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _keep(work: _Work, rows: Sequence[store.Row], body: Any) -> None:
    """Embed passages, equal ones once, and add them to the table."""
    at = {words: n for n, words in enumerate(dict.fromkeys(row[store.WORDS] for row in rows))}
    vectors, _ = body.vectors(list(at), work.settings.pooling)
    if work.table is None:
        tables = work.folder / TABLES
        work.table = store.open_table(tables, work.settings.table, vectors.shape[1])
    store.add(work.table, rows, vectors[[at[row[store.WORDS]] for row in rows]])


def _finish(work: _Work, before: Record | None, source: Path, whole: Mapping[str, str]) -> Record:
    """Say that the table is whole, then free what is no longer needed."""
    same = before is not None and before.files == whole
    if same and before.version == work.table.version:  # type: ignore[union-attr]
        return before  # type: ignore[return-value]
    version = store.settle(work.table)
    record = Record(
        source=str(source.resolve()),
        settings=work.settings,
        version=version,
        passages=work.table.count_rows(),
        files=dict(sorted(whole.items())),
    )
    record.save(work.folder)
    store.keep_version(work.table, version)
    store.forget_versions(work.table)
    store.drop_others(work.folder / TABLES, work.settings.table)
    return record


def _refuse_other_source(folder: Path, before: Record | None, source: Path) -> None:
    """An index follows one folder; otherwise all of its documents would be taken for removed."""
    if before is None or Path(before.source) == source.resolve():
        return
    if Path(before.source).exists():
        raise ConfigError(
            f"{folder} is an index of {before.source}.",
            f"{source} is another folder.",
            "Choose another folder with --out.",
        )


def _nothing(source: Path, left_out: Sequence[LeftOut], before: Record | None) -> DataError:
    """The refusal of a folder without documents; an index that is there stays as it is."""
    found = f"{source} holds no document that can be read."
    if left_out:
        found = f"{found[:-1]}: {left_out[0].file}: {left_out[0].reason}."
        if len(left_out) > 1:
            found += f" {len(left_out) - 1} more files were left out."
    stays = " The index is left as it was." if before else ""
    return DataError(found, f"Text, Markdown, HTML, PDF or Word files are expected.{stays}")

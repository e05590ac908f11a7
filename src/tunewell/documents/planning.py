"""What an index of documents would take, by some of its passages."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.contracts import Task
from tunewell.documents import store
from tunewell.documents.cut import cut
from tunewell.documents.document import Unreadable
from tunewell.documents.files import documents_in, read
from tunewell.documents.record import settle
from tunewell.documents.settings import IndexOptions
from tunewell.errors import DataError

FILES = 8
"""That are read."""
PASSAGES = 16
"""That are embedded."""


@dataclass(frozen=True)
class Sample:
    """Some passages, and how long all would take to be read, cut, embedded and kept."""

    passages: tuple[str, ...]
    seconds: float

    def passages_for(self, task: Task, given: Any) -> list[str]:
        """These, whatever is asked."""
        return list(self.passages)


def sample(source: Path, passages: int) -> Sample:
    """Some passages of the documents in a folder.

    Raises:
        DataError: none of those that were looked at can be read.
        ResourceError: a package or the backbone is missing.
    """
    from tunewell.fit import machine as machines
    from tunewell.fit.prefix import body_of

    store.refuse_without_packages()
    folder = IndexOptions(str(source)).folder
    files, _ = documents_in(source, folder)
    settings, backbone = settle(folder, None, None, None)
    begun = time.perf_counter()
    body = body_of(backbone, machines.find())
    loading = time.perf_counter() - begun

    def count(texts: Any) -> list[int]:
        found = body.tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [len(ids) for ids in found]

    begun, read_bytes = time.perf_counter(), 0
    texts: list[str] = []
    for file in files[:: max(1, len(files) // FILES)][:FILES]:
        try:
            document = read(file.path)
        except Unreadable:
            continue
        read_bytes += file.path.stat().st_size
        found = cut(document, file.name, settings.passage_tokens, count)
        texts += [document.text[passage.start : passage.end] for passage in found]
    if not texts:
        raise DataError(f"{source} holds no document that can be read.")
    reading = time.perf_counter() - begun
    some = texts[:: max(1, len(texts) // PASSAGES)][:PASSAGES]
    body.vectors(some[:1], settings.pooling)  # the first one pays for the start
    begun = time.perf_counter()
    body.vectors(some, settings.pooling)
    each = (time.perf_counter() - begun) / len(some)
    scale = sum(file.path.stat().st_size for file in files) / max(1, read_bytes)
    return Sample(tuple(some[:passages]), loading + scale * (reading + len(texts) * each))

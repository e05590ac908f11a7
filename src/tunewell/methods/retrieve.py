"""Passages of one's own documents are looked up and stand before each question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from tunewell import registry
from tunewell.contracts import Job, Predictor
from tunewell.errors import ConfigError, NotApplicable, Probed
from tunewell.values import Backbone, Kind, Machine, ParameterCount, Progress, read_json

if TYPE_CHECKING:
    from tunewell.documents.finding import Index
    from tunewell.documents.predictors import By, Finds


@dataclass(frozen=True)
class Retrieve:
    """What the model writes after the passages of a folder of documents that fit the question.

    What moves: nothing. Needs: documents that hold the answers (`--documents FOLDER`, or the
    folder of an index that `tunewell index` made), and a model that writes, on this machine or
    behind an endpoint; for `answer` a model that an earlier run has fitted to find answers in
    passages will do, and reads those that were found as one text. Costs: the index once; each
    question is longer by its passages.
    Choose it: where answers stand in documents that change. A saved model keeps a copy of the
    index; where documents have changed, the same command answers anew.
    Neighbours: `zero_shot` asks without passages; `lora` learns how to answer, not what is true.
    Source: Lewis et al. (arXiv 2005.11401); reading what was found, Chen et al. (arXiv 1704.00051).
    """

    name: ClassVar[str] = "retrieve"
    summary: ClassVar[str] = "nothing moves: passages of documents stand before the question"
    rung: ClassVar[int] = 33
    needs_backbone: ClassVar[bool] = True
    answers: ClassVar[tuple[Kind, ...]] = ("text", "span")
    asks: ClassVar[bool] = True
    example: ClassVar[str] = "--documents handbook --backbone HuggingFaceTB/SmolLM2-135M-Instruct"

    documents: str | None = None
    """A folder of documents, or of an index of them; `--documents` for short."""
    passages: int = 3
    """Passages before a question, as many as the model's window holds."""
    by: Literal["both", "vectors", "words"] = "both"
    """What a passage is found by: the nearness of its vector, its words, or both together."""

    def __post_init__(self) -> None:
        """Refuse what nobody can read."""
        if not 1 <= self.passages <= 100:
            raise ConfigError(f"passages is {self.passages}.", "1 to 100 is expected.")

    def content(self) -> str:
        """What the documents hold, as a fingerprint: a trial on others is another trial."""
        from tunewell.documents.files import documents_in
        from tunewell.documents.record import FILE

        if self.documents is None:
            return ""
        source = Path(self.documents).expanduser()
        found: list[Path] = []
        if (source / FILE).is_file():
            found = [source / FILE]
        elif source.exists():
            found = [file.path for file in documents_in(source, source)[0]]
        files = [(str(path), path.stat()) for path in found if path.is_file()]
        return _content(source, tuple((name, s.st_size, s.st_mtime_ns) for name, s in files))

    def fit(self, job: Job) -> Predictor:
        """Index the documents; NotApplicable where there are none, or the model cannot answer."""
        from tunewell.documents.predictors import (
            AskedWithPassages,
            Lookup,
            ReaderOfPassages,
        )
        from tunewell.fit.prompting.asking import asked_plainly, seconds_each
        from tunewell.fit.records import Record

        first = job.train[0].input
        if not isinstance(first, dict) or not {"question", "instruction"} & first.keys():
            raise NotApplicable("rows of this task ask no question that passages could answer")
        if self.documents is None:
            raise NotApplicable("no documents are given; name their folder with --documents")
        reader = _reader(job)
        asked = None if reader else asked_plainly(self.name, job, "generating")

        def made(lookup: Finds) -> Predictor:
            if asked is not None:
                return AskedWithPassages(asked, lookup)
            assert reader is not None and job.backbone is not None
            count = ParameterCount(total=reader.parameters.total)
            record = Record(self.name, job.task, job.backbone, job.machine, count)
            return ReaderOfPassages(record, reader, lookup)

        source = Path(self.documents).expanduser()
        if job.probe:
            indexing, some = _sampled(source, self.passages, self.by)
            each = seconds_each(made(some), job)
            raise Probed(0.0, 0.0, each, once_fixed_seconds=indexing, answers_after=True)
        return made(Lookup(_indexed(source, job, self.by), self.passages, self.by))

    def grid(self) -> tuple[Self, ...]:
        """So many passages, one alone, and twice as many."""
        counts = dict.fromkeys((self.passages, 1, min(100, self.passages * 2)))
        return tuple(replace(self, passages=count) for count in counts)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote, with its own copy of the index."""
        from tunewell.documents.finding import open_index
        from tunewell.documents.predictors import AskedWithPassages, Lookup, ReaderOfPassages
        from tunewell.fit.prompting.asked import load_asked
        from tunewell.fit.records import read_record

        kept = read_json(folder / "retrieve.json")
        lookup = Lookup(open_index(folder / "documents", kept["by"]), kept["passages"], kept["by"])
        if "asked" in read_json(folder / "model.json"):
            return AskedWithPassages(load_asked(folder, machine), lookup)
        record, _ = read_record(folder, machine)
        return ReaderOfPassages(record, _fitted(record.backbone, machine), lookup)


@lru_cache(maxsize=4)
def _content(source: Path, stamps: tuple[tuple[str, int, int], ...]) -> str:
    """Of files with these names, sizes and times: read again only where one of them differs."""
    digest = hashlib.sha256()
    for name, size, _ in stamps:
        digest.update(f"{Path(name).relative_to(source)} {size} ".encode())
        digest.update(Path(name).read_bytes())
    return digest.hexdigest()


def _reader(job: Job) -> Predictor | None:
    """The backbone as an earlier run has fitted it to this very task; None where none has."""
    from tunewell.fit.earlier import tuned_for

    assert job.backbone is not None
    if job.task.answers != "span" or job.backbone.endpoint is not None:
        return None
    made = tuned_for(job.backbone.folder)
    if made is None or made["task"] != job.task.name:
        return None
    return _fitted(job.backbone, job.machine)


def _fitted(backbone: Backbone, machine: Machine) -> Predictor:
    """The model that lies in a backbone's folder, with the head that it was fitted with."""
    method = registry.method(read_json(backbone.folder / "model.json")["method"])
    return method.load(backbone.folder, machine)


def _sampled(source: Path, passages: int, by: By) -> tuple[float, Finds]:
    """Seconds that an index of documents takes, and what gives passages as long as there is none.

    Raises:
        DataError, ResourceError: as for `planning.sample`.
    """
    from tunewell.documents.finding import open_index
    from tunewell.documents.planning import sample
    from tunewell.documents.predictors import Lookup
    from tunewell.documents.record import FILE

    if (source / FILE).is_file():
        return 0.0, Lookup(open_index(source, by), passages, by)
    some = sample(source, passages)
    return some.seconds, some


def _indexed(source: Path, job: Job, by: By) -> Index:
    """The index in a folder, or one of the documents in it, brought up to date."""
    from tunewell.documents.finding import open_index
    from tunewell.documents.indexing import index
    from tunewell.documents.record import FILE
    from tunewell.documents.settings import IndexOptions

    if (source / FILE).exists():
        return open_index(source, by)
    mark = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
    home = job.cache or job.folder
    if home is None:
        raise NotApplicable("there is no folder for an index; make one with `tunewell index`")
    made = index(IndexOptions(str(source), out=str(home / f"documents-{mark}")), lambda event: None)
    told = f"{made.files} documents in {made.passages:,} passages"
    job.report_progress(Progress(note=told))
    return open_index(made.folder, by)

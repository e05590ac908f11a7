"""Passages of one's own documents are looked up and stand before each question."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tunewell.contracts import Job, Predictor, Task
from tunewell.errors import ConfigError, NotApplicable, Probed
from tunewell.values import Answer, Kind, Machine, ParameterCount, Progress

if TYPE_CHECKING:
    from tunewell.documents.finding import Index
    from tunewell.fit.prompting.asked import AskedPredictor

PROBED = 4
"""Rows that are answered to see how long one takes."""


@dataclass(frozen=True)
class Retrieve:
    """What the model writes after the passages of a folder of documents that fit the question.

    What moves: nothing. Needs: documents that hold the answers (`--documents FOLDER`, or the
    folder of an index that `tunewell index` made), and a model that writes, on this machine or
    behind an endpoint. Costs: the index once; each question is longer by its passages.
    Choose it: where answers stand in documents that change. A saved model keeps a copy of the
    index; where documents have changed, the same command answers anew.
    Neighbours: `zero_shot` asks without passages; `lora` learns how to answer, not what is true.
    Source: Lewis et al. (arXiv 2005.11401).
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
        from tunewell.documents.record import FILE

        if self.documents is None:
            return ""
        source = Path(self.documents).expanduser()
        record = source / FILE
        found = [record] if record.is_file() else [source, *sorted(source.rglob("*"))]
        files = [(str(path), path.stat()) for path in found if path.is_file()]
        return _content(source, tuple((name, s.st_size, s.st_mtime_ns) for name, s in files))

    def fit(self, job: Job) -> Predictor:
        """Index the documents; NotApplicable where there are none, or the model does not write."""
        from tunewell.fit.prompting.asking import asked_plainly

        first = job.train[0].input
        if not isinstance(first, dict) or not {"question", "instruction"} & first.keys():
            raise NotApplicable("rows of this task ask no question that passages could answer")
        if self.documents is None:
            raise NotApplicable("no documents are given; name their folder with --documents")
        asked = asked_plainly(self.name, job, "generating")
        if job.probe:
            inputs = [row.input for row in (job.validation or job.train)[:PROBED]]
            begun = time.perf_counter()
            asked.predict(inputs)
            raise Probed(0.0, 0.0, (time.perf_counter() - begun) / len(inputs))
        index = _indexed(Path(self.documents).expanduser(), job, self.by)
        return RetrievingPredictor(asked, index, self.passages, self.by)

    def grid(self) -> tuple[Self, ...]:
        """So many passages, one alone, and twice as many."""
        counts = dict.fromkeys((self.passages, 1, min(100, self.passages * 2)))
        return tuple(replace(self, passages=count) for count in counts)

    @staticmethod
    def load(folder: Path, machine: Machine) -> Predictor:
        """The predictor that `fit` made and `save` wrote, with its own copy of the index."""
        from tunewell.documents.finding import open_index
        from tunewell.fit.prompting.asked import load_asked
        from tunewell.values import read_json

        kept = read_json(folder / "retrieve.json")
        index = open_index(folder / "documents", kept["by"])
        return RetrievingPredictor(load_asked(folder, machine), index, kept["passages"], kept["by"])


@dataclass(frozen=True)
class RetrievingPredictor:
    """A model that is asked, and an index in which passages are looked up for each question."""

    asked: AskedPredictor
    index: Index
    passages: int
    by: Literal["both", "vectors", "words"]

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.asked.task

    @property
    def parameters(self) -> ParameterCount:
        """None of its own; the backbone counts in all."""
        return self.asked.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        from tunewell.fit.prompting.passages import with_passages

        asked, most = self.asked, self.asked.most
        texts = [self._found(given) for given in inputs]
        pairs = zip(inputs, texts, strict=True)
        questions = [with_passages(asked.writer, _question(g), p, most)[0] for g, p in pairs]
        written = asked.writer.write(questions, most)
        return [asked.heard(g, said) for g, said in zip(inputs, written, strict=True)]

    def _found(self, given: Any) -> list[str]:
        """The passages for a question, the best first."""
        from tunewell.documents.settings import AskOptions

        options = AskOptions(passages=self.passages, by=self.by)
        question = given.get("question") or "\n".join(self.task.texts(given))
        return [hit.text for hit in self.index.find(question, options).passages]

    def told(self) -> list[str]:
        """Sentences on answers that were refused or could not be read, since it was loaded."""
        return self.asked.told()

    def spent(self) -> dict[str, float] | None:
        """What the answers since it was loaded have cost at an endpoint; None where none was."""
        return self.asked.spent()

    def unbounded(self) -> RetrievingPredictor:
        """The same without the caps of the run that made it."""
        return replace(self, asked=self.asked.unbounded())

    def save(self, folder: Path) -> None:
        """As a model that is asked, with a copy of the index."""
        from tunewell.values import write_json

        self.asked.save(folder)
        left = shutil.ignore_patterns(".lock", ".running")
        shutil.copytree(self.index.folder, folder / "documents", ignore=left)
        write_json(folder / "retrieve.json", {"passages": self.passages, "by": self.by})


@lru_cache(maxsize=4)
def _content(source: Path, stamps: tuple[tuple[str, int, int], ...]) -> str:
    """Of files with these names, sizes and times: read again only where one of them differs."""
    digest = hashlib.sha256()
    for name, size, _ in stamps:
        digest.update(f"{Path(name).relative_to(source)} {size} ".encode())
        digest.update(Path(name).read_bytes())
    return digest.hexdigest()


def _question(given: Any) -> str:
    """A row's question, without any passage of its own."""
    if "question" in given:
        return f"Question: {' '.join(given['question'].split())}\nAnswer:"
    lines = [f"Instruction: {' '.join(given['instruction'].split())}"]
    if "input" in given:
        lines.append(f"Input: {' '.join(given['input'].split())}")
    return "\n".join([*lines, "Response:"])


def _indexed(source: Path, job: Job, by: str) -> Index:
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

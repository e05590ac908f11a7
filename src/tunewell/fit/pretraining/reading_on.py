"""A backbone reads texts on before it is tuned: once for all the fits that begin there.

Domain-adaptive pre-training (Gururangan et al., arXiv 2004.10964). An output layer over words that
is new learns alone first, so that what it does not know yet does not spoil the layers below it
(Kumar et al., arXiv 2202.10054).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tunewell.contracts import Job, RunningText
from tunewell.errors import ConfigError, NotApplicable
from tunewell.fit import anatomy, backbones
from tunewell.fit.machine import set_up
from tunewell.fit.pretraining import blocks, loop, models
from tunewell.fit.pretraining.course import HEAD_STEPS, alone_first, reading_course
from tunewell.fit.pretraining.loop import Learner, Work
from tunewell.fit.pretraining.objectives import own_objective, room
from tunewell.values import Progress, fingerprint, whole_file

SEED = 0
"""Of the order of the texts and of what is hidden: the same for all fits."""
WINDOW = 512
"""Tokens that are read at once, where the backbone has room for as many."""


@dataclass(frozen=True)
class ReadOn:
    """A language model that has read on."""

    weights: dict[str, Tensor]
    """By their names in it."""
    prefix: str
    """Of the names of its body."""
    tokens: int
    """That it has read, all passes together."""
    seconds: float
    """That it took."""


def read_on(job: Job, passes: int, learning_rate: float) -> ReadOn:
    """Have a job's backbone read its texts; where a fit has done so before, what came of it.

    Raises:
        NotApplicable: the job has no texts, or the backbone learns from none.
        TrainingDiverged: loss or gradients were not finite.
    """
    path = _place(job, passes, learning_rate)
    found = None if path is None else _kept(job, path)
    if found is None:
        found = _read(job, passes, learning_rate)
        if path is not None:
            _keep(path, found)
    told = f"{found.tokens / 1e6:.1f} M tokens of texts without labels were read first"
    job.report_progress(Progress(note=told))
    return found


def seconds_to_read(job: Job, passes: int) -> float:
    """What reading would take, from a few steps that move nothing.

    Raises:
        NotApplicable: as for `read_on`.
    """
    texts, (learner, fresh) = _texts(job), _learner(job)
    window = room(learner.objective, learner.window, learner.tokenizer)
    framed = learner.objective == "causal"
    sample = blocks.sample(texts.held_out, learner.tokenizer, window, framed)
    share = len(sample.tokens) / sum(len(text.encode()) for text in texts.held_out)
    course = reading_course(texts.bytes * share, window, passes, 0.0)
    each = loop.seconds_a_token(learner, sample, course.blocks, SEED)
    return each * course.tokens * (1 + HEAD_STEPS * bool(fresh))


def begin_there(model: nn.Module, found: ReadOn) -> nn.Module:
    """Put what was read into a model of the same backbone, whatever its head; the same model."""
    inside = anatomy.body(model)
    own = dict(inside.named_parameters())
    start = "" if anatomy.writes(inside) else f"{found.prefix}."
    with torch.no_grad():
        for name, values in found.weights.items():
            if name.startswith(start):
                own[name.removeprefix(start)].copy_(values)
    return model


def _texts(job: Job) -> RunningText:
    if job.texts is None:
        raise NotApplicable("no texts without labels are given; name them with --texts")
    return job.texts


def _learner(job: Job) -> tuple[Learner, frozenset[str]]:
    """The backbone with its output layer over words, and the names of what is new in that."""
    backbone, machine = job.backbone, job.machine
    assert backbone is not None
    tokenizer = backbones.load_tokenizer(backbone)
    try:
        own = own_objective(backbones.load_config(backbone), tokenizer, backbone.name)
        model, _ = models.known_model(backbone, own)
    except ConfigError as error:
        raise NotApplicable("it neither writes word after word nor fills words in") from error
    fresh = frozenset(name for name, _ in model.named_parameters()) & model.fresh_head
    moved = model.to(machine.device)  # type: ignore[arg-type]
    return Learner(moved, tokenizer, own, machine, min(WINDOW, backbone.max_length)), fresh


def _read(job: Job, passes: int, learning_rate: float) -> ReadOn:
    """All steps, or those that are left; a new output layer's own come first."""
    begun, texts = time.perf_counter(), _texts(job)
    set_up(job.machine.threads)
    learner, fresh = _learner(job)
    model: nn.Module = learner.model
    window = room(learner.objective, learner.window, learner.tokenizer)
    with _folder(job) as folder:
        framed = learner.objective == "causal"
        blocks.write(folder, texts.texts(), learner.tokenizer, framed)
        there = blocks.read(folder, learner.tokenizer, window)
        course = reading_course(len(there.tokens), window, passes, learning_rate)
        if fresh:
            for name, p in model.named_parameters():
                p.requires_grad_(name in fresh)
            work = _work(job, folder / "head", 0.0, HEAD_STEPS)
            loop.train(learner, there, alone_first(course), work)
            model.requires_grad_(True)
        begin = HEAD_STEPS if fresh else 0.0
        loop.train(learner, there, course, _work(job, folder / "all", begin, 1.0))
    weights = {name: p.detach().cpu() for name, p in model.named_parameters()}
    prefix = str(model.base_model_prefix)
    return ReadOn(weights, prefix, course.tokens, time.perf_counter() - begun)


def _work(job: Job, folder: Path, begin: float, end: float) -> Work:
    """What the steps are told; `done` of the job when they begin and end."""

    def told(progress: Progress) -> None:
        # Loss and step are those of another training than the one that follows.
        done = begin + (end - begin) * progress.done
        job.report_progress(Progress(0.0 if progress.note else done, note=progress.note))

    kept = None if job.folder is None else folder
    return Work(job.machine, SEED, kept, told, job.save_every_seconds)


@contextmanager
def _folder(job: Job) -> Iterator[Path]:
    """Where tokens and checkpoints lie while it reads; what was begun there before is there."""
    if job.folder is None:
        with TemporaryDirectory() as made:
            yield Path(made)
        return
    folder = job.folder / "reading"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def _place(job: Job, passes: int, learning_rate: float) -> Path | None:
    """The file for what comes of it; None where there is no folder for such files."""
    texts, backbone, machine = _texts(job), job.backbone, job.machine
    if job.cache is None or backbone is None:
        return None
    read = [texts.fingerprint, backbone.fingerprint, backbone.max_length, machine.dtype]
    key = fingerprint([*read, machine.device, passes, learning_rate])
    return job.cache / f"read-{key[:16]}.safetensors"


def _keep(path: Path, found: ReadOn) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"prefix": found.prefix, "tokens": str(found.tokens), "seconds": repr(found.seconds)}
    with whole_file(path) as aside:
        save_file(found.weights, aside, about)


def _kept(job: Job, path: Path) -> ReadOn | None:
    """What came of it before; None where nothing did."""
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = file.metadata()
    except SafetensorError:
        job.report_progress(Progress(note=f"{path.name} was damaged and is computed again"))
        return None
    seconds = float(about["seconds"])
    job.report_progress(Progress(borrowed_seconds=seconds))
    return ReadOn(weights, about["prefix"], int(about["tokens"]), seconds)

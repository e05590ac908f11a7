"""A pre-training from top to bottom: texts, the plan of one dial, steps, what the model knows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.errors import ConfigError
from tunewell.fit.pretraining.settings import PretrainOptions
from tunewell.lock import alone_in
from tunewell.pretraining import planning
from tunewell.pretraining.planning import PLAN, WORK, Asked
from tunewell.read.corpus import survey
from tunewell.settings import Event, Watch
from tunewell.tell import pretrained
from tunewell.values import (
    Interval,
    Progress,
    fingerprint,
    read_json,
    to_json,
    whole_file,
    write_json,
)

if TYPE_CHECKING:
    import numpy as np

RECORD = "pretrain.json"


@dataclass(frozen=True)
class Pretrained:
    """A model that was pre-trained."""

    folder: Path
    record: dict[str, Any]
    """What `pretrain.json` holds: data, options, shape, course and figures."""


def pretrain(options: PretrainOptions, watch: Watch) -> Pretrained:
    """Train a language model on running text, or have a backbone read on.

    Raises:
        DataError: a file cannot be read, or there is too little text.
        ConfigError: the backbone cannot learn so, or the folder holds something else.
        TrainingDiverged: loss or gradients were not finite.
        ResourceError: memory or room on the disk is missing.
    """
    from tunewell.fit import machine as machines

    folder = options.folder
    corpus = survey(options.data, options.validation, options.seed)
    backbone = None
    if options.backbone is not None:
        from tunewell.fit.backbones import resolve

        backbone = resolve(options.backbone)
    machine = machines.find(options.device, options.dtype)
    key = fingerprint(
        {
            "data": corpus.fingerprint,
            "options": [options.objective, options.size, options.minutes, options.seed],
            "backbone": backbone.fingerprint if backbone else None,
            "dtype": machine.dtype,
        }
    )
    with alone_in(folder):
        _refuse_other(folder, key)
        if (folder / RECORD).exists():
            watch(Event("message", "This has been done before; nothing is run."))
            return Pretrained(folder, read_json(folder / RECORD))
        machines.set_up(machine.threads)
        machines.import_heavy_packages()
        if not (folder / WORK / PLAN).exists():  # a plan that was not finished may be another's
            shutil.rmtree(folder / WORK, ignore_errors=True)
        return _run(Asked(options, corpus, backbone, machine, key, watch))


def _refuse_other(folder: Path, key: str) -> None:
    """A folder holds one model, made in one way."""
    record, plan = folder / RECORD, folder / WORK / PLAN
    found = [read_json(path)["key"] for path in (record, plan) if path.exists()]
    foreign = not found and (folder / "config.json").exists()
    if foreign or any(other != key for other in found):
        raise ConfigError(
            f"{folder} holds another model.",
            "A new folder is expected, or the very command that was given for it.",
            "Choose another folder with --out, or remove that one.",
        )


def _run(asked: Asked) -> Pretrained:
    """What is left of a pre-training: to plan, to train, to measure, to keep."""
    from tunewell.fit import machine as machines
    from tunewell.fit.pretraining import blocks, held_out, loop, models
    from tunewell.fit.pretraining.peak import measured_peak, operations_a_token

    notes = list(asked.corpus.notes)
    for note in notes:
        asked.watch(Event("message", note))
    learner, more = planning.learner_of(asked)
    notes += more
    plan, course = planning.planned(asked, learner)
    for sentence in pretrained.plan_sentences(plan):
        asked.watch(Event("message", sentence))
    before = held_out.known(learner, asked.corpus.held_out) if asked.backbone else None
    there = blocks.read(asked.work, learner.tokenizer, course.window)
    work = loop.Work(asked.machine, asked.options.seed, asked.work, _teller(asked.watch, notes))
    state = loop.train(learner, there, course, work)
    read, seconds = state.step * course.step_tokens, state.seconds
    operations = operations_a_token(learner.model, learner.objective, learner.window)
    speed = read / seconds
    asked.watch(Event("message", "What it knows of the texts that were kept apart is measured."))
    after = held_out.known(learner, asked.corpus.held_out)
    record = {
        **plan,
        **_figures(before, after),
        "steps": state.step,
        "tokens_read": read,
        "tokens": len(there.tokens),
        "seconds": seconds,
        "tokens_per_second": speed,
        "peak_share": speed * operations / measured_peak(asked.machine),
        "notes": notes,
        "machine": machines.facts(),
    }
    folder = asked.options.folder
    pooling = asked.backbone.pooling if asked.backbone else None
    models.save(learner.model, learner.tokenizer, folder, pooling)
    with whole_file(folder / "README.md") as aside:
        aside.write_text(pretrained.card(record), encoding="utf-8")
    write_json(folder / RECORD, record)
    shutil.rmtree(asked.work)
    return Pretrained(folder, record)


def _figures(before: np.ndarray | None, after: np.ndarray) -> dict[str, Any]:
    """Bits per byte with intervals over documents; of a backbone also before, and the change."""
    import numpy as np

    from tunewell.measure.intervals import intervals, resampled_scores
    from tunewell.measure.metrics.surprise import BitsPerByte

    metric = BitsPerByte()
    known = {"before": before, "bits_per_byte": after}
    of = {name: each[None] for name, each in known.items() if each is not None}
    found: dict[str, Any] = {"before": None, "change": None, **intervals(metric, of)}
    if before is not None:
        scores = resampled_scores(metric, [before[None], after[None]])
        low, high = np.quantile(scores[:, 1] - scores[:, 0], (0.025, 0.975))
        change = found["bits_per_byte"].value - found["before"].value
        found["change"] = Interval(change, float(low), float(high))
    return to_json(found)


def _teller(watch: Watch, notes: list[str]) -> Callable[[Progress], None]:
    """What a training tells, as events; its notes are kept as well."""
    begun: list[tuple[float, float]] = []

    def told(progress: Progress) -> None:
        if progress.note:
            notes.append(progress.note)
            watch(Event("message", progress.note))
            return
        now, done = time.monotonic(), progress.done
        begun.append((now, done))
        then, first = begun[0]
        left = (now - then) * (1 - done) / (done - first) if done > first else None
        watch(Event("progress", "pre-training", done, left, "loss", progress.loss, percent=False))
        del begun[1:]

    return told

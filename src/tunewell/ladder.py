"""Running the plan: every trial of every method, the pick of each, and its one look at test."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tunewell.contracts import Method
from tunewell.plan.choose import Planned, once
from tunewell.ready import Ready
from tunewell.settings import Event, Watch
from tunewell.tell.track import tracked
from tunewell.values import Backbone, Progress, to_json

Fits = tuple[tuple[Method, int], ...]
"""Options and seed of each."""


@dataclass
class Course:
    """How far the run is, told to a watcher in the plan's own seconds."""

    watch: Watch
    metric: str
    percent: bool
    total_seconds: float
    budget_seconds: float
    started: float = field(default_factory=time.monotonic)
    done_seconds: float = 0.0
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Vectors of validation and test rows that a frozen backbone has read."""

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget_seconds - (time.monotonic() - self.started)

    def tell(self, kind: Any, message: str, part: float = 0.0, score: float | None = None) -> None:
        """One event; `part` is how many planned seconds of the current trial are done."""
        done = self.done_seconds + part
        share = min(1.0, done / self.total_seconds) if self.total_seconds else 0.0
        spent = time.monotonic() - self.started
        left = spent / share * (1 - share) if share > 0.02 else self.total_seconds - done
        seconds = max(0.0, left)
        self.watch(Event(kind, message, share, seconds, self.metric, score, self.percent))


def run_ladder(
    ready: Ready, plan: Sequence[Planned], watch: Watch
) -> tuple[list[dict[str, Any]], bool]:
    """Run what the plan says and is not done yet; Ctrl-C stops it with what there is.

    Returns:
        for each planned row what became of it (`status` and `reason`), and whether it was stopped.
    """
    from tunewell.fit.machine import import_heavy_packages
    from tunewell.options import parse_duration

    total = sum(row.seconds or 0.0 for row in plan if row.status == "run")
    budget = parse_duration(ready.options.budget)
    if ready.backbones:
        import_heavy_packages()
    percent = ready.task.metrics[ready.task.metric].scale.percent
    course = Course(watch, ready.task.metric, percent, total, budget)
    rows = {
        (row.method, row.fingerprint): {
            "method": row.method,
            "backbone": row.backbone,
            "fingerprint": row.fingerprint,
            "status": "ok" if row.status == "run" else "skipped",
            "reason": row.reason,
            "keys": row.keys,
            "refits": row.refits,
        }
        for row in plan
    }
    pairs = {(m.name, b.fingerprint if b else ""): (m, b) for m, b in ready.pairs}
    running = [
        row for row in plan if row.status == "run" and (row.method, row.fingerprint) in pairs
    ]
    try:
        for number, row in enumerate(running):
            at = (row.method, row.fingerprint)
            # What later methods need for one trial is not spent on further trials of this one.
            kept = sum(_needs(ready, later) for later in running[number + 1 :])
            rows[at] |= _climb(ready, row, *pairs[at], course, kept)
    except KeyboardInterrupt:
        course.tell("message", "stopped; the report holds what there is")
        return list(rows.values()), True
    return list(rows.values()), False


def _needs(ready: Ready, row: Planned) -> float:
    """Planned seconds of what a method has still to do with one trial only."""
    ended = _ended(ready)
    if row.estimate is None or row.keys[0] not in ended:
        return once(row)
    refits = ready.options.seeds - 1 - len(ended.intersection(row.refits))
    return max(0, refits) * row.estimate.seconds


def _climb(
    ready: Ready,
    row: Planned,
    method: Method,
    backbone: Backbone | None,
    course: Course,
    kept_seconds: float,
) -> dict[str, str]:
    """All trials of one method, then the test with its pick; its status, and why if not all ran."""
    from tunewell.fit.general import why_untold
    from tunewell.measure.assemble import pick, trials_of
    from tunewell.measure.forgetting import keep_forgetting
    from tunewell.measure.trial import open_test

    grid = method.grid()[: row.trials]
    seconds = (row.seconds or 0.0) / (row.trials + ready.options.seeds - 1)
    each = row.estimate.seconds if row.estimate else 0.0
    expected, why = once(row), row.reason
    ended = _ended(ready)
    for number, setting in enumerate(grid):
        name = f"{_named(ready, row)}, trial {number + 1} of {len(grid)}"
        done = ready.trial(setting, backbone, ready.options.seed).key in ended
        left = course.left - (kept_seconds if number else 0.0)
        if not done and expected > left:
            if not number:
                return {"status": "skipped", "reason": "the budget was used up before its turn"}
            why = f"trials: {number} of {len(grid)}, as the budget was used up"
            break
        later = [(each, ready.options.seed) for each in grid[number + 1 :]]
        beside = _to_come(ready, backbone, later, ended)
        took = _trial(ready, row, setting, backbone, name, seconds, course, beside)
        expected = each if done else took
    trials = trials_of(ready.folder, row.method, row.fingerprint)
    scale = ready.task.metrics[ready.task.metric].scale
    picked = pick(trials, ready.task.metric, row.keys, scale)
    if picked is None:
        return {"reason": why}
    chosen = type(method)(**picked["options"])
    if not (ready.folder / picked["folder"] / "model").exists():
        (ready.folder / picked["folder"] / "result.json").unlink()
        _trial(ready, row, chosen, backbone, f"{_named(ready, row)} again", 0.0, course)
    for refit in range(1, ready.options.seeds):
        seed = ready.options.seed + refit
        name = f"{_named(ready, row)}, seed {seed}"
        done = ready.trial(chosen, backbone, seed).key in ended
        if not done and picked["spent_seconds"] > course.left - kept_seconds:
            few = f"seeds: {refit} of {ready.options.seeds}, as the budget was used up"
            why = f"{why}; {few}" if why else few
            break
        later = [(chosen, seed + n) for n in range(1, ready.options.seeds - refit)]
        beside = _to_come(ready, backbone, later, ended)
        _trial(ready, row, chosen, backbone, name, seconds, course, beside, seed)
        open_test(
            _folder(ready, chosen, backbone, seed), ready.data.test, ready.machine, course.shared
        )
    course.tell("message", f"{_named(ready, row)}: answering the test rows")
    open_test(ready.folder / picked["folder"], ready.data.test, ready.machine, course.shared)
    local = backbone is not None and backbone.endpoint is None
    if local and (ready.folder / picked["folder"] / "test.json").exists():
        untold = partial(why_untold, backbone, ready.machine, ready.general)
        keep_forgetting(ready.folder / picked["folder"], ready.general, ready.machine, untold)
    for trial in trials:
        if trial["folder"] != picked["folder"] and trial["key"] in row.keys:
            shutil.rmtree(ready.folder / trial["folder"] / "model", ignore_errors=True)
    return {"reason": why}


def _trial(
    ready: Ready,
    row: Planned,
    method: Method,
    backbone: Backbone | None,
    name: str,
    planned_seconds: float,
    course: Course,
    beside: Fits = (),
    seed: int | None = None,
) -> float:
    """Run one trial unless it is done; the seconds it took.

    Args:
        beside: those that come after it.
    """
    from tunewell.measure.trial import run_trial

    seed = ready.options.seed if seed is None else seed
    start = time.monotonic()
    course.tell("start", name)
    folder = _folder(ready, method, backbone, seed)
    planned = {}
    if row.estimate is not None:
        planned["planned_seconds"] = row.estimate.alone_seconds
        planned["planned_peak_bytes"] = row.estimate.peak_bytes
    job = replace(ready.job(backbone, seed), beside=beside)
    with tracked(ready.options.track, ready.folder, folder.name, to_json(method)) as log:

        def told(progress: Progress) -> None:
            log(progress)
            if not progress.note and not progress.done:
                return  # what was borrowed is for the account alone
            kind = "message" if progress.note else "progress"
            message = f"{name}: {progress.note}" if progress.note else name
            course.tell(kind, message, progress.done * planned_seconds, progress.score)

        result = run_trial(method, job, folder, course.shared, told, planned)
    course.done_seconds += planned_seconds
    score = result.get("validation", {}).get(ready.task.metric)
    outcome = name
    if result["status"] != "ok":
        outcome = f"{name}: {result['status']}, {result['reason'].rstrip('.')}"
    course.tell("done", outcome, score=score)
    return time.monotonic() - start


def _to_come(
    ready: Ready, backbone: Backbone | None, fits: Sequence[tuple[Method, int]], ended: set[str]
) -> Fits:
    """Those of some fits, options and seed of each, that have not ended."""
    return tuple(
        (method, seed)
        for method, seed in fits
        if ready.trial(method, backbone, seed).key not in ended
    )


def _folder(ready: Ready, method: Method, backbone: Backbone | None, seed: int) -> Path:
    from tunewell.measure.trial import new_folder

    return new_folder(ready.folder / "trials", ready.trial(method, backbone, seed))


def _ended(ready: Ready) -> set[str]:
    """Keys of the trials in the folder that will not run again."""
    from tunewell.measure.trial import ended

    return ended(ready.folder / "trials")


def _named(ready: Ready, row: Planned) -> str:
    several = len(ready.backbones) > 1 and row.backbone
    return f"{row.method} on {row.backbone}" if several else row.method

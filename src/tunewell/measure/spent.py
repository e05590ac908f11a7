"""What a trial has taken, added up over all the times that it was begun and stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tunewell.measure.cost import Meter
from tunewell.values import Progress, read_json, write_json

EVERY_SECONDS = 1.0
"""Between two records, so that a trial that is killed has lost no more."""


@dataclass(frozen=True)
class Spent:
    """What a trial took."""

    spent_seconds: float = 0.0
    """Each time that it was begun, those that led to nothing included."""
    cost_seconds: float = 0.0
    """To make this model, with its share of common work."""
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    notes: tuple[str, ...] = ()


class Account:
    """Keeps `spent.json` beside a trial's checkpoints, and goes on from the one that is there.

    A model that goes on from a checkpoint costs what it took before and after. The steps since
    that checkpoint and the loading, which it does twice, count as well.
    """

    def __init__(self, checkpoints: Path) -> None:
        self._path = checkpoints / "spent.json"
        self._goes_on = any(path.name[-1].isdecimal() for path in checkpoints.rglob("step-*"))
        self._before = Spent()
        if self._path.exists():
            kept = read_json(self._path)
            self._before = Spent(**{**kept, "notes": tuple(kept["notes"])})
        if not self._goes_on:
            self._before = Spent(spent_seconds=self._before.spent_seconds)
        self._borrowed, self._notes = 0.0, self._before.notes
        self._borrowed_bytes = 0
        self._start, self._cpu_start = time.perf_counter(), time.process_time()
        self._kept = self._start

    def hear(self, progress: Progress) -> None:
        """Take down what a fit tells, and now and then how long it has taken."""
        if progress.note:
            self._notes += (progress.note,)
        # What was borrowed before it was stopped is borrowed again, and counts once.
        self._borrowed += 0.0 if self._goes_on else progress.borrowed_seconds
        self._borrowed_bytes = max(self._borrowed_bytes, progress.borrowed_bytes)
        now = time.perf_counter()
        if now - self._kept >= EVERY_SECONDS:
            self._kept = now
            self._keep(now - self._start, time.process_time() - self._cpu_start, 0)

    def close(self, meter: Meter) -> Spent:
        """The whole, with what the meter of this fit says, however the fit ended."""
        return self._keep(meter.seconds, meter.cpu_seconds, meter.peak_bytes)

    def _keep(self, seconds: float, cpu_seconds: float, peak_bytes: int) -> Spent:
        before = self._before
        whole = Spent(
            spent_seconds=before.spent_seconds + seconds,
            cost_seconds=before.cost_seconds + seconds + self._borrowed,
            cpu_seconds=before.cpu_seconds + cpu_seconds,
            peak_bytes=max(before.peak_bytes, peak_bytes + self._borrowed_bytes),
            notes=self._notes,
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, whole)
        return whole

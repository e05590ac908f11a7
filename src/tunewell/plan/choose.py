"""Which trials fit into the budget: the cheap methods first, whole trials or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.plan.probe import Estimate


@dataclass(frozen=True)
class Planned:
    """One row of the plan: a method on a backbone, and what it would take."""

    method: str
    backbone: str
    """"" for methods that stand on none."""
    options: dict[str, Any]
    """The method's options, those of its first trial."""
    trials: int
    """Trials that will run, of those asked for."""
    status: str = "run"
    """`run` or `skip`."""
    reason: str = ""
    """Why it is skipped, or gets fewer trials than asked for."""
    estimate: Estimate | None = None
    """None where there is none: the method was skipped, or its probe failed."""
    seconds: float | None = None
    """For all its trials and its test, its share of a common pass included."""
    keys: tuple[str, ...] = ()
    """Of the trials asked for, the default first; its row shows one of these and no other."""
    refits: tuple[str, ...] = ()
    """Keys of the refits asked for, of whichever trial is picked."""
    fingerprint: str = ""
    """The backbone's; its name may change."""
    finished: int = 0
    """Of the trials asked for, those that had come to an end before: they cost nothing more."""
    refitted: int = 0
    """The same of the refits."""


def planned_from_json(value: dict[str, Any]) -> Planned:
    """The row that was written as JSON."""
    estimate = Estimate(**value["estimate"]) if value["estimate"] else None
    lists = {name: tuple(value.get(name, ())) for name in ("keys", "refits")}
    return Planned(**{**value, **lists, "estimate": estimate})


def once(row: Planned) -> float:
    """Planned seconds of a method with one trial only."""
    if row.estimate is None or row.seconds is None:
        return 0.0
    return row.seconds - _further(row, row.trials) * row.estimate.seconds


def _further(row: Planned, trials: int) -> int:
    """Trials after the first that are still to be run."""
    return max(0, trials - max(1, row.finished))


def choose(
    rows: Sequence[Planned],
    budget_seconds: float,
    memory_bytes: int,
    refits: int = 0,
    test_rows: int = 0,
) -> tuple[Planned, ...]:
    """Rows in order of cost, with as many trials as the budget holds.

    Every method gets one trial, the cheapest first, before any gets its second.

    Args:
        rows: methods with their estimates and the trials asked for; skipped ones stay skipped.
        budget_seconds: for everything together.
        memory_bytes: for one trial; 0 where it is not known.
        refits: fits of the picked trial with further seeds.
        test_rows: rows that the picked trial answers.
    """
    known = [row for row in rows if row.status == "run" and row.estimate is not None]
    left, first = budget_seconds, []
    paid = {row.backbone for row in known if row.finished}
    for row in sorted(known, key=_one_trial):
        estimate = row.estimate
        assert estimate is not None
        shared = 0.0 if row.backbone in paid else estimate.shared_seconds
        seconds = _still(row, refits, test_rows, shared)
        reason = "" if row.finished else _too_much(estimate, seconds, memory_bytes, left)
        if reason:
            first.append(replace(row, status="skip", trials=0, reason=reason, seconds=seconds))
            continue
        first.append(replace(row, seconds=seconds))
        left = max(0.0, left - seconds)
        if estimate.shared_seconds:
            paid.add(row.backbone)
    chosen = []
    for row in first:
        if row.status == "run" and row.estimate is not None and row.seconds is not None:
            each = row.estimate.seconds
            more = asked = _further(row, row.trials)
            if each:
                more = min(asked, int(left / each))
            trials, reason = row.trials - asked + more, ""
            if more < asked:
                reason = f"trials: {trials} of {row.trials}, as the budget holds no more"
            row = replace(row, trials=trials, seconds=row.seconds + more * each, reason=reason)
            left -= more * each
        chosen.append(row)
    unknown = [row for row in rows if row.status != "run" or row.estimate is None]
    return (*chosen, *unknown)


def _too_much(estimate: Estimate, seconds: float, memory_bytes: int, left: float) -> str:
    """Why one trial does not fit; empty where it does."""
    if memory_bytes and estimate.peak_bytes > memory_bytes:
        need = f"needs about {estimate.peak_bytes / 1e9:.1f} GB"
        return f"{need}; {memory_bytes / 1e9:.1f} GB are to be had"
    if seconds > left:
        return (
            f"would take about {_minutes(seconds)} for one trial; "
            f"{_minutes(max(0.0, left))} of the budget are left"
        )
    return ""


def _still(row: Planned, refits: int, test_rows: int, shared: float) -> float:
    """Seconds for what is left to do of one trial, its refits and their tests."""
    assert row.estimate is not None
    left = max(0, refits - row.refitted)
    if not row.finished:
        return row.estimate.once_seconds + total_seconds(row.estimate, 1, left, test_rows, shared)
    return left * (row.estimate.seconds + test_rows * row.estimate.answer_seconds)


def total_seconds(
    estimate: Estimate, trials: int, refits: int, test_rows: int, shared: float
) -> float:
    """Seconds for the trials and refits of a method and the test of its pick."""
    fits = (trials + refits) * estimate.seconds
    return fits + shared + (1 + refits) * test_rows * estimate.answer_seconds


def _one_trial(row: Planned) -> float:
    assert row.estimate is not None
    return row.estimate.alone_seconds


def _minutes(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"

"""What each method would take here, as far as it is measured, and what fits into a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunewell.convert import parse_bytes, parse_duration
from tunewell.plan.choose import Planned, choose, planned_from_json
from tunewell.serve.web import jobs
from tunewell.serve.web.shelf import Kept
from tunewell.tell import units
from tunewell.values import read_json

BUDGETS = ("1m", "2m", "5m", "10m", "20m", "30m", "1h", "2h", "4h", "8h", "24h")
"""Steps of the slider."""


@dataclass(frozen=True)
class Cost:
    """What is known of one method."""

    time: str
    """In words; empty where nothing is known yet."""
    memory: str
    verdict: str
    """What the budget makes of it."""
    runs: bool


@dataclass(frozen=True)
class Costs:
    """What is known of all methods."""

    by_method: dict[str, Cost]
    total: str
    measuring: bool
    error: Mapping[str, str] | None


def costs(kept: Kept, values: Mapping[str, Any], methods: Sequence[str]) -> Costs:
    """What the methods would take, those asked for within the budget.

    Raises:
        ConfigError: the budget or the memory is none.
    """
    job = jobs.state(kept, "costs")
    path = kept.page / "costs.json"
    known = (
        read_json(path)
        if path.exists()
        else {"rows": [], "test_rows": 0, "machine": {"memory_bytes": 0}}
    )
    rows = [planned_from_json(row) for row in known["rows"]]
    asked = [replace(row, trials=_trials(row, values)) for row in rows if row.method in methods]
    memory = values.get("memory")
    chosen = choose(
        asked,
        parse_duration(str(values["budget"])),
        parse_bytes(str(memory)) if memory else known["machine"]["memory_bytes"],
        int(values.get("seeds", 1)) - 1,
        known["test_rows"],
    )
    by_method = {row.method: _cost(row, asked=False) for row in rows}
    by_method |= {row.method: _cost(row, asked=True) for row in chosen}
    running = [row for row in chosen if row.status == "run" and row.seconds is not None]
    unknown = [name for name in methods if name not in by_method]
    total = units.seconds(sum(row.seconds or 0.0 for row in running))
    going = job["state"] in jobs.GOING
    told = (
        f"The {len(running)} that are measured take about {total}."
        if unknown
        else (f"Altogether about {total}." if running else "Nothing would run.")
    )
    return Costs(by_method, told if rows else "", going, job.get("error"))


def closest(budget: str) -> int:
    """The step of the slider for a budget."""
    seconds = parse_duration(budget)
    return min(range(len(BUDGETS)), key=lambda n: abs(parse_duration(BUDGETS[n]) - seconds))


def in_words(budget: str) -> str:
    """A budget as people say it.

    >>> in_words("10m"), in_words("1h30m"), in_words("24h")
    ('10 minutes', '1 hour 30 minutes', '24 hours')
    """
    left, parts = round(parse_duration(budget)), []
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        whole, left = divmod(left, size)
        if whole:
            parts.append(f"{whole} {unit}{'' if whole == 1 else 's'}")
    return " ".join(parts)


def _trials(row: Planned, values: Mapping[str, Any]) -> int:
    return min(row.trials, int(values.get("trials", row.trials))) or row.trials


def _cost(row: Planned, asked: bool) -> Cost:
    estimate = row.estimate
    if estimate is None:
        why = row.reason or "its cost could not be measured"
        return Cost("", "", why if asked else "not chosen", row.status == "run" and asked)
    time = units.seconds(row.seconds if row.seconds is not None else estimate.seconds)
    memory = units.megabytes(estimate.peak_bytes)
    if not asked:
        return Cost(time, memory, "not chosen", False)
    if row.status != "run":
        return Cost(time, memory, f"left out: {row.reason}", False)
    tries = f"{row.trials} setting{'' if row.trials == 1 else 's'} tried"
    return Cost(time, memory, f"runs; {row.reason or tries}", True)

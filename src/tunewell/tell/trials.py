"""What each method was tried with, and which trial validation picked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunewell.tell import units
from tunewell.tell.scores import Reading


@dataclass(frozen=True)
class Tried:
    """One trial as the report lists it."""

    options: tuple[str, ...]
    """Values of the options that differ between the trials, in the order of `Trials.varied`."""
    seed: int
    validation: str
    cost: str
    status: str
    picked: bool


@dataclass(frozen=True)
class Trials:
    """All trials of one result."""

    name: str
    varied: tuple[str, ...]
    tried: tuple[Tried, ...]
    chosen: tuple[tuple[str, str], ...]
    """Every option of the picked trial with its value."""


def trials(result: dict[str, Any], read: Reading) -> Trials:
    """Reads one result of `comparison.json`, whose deciding metric is read so."""
    name = result.get("name") or result["method"]
    listed = result.get("trials") or []
    keys = list(dict.fromkeys(key for trial in listed for key in trial.get("options") or {}))
    varied = [
        key
        for key in keys
        if len({units.option((trial.get("options") or {}).get(key)) for trial in listed}) > 1
    ]
    return Trials(
        name=name,
        varied=tuple(varied),
        tried=tuple(_tried(trial, result, varied, read) for trial in listed),
        chosen=tuple(
            (key, units.option(value)) for key, value in (result.get("options") or {}).items()
        ),
    )


def _tried(
    trial: dict[str, Any], result: dict[str, Any], varied: list[str], read: Reading
) -> Tried:
    options = trial.get("options") or {}
    validation, cost = trial.get("validation"), trial.get("cost_seconds")
    status = trial.get("status", "ok")
    reason = trial.get("reason")
    return Tried(
        options=tuple(units.option(options.get(key)) for key in varied),
        seed=trial.get("seed", 0),
        validation=units.NOTHING if validation is None else read.figure(validation),
        cost=units.NOTHING if cost is None else units.seconds(cost),
        status=f"{status}: {reason}" if reason else status,
        picked=bool(result.get("folder")) and trial.get("folder") == result.get("folder"),
    )

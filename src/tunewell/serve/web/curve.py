"""The score on the way as a picture: one line a trial over the time of the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.tell import units
from tunewell.tell.scores import Reading

_SIZES = (("wide", 940, 240), ("narrow", 340, 240))
"""A picture for a desk and one for a phone, with letters of one size in both."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 22, 28
_LETTER, _LINE = 6.6, 14.0
"""Pixels that a letter of a name and a line of names take."""


@dataclass(frozen=True)
class Picture:
    """The curve at one width."""

    size: str
    width: int
    height: int
    paths: tuple[tuple[str, str, tuple[float, float]], ...]
    """Trial, path, its last point."""
    names: tuple[tuple[float, float, str, str], ...]
    """Where a method's name stands, its `text-anchor`, the name."""
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Curve:
    """The scores so far as pictures and in words."""

    pictures: tuple[Picture, ...]
    table: tuple[tuple[str, str, str], ...]
    """Trial, when, score."""


def curve(file: Path, read: Reading) -> Curve | None:
    """What `curve.jsonl` holds so far, as the metric is read; None for less than two scores."""
    if not file.exists():
        return None
    with file.open(encoding="utf-8") as lines:
        whole = [line for line in lines if line.endswith("\n")]  # the last may be half written
    points = [json.loads(line) for line in whole]
    if len(points) < 2:
        return None
    told = [(p["trial"], units.seconds(p["seconds"]), read.figure(p["score"])) for p in points]
    return Curve(tuple(_picture(points, read, *size) for size in _SIZES), tuple(told))


def _picture(
    points: list[dict[str, Any]], read: Reading, size: str, width: int, height: int
) -> Picture:
    first = points[0]["seconds"]
    span = max(points[-1]["seconds"] - first, 1.0)
    scores = [point["score"] for point in points]
    around = 0.05 if read.percent else 0.1 * (max(scores) - min(scores)) or 0.05
    low, high = min(scores) - around, max(scores) + around

    def across(seconds: float) -> float:
        return round(_LEFT + (width - _LEFT - _RIGHT) * (seconds - first) / span, 1)

    def up(score: float) -> float:
        return round(height - _BOTTOM - (height - _TOP - _BOTTOM) * (score - low) / (high - low), 1)

    trials: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        place = (across(point["seconds"]), up(point["score"]))
        trials.setdefault(point["trial"], []).append(place)
    paths = [
        (n, "M" + "L".join(f"{x},{y}" for x, y in line), line[-1]) for n, line in trials.items()
    ]
    # Of a short span two ticks may be told alike: the first of them stays.
    ticks: dict[str, float] = {}
    for at in (first, first + span / 2, first + span):
        ticks.setdefault(units.seconds(at), across(at))
    return Picture(
        size,
        width,
        height,
        tuple(paths),
        _names(trials, read, width),
        tuple((x, told) for told, x in ticks.items()),
        tuple(
            (up(score), read.tick(score) if read.percent else read.figure(score))
            for score in (low, (low + high) / 2, high)
        ),
    )


def _names(
    trials: dict[str, list[tuple[float, float]]], read: Reading, width: int
) -> tuple[tuple[float, float, str, str], ...]:
    """Each method's name over its best point, where there is room for it."""
    methods: dict[str, list[tuple[float, float]]] = {}
    for trial, line in trials.items():
        methods.setdefault(trial.partition(",")[0], []).extend(line)
    best = max if read.lower_is_better else min  # downwards in a picture is more
    placed: list[tuple[float, float, str, str]] = []
    taken: list[tuple[float, float, float]] = []
    for method, places in methods.items():
        x, y = best(places, key=lambda place: place[1])
        anchor = "end" if x > width / 2 else "start"
        left = x - _LETTER * len(method) if anchor == "end" else x
        right = left + _LETTER * len(method)
        free = all(right < a or left > b or abs(y - c) > _LINE for a, b, c in taken)
        if free and left >= _LEFT:
            taken.append((left, right, y))
            placed.append((x, round(y - 8, 1), anchor, method))
    return tuple(placed)

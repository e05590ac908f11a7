"""The score on the way as a picture: one line a trial over the time of the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tunewell.tell import units
from tunewell.tell.scores import Reading

WIDTH, HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 12, 28


@dataclass(frozen=True)
class Curve:
    """Points of each trial in the picture, and in words."""

    paths: tuple[tuple[str, str, tuple[tuple[float, float], ...]], ...]
    """Trial, path, points."""
    table: tuple[tuple[str, str, str], ...]
    """Trial, when, score."""
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


def curve(file: Path, read: Reading) -> Curve | None:
    """What `curve.jsonl` holds so far, as the metric is read; None for less than two scores."""
    if not file.exists():
        return None
    with file.open(encoding="utf-8") as lines:
        whole = [line for line in lines if line.endswith("\n")]  # the last may be half written
    points = [json.loads(line) for line in whole]
    if len(points) < 2:
        return None
    last = max(points[-1]["seconds"], 1.0)
    scores = [point["score"] for point in points]
    around = 0.05 if read.percent else 0.1 * (max(scores) - min(scores)) or 0.05
    low, high = min(scores) - around, max(scores) + around

    def place(point: dict[str, float]) -> tuple[float, float]:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * point["seconds"] / last
        y = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (point["score"] - low) / (high - low)
        return round(x, 1), round(y, 1)

    trials: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        trials.setdefault(point["trial"], []).append(place(point))
    return Curve(
        paths=tuple(
            (name, "M" + "L".join(f"{x},{y}" for x, y in line), tuple(line))
            for name, line in trials.items()
        ),
        table=tuple(
            (p["trial"], units.seconds(p["seconds"]), read.figure(p["score"])) for p in points
        ),
        across=tuple(
            (place({"seconds": last * part, "score": low})[0], units.seconds(last * part))
            for part in (0.0, 0.5, 1.0)
        ),
        up=tuple(
            (
                place({"seconds": 0.0, "score": score})[1],
                read.tick(score) if read.percent else read.figure(score),
            )
            for score in (low, (low + high) / 2, high)
        ),
    )

"""Which methods each picture of the report shows, and what its caption needs."""

from __future__ import annotations

from dataclasses import dataclass

from tunewell.tell.pictures import Dot, Picture, legend, picture
from tunewell.tell.rows import Row
from tunewell.tell.scores import Reading


@dataclass(frozen=True)
class Figure:
    """One picture in two sizes, with the facts for the table below it."""

    key: str
    heading: str
    axis: str
    dots: tuple[Dot, ...]
    """Every method that finished, drawn or not."""
    left_out: tuple[Dot, ...]
    sizes: tuple[tuple[str, Picture], ...]
    """For a desk and for a phone."""
    legend: tuple[tuple[str, str], ...]


def figures(lines: list[Row], read: Reading) -> list[Figure]:
    """Quality against training time, and against the time of a prediction."""
    training = [_dot(line, line.training_seconds, line.cells["cost"]) for line in lines]
    prediction = [_dot(line, line.prediction_seconds, line.cells["milliseconds"]) for line in lines]
    made = [
        _figure("training", "Quality against training time", "time to train", training, read),
        _figure(
            "prediction", "Quality against time for a prediction", "time a row", prediction, read
        ),
    ]
    return [figure for figure in made if figure]


def scale(lines: list[Row]) -> tuple[float, float]:
    """Lowest and highest end of the intervals to draw, for the bars in the table."""
    scored = [line for line in lines if line.score]
    drawn = [line for line in scored if not is_baseline(line)]
    ends = [
        line.score[key]
        for line in (drawn if len(drawn) > 1 else scored)
        for key in ("low", "high", "value")
    ]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    return low, max(high, low + 0.01)


def is_baseline(line: Row) -> bool:
    """Whether a method never looks at the input.

    It costs nothing and scores far below the rest: drawn to scale it would leave them no room.
    """
    return bool(line.result.get("baseline"))


def _dot(line: Row, seconds: float | None, cost: str) -> Dot | None:
    if line.score is None or seconds is None:
        return None
    return Dot(
        name=line.name,
        label=line.cells["name"],
        backbone=line.backbone,
        score=line.score,
        told=line.cells["score"],
        seconds=seconds,
        cost=cost,
        recommended=line.recommended,
        baseline=is_baseline(line),
    )


def _figure(
    key: str, heading: str, axis: str, found: list[Dot | None], read: Reading
) -> Figure | None:
    dots = [dot for dot in found if dot]
    if not dots:
        return None
    drawn = [dot for dot in dots if not dot.baseline]
    if len(drawn) < 2:
        drawn = dots
    return Figure(
        key=key,
        heading=heading,
        axis=axis,
        dots=tuple(dots),
        left_out=tuple(dot for dot in dots if dot not in drawn),
        sizes=(
            ("wide", picture(drawn, width=560.0, font=13.0, read=read)),
            ("narrow", picture(drawn, width=328.0, font=12.0, read=read)),
        ),
        legend=tuple(legend(drawn)),
    )

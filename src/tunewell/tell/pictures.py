"""Pictures of quality against cost: where everything stands; the template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.tell import text
from tunewell.tell.axes import share_axis, time_axis, time_label
from tunewell.tell.placing import Box, Line, Spot, place
from tunewell.tell.scores import Reading

_SHAPES = ("circle", "square", "diamond", "triangle", "pentagon", "hexagon")
_RING = 9.5
"""Radius of the ring around the recommended point."""


@dataclass(frozen=True)
class Dot:
    """One method in a picture: what it is called, scored and cost, and on which backbone."""

    name: str
    label: str
    """What stands beside the point; the backbone is told by the point's shape."""
    backbone: str
    score: dict[str, float]
    told: str
    """The score with its interval, as a text."""
    seconds: float
    cost: str
    """The time as the table beside the picture shows it."""
    recommended: bool
    baseline: bool = False

    @property
    def sentence(self) -> str:
        """The same facts in words."""
        return f"{self.name}: {self.told} at {self.cost}"


@dataclass(frozen=True)
class Mark:
    """A dot with its places in the picture."""

    dot: Dot
    x: float
    y: float
    high: float
    low: float
    label: str
    label_x: float
    label_y: float
    anchor: str
    """SVG's word for which part of the name stands at `label_x`: start, middle or end."""
    lead: Line | None
    outline: str
    """SVG path of the marker around 0, 0; empty for a circle."""


@dataclass(frozen=True)
class Tick:
    """A number at an edge of the picture."""

    at: float
    label: str


@dataclass(frozen=True)
class Picture:
    """Quality (up) against time (right, logarithmic), in units of about a pixel."""

    width: float
    height: float
    frame: Box
    font: float
    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]

    @property
    def sentences(self) -> str:
        """The picture in words, for those who do not see it."""
        return "; ".join(mark.dot.sentence for mark in self.marks) + "."


def picture(dots: Sequence[Dot], width: float, font: float, read: Reading) -> Picture:
    """Lays the picture out; at least one dot.

    Args:
        dots: the methods; each gets its name beside it, so crowded pictures are made higher.
        width: of the picture, in units of about a pixel.
        font: size of its letters in the same units.
        read: how the scores are read.
    """
    height = 0.62 * width + 110 + 1.4 * font * max(0, len(dots) - 8)
    frame = Box(left=3.9 * font, top=1.2 * font, right=width - 0.8 * font, bottom=height - 46)
    time = time_axis([dot.seconds for dot in dots], most_ticks=int(width / (5.5 * font)))
    ends = [dot.score[key] for dot in dots for key in ("low", "high", "value")]
    share = share_axis(ends, read.low, read.high)

    def across(seconds: float) -> float:
        return round(frame.left + (frame.right - frame.left) * time.part(seconds), 1)

    def up(value: float) -> float:
        return round(frame.bottom - (frame.bottom - frame.top) * share.part(value), 1)

    shapes = _shapes(dots)
    order = sorted(dots, key=lambda dot: (not dot.recommended, -dot.score["value"]))
    labels = [_label(dot, width, font) for dot in order]
    spots = [
        Spot(
            x=across(dot.seconds),
            y=up(dot.score["value"]),
            radius=_RING if dot.recommended else 6.0,
            top=up(dot.score["high"]),
            bottom=up(dot.score["low"]),
            width=text.width(label) * font + 2,
            height=1.25 * font,
        )
        for dot, label in zip(order, labels, strict=True)
    ]
    marks = tuple(
        Mark(
            dot=dot,
            x=spot.x,
            y=spot.y,
            high=spot.top,
            low=spot.bottom,
            label=label,
            label_x=round(_anchor(spot, name.box)[1], 1),
            anchor=_anchor(spot, name.box)[0],
            label_y=round(name.box.bottom - 0.29 * font, 1),
            lead=name.lead,
            outline=outline(shapes[dot.backbone]),
        )
        for dot, label, spot, name in zip(order, labels, spots, place(spots, frame), strict=True)
    )
    return Picture(
        width=width,
        height=round(height, 1),
        frame=frame,
        font=font,
        marks=marks,
        across=tuple(Tick(across(at), time_label(at)) for at in time.ticks),
        up=tuple(Tick(up(at), read.tick(at)) for at in share.ticks),
    )


def outline(shape: str) -> str:
    """The SVG path of a marker around 0, 0; empty for a circle, which SVG has.

    >>> outline("square")
    'M4.8,4.8L-4.8,4.8L-4.8,-4.8L4.8,-4.8Z'
    """
    if shape == "circle":
        return ""
    corners, turn, size = {
        "square": (4, 45, 6.8),
        "diamond": (4, 0, 7.2),
        "triangle": (3, -90, 7.4),
        "pentagon": (5, -90, 6.8),
        "hexagon": (6, 0, 6.6),
    }[shape]
    angles = [math.radians(turn + 360 * corner / corners) for corner in range(corners)]
    return (
        "M" + "L".join(f"{size * math.cos(a):.1f},{size * math.sin(a):.1f}" for a in angles) + "Z"
    )


def legend(dots: Sequence[Dot]) -> list[tuple[str, str]]:
    """Each backbone with the outline of its shape; empty where there is only one."""
    shapes = _shapes(dots)
    if len([name for name in shapes if name]) < 2:
        return []
    return [(name or "no backbone", outline(shape)) for name, shape in shapes.items()]


def _shapes(dots: Sequence[Dot]) -> dict[str, str]:
    """A shape for each backbone; one backbone alone shares the circle with methods on none."""
    backbones = sorted({dot.backbone for dot in dots})
    if len([name for name in backbones if name]) < 2:
        return dict.fromkeys(backbones, _SHAPES[0])
    return {name: _SHAPES[at % len(_SHAPES)] for at, name in enumerate(backbones)}


def _anchor(spot: Spot, box: Box) -> tuple[str, float]:
    """Which part of a name stands nearest to its point, and where that is."""
    if box.left >= spot.x:
        return "start", box.left
    if box.right <= spot.x:
        return "end", box.right
    return "middle", (box.left + box.right) / 2


def _label(dot: Dot, width: float, font: float) -> str:
    longest = int(0.36 * width / (0.6 * font))
    return text.shorten(dot.label, longest)

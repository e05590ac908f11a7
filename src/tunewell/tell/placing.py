"""Where the names of points go in a picture, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

Line = tuple[float, float, float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle, x to the right and y down."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """The area that both cover."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(across, 0.0) * max(down, 0.0)

    def holds(self, x: float, y: float) -> bool:
        """Whether the place is inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom

    def encloses(self, other: Box) -> bool:
        """Whether the whole of another is inside."""
        return (
            self.left <= other.left
            and self.right >= other.right
            and self.top <= other.top
            and self.bottom >= other.bottom
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The place in it that is nearest to another."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


@dataclass(frozen=True)
class Spot:
    """A point that wants a name: its place, the bar through it, the size of its name."""

    x: float
    y: float
    radius: float
    top: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True)
class Name:
    """Where a name stands, and the line from its point to it where it is not right beside it."""

    box: Box
    lead: Line | None


def place(spots: Sequence[Spot], area: Box) -> list[Name]:
    """A place for each spot's name, in the order given, inside `area` where that is possible.

    Greedy: each name takes the best place left, so the important ones come first. No two names
    overlap as long as there is room; points and bars are covered only where all else is worse.
    """
    names: list[Name] = []
    for spot in spots:
        alone = not any(abs(other.x - spot.x) < 12 for other in spots if other is not spot)
        found = [Name(box, _lead(spot, box, alone)) for box in _candidates(spot, area)]
        names.append(_best(found, spot, spots, names))
    return names


def _best(found: list[Name], spot: Spot, spots: Sequence[Spot], names: list[Name]) -> Name:
    """The least bad of these places; the nearest are looked at first, so that few are looked at."""
    best, least = found[0], float("inf")
    for effort, name in sorted(((_effort(name, spot), name) for name in found), key=itemgetter(0)):
        if effort >= least:
            break
        bad = effort + _trouble(name, spot, spots, names)
        if bad < least:
            best, least = name, bad
    return best


def _lead(spot: Spot, box: Box, alone: bool) -> Line | None:
    """None where it is plain which point is meant: beside it, or at the end of a lone bar."""
    if _away(box, spot.x, spot.y) <= spot.radius + 7:
        return None
    centred = abs((box.left + box.right) / 2 - spot.x) <= 1
    at_end = min(_away(box, spot.x, spot.top), _away(box, spot.x, spot.bottom)) <= 6
    if alone and centred and at_end:
        return None
    return spot.x, spot.y, *box.nearest(spot.x, spot.y)


def _candidates(spot: Spot, area: Box) -> list[Box]:
    """Places beside, over and under the point, at every half line of the picture's height."""
    lefts = [spot.x - spot.width / 2]
    for away in (spot.radius + 3, 26, 48, 80):
        lefts += [spot.x + away, spot.x - away - spot.width]
    half = spot.height / 2
    halves = int((area.bottom - area.top) / half)
    tops = [spot.y + step * half - half for step in range(-halves, halves + 1)]
    tops += [spot.top - spot.height - 3, spot.bottom + 3]
    boxes = []
    for left in lefts:
        for top in tops:
            box = Box(left, top, left + spot.width, top + spot.height)
            if area.encloses(box):
                boxes.append(box)
    return boxes or [_pushed_in(spot, area)]


def _pushed_in(spot: Spot, area: Box) -> Box:
    left = max(area.left, min(spot.x + spot.radius + 3, area.right - spot.width))
    top = max(area.top, min(spot.y - spot.height / 2, area.bottom - spot.height))
    return Box(left, top, left + spot.width, top + spot.height)


def _effort(name: Name, spot: Spot) -> float:
    """How far the eye has to go from the point to its name."""
    away = _away(name.box, spot.x, spot.y)
    askew = 0.3 * abs((name.box.top + name.box.bottom) / 2 - spot.y)
    return askew + (12.0 + 1.2 * away if name.lead else 1.2 * min(away, 30.0))


def _trouble(name: Name, spot: Spot, spots: Sequence[Spot], names: list[Name]) -> float:
    """What is covered or crossed: other names count most, then points, lines and bars."""
    box, lead = name.box, name.lead
    trouble = 0.0
    for other in names:
        trouble += 1000.0 * (box.overlap(other.box) > 0)
        trouble += 150.0 * (other.lead is not None and _crosses(other.lead, box))
        trouble += 150.0 * (lead is not None and _crosses(lead, other.box))
    for other in spots:
        size = other.radius
        point = Box(other.x - size, other.y - size, other.x + size, other.y + size)
        bar = Box(other.x - 2, other.top, other.x + 2, other.bottom)
        trouble += 120.0 * (box.overlap(point) > 0) + 0.8 * box.overlap(bar)
        if lead and other is not spot:
            trouble += 25.0 * _crosses(lead, point)
    return trouble


def _away(box: Box, x: float, y: float) -> float:
    to_x, to_y = box.nearest(x, y)
    return abs(to_x - x) + abs(to_y - y)


def _crosses(line: Line, box: Box) -> bool:
    """Whether a line runs over a box, looked at in eleven places."""
    x, y, to_x, to_y = line
    if max(x, to_x) < box.left or min(x, to_x) > box.right:
        return False
    if max(y, to_y) < box.top or min(y, to_y) > box.bottom:
        return False
    return any(
        box.holds(x + (to_x - x) * part / 12, y + (to_y - y) * part / 12) for part in range(1, 12)
    )

"""Round numbers along the edges of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TIMES = [base * 10.0**power for power in range(-6, 1) for base in (1, 2, 5)]
_TIMES += [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400]
_FEWER_TIMES = [base * 10.0**power for power in range(-6, 1) for base in (1, 3)]
_FEWER_TIMES += [10, 30, 60, 180, 600, 1800, 3600, 10800, 36000, 86400]
_ROUND_TIMES = [10.0**power for power in range(-6, 2)] + [60, 600, 3600, 36000, 864000]
_DECADES = 5
_STEPS = [base * 10.0**power / 100 for power in range(9) for base in (1, 2, 5)]


@dataclass(frozen=True)
class TimeAxis:
    """A logarithmic axis of seconds.

    What is under `low` stands at the left edge: otherwise one method that takes no time at all
    would squeeze the others into a corner.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, seconds: float) -> float:
        """Where a time stands: 0 at the left edge, 1 at the right."""
        inside = min(max(seconds, self.low), self.high)
        return math.log(inside / self.low) / math.log(self.high / self.low)


@dataclass(frozen=True)
class ShareAxis:
    """A linear axis of scores, mostly shares from 0 to 1."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, share: float) -> float:
        """Where a share stands: 0 at the bottom, 1 at the top."""
        return (share - self.low) / (self.high - self.low)


def time_label(seconds: float) -> str:
    """A round time, as short as can be.

    >>> [time_label(seconds) for seconds in (0.00001, 0.2, 1.0, 600, 7200)]
    ['0.01 ms', '200 ms', '1 s', '10 min', '2 h']
    """
    for size, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{1000 * seconds:.6g} ms"


def time_axis(seconds: Sequence[float], most_ticks: int) -> TimeAxis:
    """An axis that has room for these times, at most five powers of ten."""
    high = max([*seconds, 1e-6])
    low = max(min(seconds, default=high), high / 10.0**_DECADES)
    room = max((high / low) ** 0.09, math.sqrt(10 * low / high), 1.2)
    low, high = low / room, high * room
    for ladder in (_TIMES, _FEWER_TIMES, _ROUND_TIMES):
        ticks = tuple(time for time in ladder if low <= time <= high)
        if len(ticks) <= most_ticks:
            break
    every = math.ceil(len(ticks) / most_ticks)
    return TimeAxis(low, high, ticks[::every])


def share_axis(shares: Sequence[float], least: float = 0.0, most: float = 1.0) -> ShareAxis:
    """An axis from just under the lowest share to just over the highest, in round steps.

    It does not go beyond `least` and `most`.
    """
    low, high = min(shares), max(shares)
    step = next(step for step in _STEPS if (high - low) / step <= 8)
    first = math.floor(max(low / step - 0.2, least / step))
    last = math.ceil(min(high / step + 0.2, most / step))
    ticks = tuple(round(step * number, 4) for number in range(first, max(last, first + 1) + 1))
    return ShareAxis(ticks[0], ticks[-1], ticks)

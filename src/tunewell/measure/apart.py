"""Whether two answers differ, or were only rounded in another way."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

from tunewell.values import Answer


def apart(one: Answer, other: Answer) -> bool:
    """Whether two answers of other values are really two, and not rounded in another way."""
    mine, theirs = one.value, other.value
    if isinstance(mine, float) and isinstance(theirs, float):
        return abs(mine - theirs) > 1e-3 * max(1.0, abs(mine))
    if _numbers(mine):
        pairs = zip_longest(_numbers(mine), _numbers(theirs), fillvalue=math.inf)
        return any(abs(a - b) > 1e-2 for a, b in pairs)
    if one.scores is None and one.confidence is None:
        return True
    return abs((one.confidence or 0.0) - (other.confidence or 0.0)) > 1e-3


def _numbers(value: Any) -> list[float]:
    """All numbers in vectors, one after the other; none where there are no vectors."""
    if isinstance(value, tuple):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, float) else []

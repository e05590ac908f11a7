"""How well a language model expects the right texts: perplexity a token, and bits a byte.

Both are of all rows together: nats are summed before they are divided. Bits a byte compare models
with different tokens (Gao et al., arXiv 2101.00027, section 3.1); perplexity does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class BitsPerByte:
    """Bits that the model needs for each byte of the right texts; fewer are better."""

    name: ClassVar[str] = "bits_per_byte"
    words: ClassVar[str] = "bits per byte"
    scale: ClassVar[Scale] = Scale(high=math.inf, percent=False, lower_is_better=True)

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Nats and bytes: (rows, 2); no numbers where the model cannot tell."""
        known = [answer.surprise for answer in answers]
        return _sums([(s.nats, s.bytes) if s else None for s in known])

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _ratio(sums) / math.log(2)


@dataclass(frozen=True)
class Perplexity:
    """Among how many equally likely tokens the model chooses at each of the right texts' tokens.

    The token that ends a text counts. Only models with the same tokens can be compared by it.
    """

    name: ClassVar[str] = "perplexity"
    words: ClassVar[str] = "perplexity"
    scale: ClassVar[Scale] = Scale(low=1.0, high=math.inf, percent=False, lower_is_better=True)

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Nats and tokens: (rows, 2); no numbers where the model cannot tell."""
        known = [answer.surprise for answer in answers]
        return _sums([(s.nats, s.tokens) if s else None for s in known])

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        import numpy as np

        return np.exp(_ratio(sums))


EXPECTED: dict[str, BitsPerByte | Perplexity] = {
    metric.name: metric for metric in (BitsPerByte(), Perplexity())
}
"""Metrics of language models by name."""


def _sums(rows: Sequence[tuple[float, float] | None]) -> np.ndarray:
    """(rows, 2); a row that is not known makes the whole unknown."""
    import numpy as np

    unknown = (math.nan, math.nan)
    return np.array([row or unknown for row in rows], dtype=float).reshape(-1, 2)


def _ratio(sums: np.ndarray) -> np.ndarray:
    """The first by the second; no number where there is nothing to divide by."""
    import numpy as np

    above, below = sums[..., 0], np.asarray(sums[..., 1])
    nothing = np.full(np.shape(below), math.nan)
    return np.divide(above, below, out=nothing, where=below > 0)

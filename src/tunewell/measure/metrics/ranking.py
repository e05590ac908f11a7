"""How far up the right passage stands when passages are ranked by likeness to a query.

The pool that is ranked are all passages of the rows that are scored. nDCG: Järvelin and
Kekäläinen, 2002, with one right passage a row, so that the ideal is 1.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tunewell.contracts import Scale
from tunewell.values import Answer

if TYPE_CHECKING:
    import numpy as np

BLOCK = 512
"""Queries that are compared with all passages at a time, which bounds memory."""


@dataclass(frozen=True)
class Ndcg:
    """How far up the right passage stands: 1 in the first place, less and less below, then 0.

    The mean over rows of 1 / log2(1 + place), and of 0 beyond the place `at`.
    """

    at: int
    scale: ClassVar[Scale] = Scale()

    @property
    def name(self) -> str:
        """`ndcg_at_10`."""
        return f"ndcg_at_{self.at}"

    @property
    def words(self) -> str:
        """`nDCG@10`."""
        return f"nDCG@{self.at}"

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """The gain, and a one to count the row: (rows, 2)."""
        import numpy as np

        place = places(targets, answers)
        return _counted(np.where(place <= self.at, 1 / np.log2(1 + place), 0.0))

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _mean(sums)


@dataclass(frozen=True)
class Recall:
    """The share of rows whose right passage is among the first, as many as the name says."""

    at: int
    scale: ClassVar[Scale] = Scale()

    @property
    def name(self) -> str:
        """`recall_at_10`."""
        return f"recall_at_{self.at}"

    @property
    def words(self) -> str:
        """`recall@10`."""
        return f"recall@{self.at}"

    def statistics(self, targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
        """Whether it is, and a one to count the row: (rows, 2)."""
        return _counted(places(targets, answers) <= self.at)

    def value(self, sums: np.ndarray) -> np.ndarray:
        """(..., 2) -> (...)."""
        return _mean(sums)


def places(targets: Sequence[Any], answers: Sequence[Answer]) -> np.ndarray:
    """Where each row's right passage stands among all passages (rows,), from 1.

    Passages that are as near count as nearer, and other right passages of the same query do not
    count. Infinity where there is no answer.

    Args:
        targets: `{"query": ..., "passage": ..., "others": (...)}`, texts.
        answers: vectors of the query, the passage and the others, as `likeness` takes them.
    """
    import numpy as np

    number: dict[str, int] = {}
    vectors, rights = [], defaultdict(set)
    asked = [n for n, answer in enumerate(answers) if answer.value is not None]
    for n in asked:
        texts = (targets[n]["passage"], *targets[n]["others"])
        for text, vector in zip(texts, answers[n].value[1:], strict=True):
            if text not in number:
                number[text] = len(vectors)
                vectors.append(vector)
        rights[targets[n]["query"]].add(number[texts[0]])
    found = np.full(len(targets), math.inf)
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]
        near = likeness([answers[n].value[0] for n in rows], vectors)  # (rows, passages)
        for n, row in zip(rows, near, strict=True):
            own = number[targets[n]["passage"]]
            least = row[own]
            row[list(rights[targets[n]["query"]] - {own})] = -math.inf
            found[n] = (row >= least).sum()
    return found


def likeness(queries: Sequence[Any], passages: Sequence[Any]) -> np.ndarray:
    """Dot products (queries, passages), of vectors as tuples or, mostly zeros, `{name: number}`."""
    import numpy as np

    if not isinstance(passages[0], Mapping):
        return np.asarray(queries, dtype=float) @ np.asarray(passages, dtype=float).T
    from scipy.sparse import csr_array

    columns: dict[str, int] = {}
    for passage in passages:
        for name in passage:
            columns.setdefault(name, len(columns))

    def matrix(vectors: Sequence[Mapping[str, float]]) -> Any:
        cells = [
            (row, columns[name], value)
            for row, vector in enumerate(vectors)
            for name, value in vector.items()
            if name in columns
        ]
        rows, at, values = zip(*cells, strict=True) if cells else ((), (), ())
        shape = (len(vectors), max(1, len(columns)))
        return csr_array((np.array(values, dtype=float), (rows, at)), shape=shape)

    return (matrix(queries) @ matrix(passages).T).toarray()


def cosine(one: Any, other: Any) -> float:
    """Of two vectors; 0 where one of them is nothing.

    >>> cosine({"kettle": 3.0}, {"kettle": 4.0, "lime": 3.0})
    0.8
    """
    lengths = math.prod(
        math.hypot(*(each.values() if isinstance(each, Mapping) else each)) for each in (one, other)
    )
    return float(likeness([one], [other])[0, 0]) / lengths if lengths else 0.0


def _counted(gains: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.stack([gains.astype(float), np.ones(len(gains))], axis=1)  # (rows, 2)


def _mean(sums: np.ndarray) -> np.ndarray:
    import numpy as np

    total, rows = sums[..., 0], sums[..., 1]
    return np.divide(total, rows, out=np.zeros(np.shape(rows)), where=np.asarray(rows) > 0)

"""What a task can be asked to do where some labels have many more rows than others.

Focal loss: Lin et al., "Focal Loss for Dense Object Detection" (2017). Weights: scikit-learn's
`balanced`, after King and Zeng, "Logistic Regression in Rare Events Data" (2001).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunewell.kinds import labels_in
from tunewell.sets import Separator


@dataclass(frozen=True)
class Imbalance:
    """What training does for rare labels."""

    class_weights: Literal["equal", "balanced"] = "equal"
    """What a row counts for in training: `balanced` makes every label count the same, however
    rare it is."""
    focal_gamma: float = 0.0
    """Focal loss of methods that train by gradient: rows that are answered surely and right count
    less, the more so the larger it is; 2 is usual, 0 is plain cross-entropy."""
    balanced_batches: bool = False
    """Whether methods that train by gradient draw rows of rare labels more often."""


@dataclass(frozen=True)
class LabelOptions(Imbalance):
    """What `classify` can be asked to do in several ways."""

    separator: Separator | None = None
    """What stands between several labels in one cell, or `single` where each cell is one label;
    recognised unless given."""
    long_texts: Literal["cut", "windows"] = "cut"
    """What is done with texts that are longer than `--max-length`: `cut` off there, or read in
    overlapping `windows`, so that nothing is lost: training reads each window with the row's
    label, a row counts once, and its answer is the mean over its windows."""


def weights_of(targets: Sequence[Any], options: Imbalance) -> dict[str, float]:
    """What each label counts for; nothing where all rows count the same.

    Of single labels and spans all / (labels x those of the label), so that their mean is 1; of
    sets what a row that has the label counts for, as if half of the rows had it.
    """
    if options.class_weights == "equal":
        return {}
    counts = Counter(label for target in targets for label in labels_in(target))
    if _are_sets(targets):
        return {label: len(targets) / (2 * count) for label, count in sorted(counts.items())}
    parts, all_of_them = len(counts), sum(counts.values())
    return {label: all_of_them / (parts * count) for label, count in sorted(counts.items())}


def _are_sets(targets: Sequence[Any]) -> bool:
    sets = [target for target in targets if isinstance(target, tuple)]
    return bool(sets) and all(isinstance(each, str) for target in sets for each in target)


def shares_of(targets: Sequence[Any], options: Imbalance) -> dict[str, float]:
    """How large a share of the rows that training meets has each label; of sets alone.

    Nothing where labels are weighted, as each then counts as if half of the rows had it. Half a
    row with and half a row without are added, so that no share is 0 or 1.

    >>> shares_of([("a",), ("a", "b"), ()], LabelOptions())
    {'a': 0.625, 'b': 0.375}
    """
    if options.class_weights != "equal" or not _are_sets(targets):
        return {}
    drawn = chances_of(targets) if options.balanced_batches else [1.0] * len(targets)
    met: Counter[str] = Counter()
    for target, chance in zip(targets, drawn, strict=True):
        met.update(dict.fromkeys(labels_in(target), chance * len(targets) / sum(drawn)))
    return {label: (rows + 0.5) / (len(targets) + 1) for label, rows in sorted(met.items())}


def weight_without(weight: float) -> float:
    """What a row without a label counts for, where one with it counts for `weight`.

    Half of all together: with n rows, p of them with the label, n / 2p and n / 2(n - p).

    >>> weight_without(2.0), weight_without(0.5)
    (0.6666666666666666, 1.0)
    """
    return weight / (2 * weight - 1) if weight > 0.5 else 1.0


def chances_of(targets: Sequence[Any]) -> list[float]:
    """How likely each row is drawn so that every label is met equally often.

    A row of several labels is drawn as one of its rarest; rows without any are a label of their
    own.
    """
    sets = [{*labels_in(target)} or {""} for target in targets]
    counts = Counter(label for each in sets for label in each)
    return [max(1 / counts[label] for label in each) for each in sets]

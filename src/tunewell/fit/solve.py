"""Linear models solved at once: logistic regression, one for each of several labels, or ridge.

Hoerl and Kennard, "Ridge Regression" (1970), for numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.contracts import Task
from tunewell.imbalance import weight_without
from tunewell.values import Answer, Backbone

NEVER = -20.0
"""The bias of a label that none of the rows at hand has: a share of 2 in a billion."""


def solve(
    task: Task,
    matrix: Any,
    targets: Sequence[Any],
    C: float,  # noqa: N803 (scikit-learn's name)
    seed: int,
    **settings: Any,
) -> tuple[Any, Any]:
    """Weights (outputs, columns) and biases (outputs,) in float64, an output a label or one.

    Args:
        matrix: (rows, columns), an array or sparse.
        C: inverse strength of the penalty on weights.
        settings: of scikit-learn's logistic regression.
    """
    import numpy as np

    if task.answers == "number":
        return _ridge(task, matrix, targets, C)
    labels: tuple[Any, ...] = task.labels  # type: ignore[attr-defined]
    weights: dict[Any, float] = getattr(task, "weights", {})
    if task.answers == "label":
        return _logistic(matrix, list(targets), labels, C, seed, settings, weights)
    parts = []
    for label in labels:
        given = [label in target for target in targets]
        own = {True: weights[label], False: weight_without(weights[label])} if weights else {}
        found, bias = _logistic(matrix, given, (False, True), C, seed, settings, own)
        # Half the difference stands on either side of two classes; a label has one side alone.
        parts.append((found[1] - found[0], np.clip(bias[1] - bias[0], NEVER, -NEVER)))
    return np.stack([part[0] for part in parts]), np.array([part[1] for part in parts])


def said(task: Task, logits: Any) -> list[Answer]:
    """Outputs (rows, outputs) of such a model as answers; those of a head over one vector."""
    import torch

    from tunewell.fit.heads.sequence import SequenceHead

    head = SequenceHead.for_task(task, Backbone("", Path(), "", "mean", 0), None)
    return head.said(torch.as_tensor(logits))


def _logistic(
    matrix: Any,
    targets: list[Any],
    classes: Sequence[Any],
    C: float,  # noqa: N803
    seed: int,
    settings: dict[str, Any],
    counts: Mapping[Any, float],
) -> tuple[Any, Any]:
    """Weights and biases in the order of `classes`; those that no row has are never answered."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((len(classes), matrix.shape[1]))
    bias = np.full(len(classes), NEVER)
    at = {label: number for number, label in enumerate(classes)}
    there = set(targets)
    if len(there) == 1:
        bias[at[there.pop()]] = 0.0
        return weights, bias
    model = LogisticRegression(C=C, random_state=seed, **settings)
    model.fit(matrix, targets, [counts[each] for each in targets] if counts else None)
    found, intercept = model.coef_, model.intercept_
    if len(found) == 1:  # scikit-learn keeps one row for two classes
        found = np.concatenate([-found, found]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    for number, label in enumerate(model.classes_.tolist()):
        weights[at[label]], bias[at[label]] = found[number], intercept[number]
    return weights, bias


def _ridge(
    task: Task,
    matrix: Any,
    targets: Sequence[Any],
    C: float,  # noqa: N803
) -> tuple[Any, Any]:
    """Of numbers as a head gives them: less the task's mean, by its deviation, if it has them."""
    import numpy as np
    from sklearn.linear_model import Ridge

    numbers = np.array([float(target) for target in targets])
    numbers = (numbers - getattr(task, "mean", 0.0)) / getattr(task, "deviation", 1.0)
    model = Ridge(alpha=1 / C).fit(matrix, numbers)
    return model.coef_.reshape(1, -1), np.atleast_1d(model.intercept_)

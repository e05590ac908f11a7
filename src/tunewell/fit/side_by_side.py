"""One vector a row by a frozen backbone that reads each text by itself; two are put together.

A body that has never seen pairs says more about each text alone than about both read as one.
Source: Conneau et al., "InferSent" (arXiv 1705.02364).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tunewell.contracts import Job, Task
from tunewell.errors import NotApplicable
from tunewell.fit.prefix import embed, frozen_pass
from tunewell.values import Backbone, Example, Machine


def of_job(job: Job) -> Tensor:
    """A vector a training row and text (rows, texts, hidden), from the pass that is shared."""
    assert job.backbone is not None
    width = texts_a_row(job.task, [example.input for example in (*job.train, *job.validation)])
    alone = replace(
        job, train=_apart(job.task, job.train), validation=_apart(job.task, job.validation)
    )
    train, _ = frozen_pass(alone)
    return train[job.backbone.pooling or "mean"].unflatten(0, (-1, width))


def of_inputs(task: Task, backbone: Backbone, machine: Machine, inputs: Sequence[Any]) -> Tensor:
    """A vector an input and text (inputs, texts, hidden)."""
    width = texts_a_row(task, inputs)
    texts = [text for each in inputs for text in task.texts(each)]
    windows = getattr(task, "windows", False)
    return embed(backbone, machine, texts, windows=windows).unflatten(0, (-1, width))


def texts_a_row(task: Task, inputs: Sequence[Any]) -> int:
    """How many texts each input has.

    Raises:
        NotApplicable: not all have as many, or more than two.
    """
    widths = {len(task.texts(each)) for each in inputs}
    if len(widths) != 1 or max(widths) > 2:
        raise NotApplicable("reads one text or two a row, and not one here and two there")
    return widths.pop()


def together(vectors: Tensor) -> Tensor:
    """(rows, texts, hidden) -> (rows, columns): of two texts both, how they differ and agree."""
    if vectors.shape[1] == 1:
        return vectors[:, 0]
    return torch.cat([vectors.flatten(1), compared(vectors)], dim=-1)


def compared(vectors: Tensor) -> Tensor:
    """The same without both themselves: of two texts how they differ, and how they agree."""
    if vectors.shape[1] == 1:
        return vectors[:, 0]
    one, other = vectors.unbind(1)
    return torch.cat([(one - other).abs(), one * other], dim=-1)


def _apart(task: Task, examples: Sequence[Example]) -> tuple[Example, ...]:
    return tuple(Example(text, None) for example in examples for text in task.texts(example.input))

"""A query by itself is answered with the training passages that are nearest to it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tunewell.contracts import Predictor, Task
from tunewell.measure.metrics.ranking import likeness
from tunewell.values import Answer, ParameterCount

NEAREST = 5
"""Passages that a query is answered with."""
KEPT = "passages.safetensors"


def searching(predictor: Predictor, folder: Path) -> Predictor:
    """A predictor that finds passages, where its task knows some; else as it is.

    Args:
        folder: of the model; vectors of the passages are kept there, so that they are made once.
    """
    known = getattr(predictor.task, "passages", ())
    return Search(predictor, folder) if known else predictor


@dataclass(frozen=True)
class Search:
    """A predictor of vectors, and passages to be found."""

    predictor: Predictor
    folder: Path

    @property
    def task(self) -> Task:
        """The task it answers."""
        return self.predictor.task

    @property
    def parameters(self) -> ParameterCount:
        """Of the predictor."""
        return self.predictor.parameters

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The nearest passages to a query alone, the nearest first; to other inputs vectors."""
        answers = self.predictor.predict(inputs)
        alone = [n for n, given in enumerate(inputs) if len(given) == 1]
        if not alone:
            return answers
        texts: tuple[str, ...] = self.task.passages  # type: ignore[attr-defined]
        asked = [answers[n].value[0] for n in alone]
        for n, row in zip(alone, likeness(asked, self._vectors), strict=True):
            best = (-row).argsort(kind="stable")[:NEAREST]
            found = ({"passage": texts[k], "similarity": round(float(row[k]), 4)} for k in best)
            answers[n] = Answer(tuple(found))
        return answers

    def save(self, folder: Path) -> None:
        """As the predictor does."""
        self.predictor.save(folder)

    def __getattr__(self, name: str) -> Any:
        """What some predictors have and others have not: `embed`, `whole`."""
        return getattr(self.predictor, name)

    @cached_property
    def _vectors(self) -> Sequence[Any]:
        """A vector a passage."""
        from safetensors.numpy import load_file, save_file

        path = self.folder / KEPT
        if path.exists():
            return load_file(path)["passages"]
        asked = [(None, text) for text in self.task.passages]  # type: ignore[attr-defined]
        vectors = [answer.value[0] for answer in self.predictor.predict(asked)]
        if isinstance(vectors[0], tuple):
            import numpy as np

            with contextlib.suppress(OSError):  # a folder that cannot be written to
                save_file({"passages": np.array(vectors, dtype=np.float32)}, path)
        return vectors

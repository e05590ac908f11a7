"""The choice that is most like its question, by vectors of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.nn.functional import cosine_similarity

from tunewell.fit.prefix import embed
from tunewell.fit.recorded import OnFrozen
from tunewell.values import Answer


@dataclass(frozen=True)
class LikeliestPredictor(OnFrozen):
    """The choice nearest to its question; the first among equals."""

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One choice an input, in order."""
        if not inputs:
            return []
        texts = [text for each in inputs for text in (question_of(each), *each["choices"])]
        vectors = embed(self.record.backbone, self.record.machine, texts)  # (texts, hidden)
        rows = vectors.split([1 + len(each["choices"]) for each in inputs])
        nearest = [int(cosine_similarity(own[:1], own[1:]).argmax()) for own in rows]
        return [Answer(e["choices"][best]) for e, best in zip(inputs, nearest, strict=True)]

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)


def question_of(given: Any) -> str:
    """What choices are compared with: the question, and the passage where there is one."""
    # The end is what is cut: a long passage may lose some of it, the question may not.
    passage = given.get("passage")
    return f"{given['question']}\n{passage}" if passage else given["question"]

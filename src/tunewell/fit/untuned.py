"""A vector of each text by the backbone as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewell.fit.heads.vector import rounded
from tunewell.fit.prefix import embed
from tunewell.fit.recorded import OnFrozen
from tunewell.values import Answer


@dataclass(frozen=True)
class UntunedVectors(OnFrozen):
    """The vectors of a frozen body, of length 1."""

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The vectors of the texts of each input, in order."""
        from torch.nn.functional import normalize

        if not inputs:
            return []
        texts = [self.task.texts(each) for each in inputs]
        flat = [text for row in texts for text in row]
        vectors = normalize(embed(self.record.backbone, self.record.machine, flat), dim=-1)
        rows = vectors.split([len(row) for row in texts])
        return [Answer(tuple(rounded(vector) for vector in row.tolist())) for row in rows]

    def save(self, folder: Path) -> None:
        """`model.json` alone."""
        folder.mkdir(parents=True, exist_ok=True)
        self.record.write(folder)

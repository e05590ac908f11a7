"""A trial's answers to the test rows, as `answers.jsonl` keeps them.

With each stands how little its row's target was expected, where the model can tell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.contracts import Metric, Predictor
from tunewell.surprise import Surprise
from tunewell.values import Answer, Example, frozen, to_json, whole_file

if TYPE_CHECKING:
    import numpy as np

Fit = tuple[list[Any], list[Answer]]
"""Targets and answers of the test rows, by one fit."""


def surprised(
    predictor: Predictor, examples: Sequence[Example], answers: Sequence[Answer]
) -> list[Answer]:
    """The answers as they are, each with the surprise of its row's target if it is known."""
    if not hasattr(predictor, "surprise"):
        return list(answers)
    found = predictor.surprise([e.input for e in examples], [e.target for e in examples])
    return [replace(answer, surprise=s) for answer, s in zip(answers, found, strict=True)]


def write_answers(
    path: Path, test: Sequence[Example], answers: Sequence[Answer], with_scores: bool
) -> None:
    """Write them whole or not at all; each label's probability only where asked for."""
    with whole_file(path) as aside, aside.open("w", encoding="utf-8") as file:
        for example, answer in zip(test, answers, strict=True):
            record = {
                "row": example.row,
                "source": example.source,
                "input": example.input,
                "target": example.target,
                "answer": answer.value,
                "confidence": answer.confidence,
                **({"scores": answer.scores} if with_scores else {}),
                **({"surprise": answer.surprise} if answer.surprise else {}),
            }
            file.write(json.dumps(to_json(record), ensure_ascii=False) + "\n")


def read_fits(run: Path, folders: Sequence[str]) -> list[Fit]:
    """What each fit of a run answered to the test rows, by the folders of their trials."""
    return [read_answers(run / folder) for folder in folders]


def groups_of(test: Sequence[Example]) -> np.ndarray | None:
    """The number of each test row's group, from 0; None where no two rows belong together.

    A row without a group is one of its own.
    """
    import numpy as np

    keys = [(place, None) if e.group is None else (None, e.group) for place, e in enumerate(test)]
    found = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return None if len(found) == len(test) else np.array([found[key] for key in keys])


def statistics_of(metric: Metric, fits: Sequence[Fit]) -> np.ndarray:
    """What each row of each fit adds to the metric: (seeds, rows, statistics)."""
    import numpy as np

    return np.stack([metric.statistics(targets, answers) for targets, answers in fits])


def read_answers(folder: Path) -> Fit:
    """Targets and answers of the test rows, as `write_answers` wrote them."""
    with (folder / "answers.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    answers = [
        Answer(
            frozen(record["answer"]),
            record["confidence"],
            record.get("scores"),
            Surprise(**record["surprise"]) if "surprise" in record else None,
        )
        for record in records
    ]
    return [frozen(record["target"]) for record in records], answers

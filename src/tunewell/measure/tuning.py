"""What a task learns from a fitted model's own answers, such as thresholds, kept with the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewell.contracts import Job
from tunewell.values import Answer, read_json, write_json


def tune(job: Job, answers: Sequence[Answer], folder: Path) -> Any:
    """The task with what it learns from a model's answers to validation rows, kept with the model.

    Whatever a saved model is made of, it keeps its task in `model.json`, as do the models inside
    of it; there it stands then, for whoever loads the folder.
    """
    task = job.task.tuned([example.target for example in job.validation], answers)  # type: ignore[attr-defined]
    for path in folder.rglob("model.json"):
        write_json(path, {**read_json(path), "task": task.to_json()})
    return task

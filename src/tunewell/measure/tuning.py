"""What a task learns from a fitted model's own answers, such as thresholds, kept with the model."""

from __future__ import annotations

from pathlib import Path

from tunewell.contracts import Job, Predictor
from tunewell.values import read_json, write_json


def tune(predictor: Predictor, job: Job, folder: Path) -> bool:
    """Whether the task learnt something from the answers to validation rows.

    Whatever a saved model is made of, it keeps its task in `model.json`, as do the models inside
    of it; there it stands then, for whoever loads the folder.
    """
    if not hasattr(job.task, "tuned"):
        return False
    answers = predictor.predict([example.input for example in job.validation])
    task = job.task.tuned([example.target for example in job.validation], answers)
    for path in folder.rglob("model.json"):
        write_json(path, {**read_json(path), "task": task.to_json()})
    return True

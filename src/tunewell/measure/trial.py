"""One trial: fitted, measured, saved, read back, and only if it is picked shown the test rows."""

from __future__ import annotations

import math
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.contracts import Job, Method, Predictor
from tunewell.errors import (
    DiskFull,
    NotApplicable,
    TrainingDiverged,
    UserError,
    is_disk_full,
)
from tunewell.fit.prefix import shared_reading
from tunewell.measure.answers import surprised, write_answers
from tunewell.measure.apart import apart
from tunewell.measure.cost import Meter, what_answers_take
from tunewell.measure.spent import Account
from tunewell.measure.tuning import tune
from tunewell.values import (
    Answer,
    Example,
    Machine,
    Progress,
    Trial,
    read_json,
    to_json,
    write_json,
)

Shared = dict[str, dict[str, Any]]

READ_BACK = 16
"""Validation rows that a reloaded model must answer as it did before it was saved."""
SPEED_ROWS = 256
"""Test rows whose answers are timed in batches."""


def load_model(folder: Path, machine: Machine) -> Predictor:
    """The predictor saved in a model folder, read by the method that its record names."""
    return registry.method(read_json(folder / "model.json")["method"]).load(folder, machine)


def new_folder(trials: Path, trial: Trial) -> Path:
    """`trials/lora-0`, `trials/lora-1` …: that of this trial's content, or the next number."""
    number = 0
    while (folder := trials / f"{trial.method}-{number}").exists():
        if (folder / "trial.json").exists() and _key(folder) == trial.key:
            return folder
        number += 1
    folder.mkdir(parents=True)
    write_json(folder / "trial.json", {"key": trial.key, **to_json(trial)})
    return folder


def ended_folders(trials: Path) -> list[Path]:
    """Folders of trials with a result, by number; what else lies beside them is not ours."""
    folders = [path.parent for path in trials.glob("*/result.json")]
    ours = [folder for folder in folders if folder.name.rpartition("-")[2].isdecimal()]
    return sorted(ours, key=lambda folder: int(folder.name.rpartition("-")[2]))


def ended(trials: Path) -> set[str]:
    """Keys of the trials that will not run again; one that failed will."""
    return {
        _key(folder)
        for folder in ended_folders(trials)
        if read_json(folder / "result.json")["status"] != "failed"
    }


def _key(folder: Path) -> str:
    return read_json(folder / "trial.json")["key"]


def run_trial(
    method: Method,
    job: Job,
    folder: Path,
    shared: Shared,
    watch: Callable[[Progress], None],
    planned: Mapping[str, float],
) -> dict[str, Any]:
    """Fit, save and score on validation; what came of it, as `result.json` in the folder holds it.

    A trial that has come to its end is not run again; one that failed is, from its checkpoint.

    Args:
        shared: vectors of rows that a frozen backbone has read before (`fit.prefix`).
        planned: `planned_seconds` and `planned_peak_bytes`, stored beside what was measured.

    Raises:
        DiskFull: there is no room; no later trial would find any.
    """
    done = folder / "result.json"
    if done.exists() and read_json(done)["status"] != "failed":
        return read_json(done)
    account = Account(folder / "checkpoints")

    def told(progress: Progress) -> None:
        account.hear(progress)
        watch(progress)

    job = replace(job, folder=folder / "checkpoints", report_progress=told)
    meter = Meter(job.machine.device)
    (folder / "traceback.txt").unlink(missing_ok=True)
    try:
        try:
            with meter:
                predictor = method.fit(job)
        finally:
            spent = account.close(meter)
        with shared_reading(shared):
            _save(predictor, folder / "model")
            predictor, answers = _read_back(predictor, job, folder / "model")
            facts = _facts(predictor, job, answers, folder / "model")
    except NotApplicable as reason:
        result: dict[str, Any] = {"status": "skipped", "reason": str(reason)}
    except Exception as error:  # noqa: BLE001 (a method's crash is its row, the others go on)
        result = _failed(folder, error)
    else:
        result = {"status": "ok", "reason": "", **facts, "cost_seconds": spent.cost_seconds}
    measured = {
        "spent_seconds": spent.spent_seconds,
        "cpu_seconds": spent.cpu_seconds,
        "peak_bytes": spent.peak_bytes,
        "notes": list(dict.fromkeys(spent.notes)),
        "machine": to_json(job.machine),
        **planned,
    }
    write_json(done, {**result, **measured})
    if result["status"] == "ok":
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return read_json(done)


def _failed(folder: Path, error: Exception) -> dict[str, Any]:
    """What a crash leaves: its reason, and its traceback where the user cannot mend it.

    Raises:
        DiskFull: that was it, which is not the method's fault.
    """
    if isinstance(error, DiskFull):
        raise error
    if is_disk_full(error):
        raise DiskFull(
            f"There is no room on the disk that holds {folder}.",
            "",
            "Make room and give the same command again; what is finished is kept.",
        ) from error
    failed = {"status": "failed", "kind": type(error).__name__}
    if isinstance(error, (TrainingDiverged, UserError)):
        return {**failed, "reason": str(error)}
    lines = traceback.format_exception(error)
    (folder / "traceback.txt").write_text("".join(lines), encoding="utf-8")
    where = f"{folder.parent.name}/{folder.name}/traceback.txt"
    return {**failed, "reason": f"{type(error).__name__}: {error} (see {where})"}


def _save(predictor: Predictor, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        predictor.save(folder)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if is_disk_full(error):
            raise _no_room(folder, predictor.parameters.total) from error
        raise


def _read_back(predictor: Predictor, job: Job, folder: Path) -> tuple[Predictor, Sequence[Answer]]:
    """The saved model, with what its task learns from validation rows, and its answers to these.

    Raises:
        RuntimeError: it does not answer as it did before it was saved.
    """
    inputs = [example.input for example in job.validation]
    few = inputs[:READ_BACK]
    before, answers = predictor.predict(few), predictor.predict(inputs)
    if hasattr(job.task, "decided"):
        task = tune(job, answers, folder)
        loaded = load_model(folder, job.machine)
        after = loaded.predict(few)
        if _other(task.decided(before), after) is None:
            return loaded, task.decided(answers)
        _refuse_other(before, after)  # it need not go by what its task learns
        return loaded, answers
    loaded = load_model(folder, job.machine)
    _refuse_other(before, loaded.predict(few))
    if hasattr(job.task, "tuned"):
        tune(job, answers, folder)
        loaded = load_model(folder, job.machine)
        answers = loaded.predict(inputs)
    return loaded, answers


def _refuse_other(before: Sequence[Answer], after: Sequence[Answer]) -> None:
    if (found := _other(before, after)) is not None:
        raise RuntimeError("the saved model answers {1!r}, not {0!r}".format(*found))


def _other(before: Sequence[Answer], after: Sequence[Answer]) -> tuple[Any, Any] | None:
    """The first two values that really differ."""
    for one, other in zip(before, after, strict=True):
        if one.value != other.value and apart(one, other):
            return one.value, other.value
    return None


def _no_room(folder: Path, parameters: int) -> DiskFull:
    """What to say where a model of so many parameters could not be saved."""
    free = shutil.disk_usage(folder.parent).free
    return DiskFull(
        f"There is no room for the model in {folder}: {free / 1e6:.0f} MB are free.",
        f"Up to {4 * parameters / 1e6 + 1:.0f} MB are needed.",
        "Make room and give the same command again; what is finished is kept.",
    )


def _facts(
    predictor: Predictor, job: Job, answers: Sequence[Answer], folder: Path
) -> dict[str, Any]:
    answers = surprised(predictor, job.validation, answers)
    scores = job.task.score([example.target for example in job.validation], answers)
    told = {name: score for name, score in scores.items() if math.isfinite(score)}
    if (metric := job.task.metric) not in told:
        words = job.task.metrics[metric].words
        raise NotApplicable(f"it cannot tell how likely a text is, and {words} decides here")
    return {
        "validation": told,
        "parameters": to_json(predictor.parameters),
        "disk_bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }


def open_test(folder: Path, test: Sequence[Example], machine: Machine, shared: Shared) -> None:
    """Answer the test rows with a picked trial's saved model; `test.json` and `answers.jsonl`.

    A model that crashes over them is a failed trial.
    """
    done, result = folder / "test.json", read_json(folder / "result.json")
    if done.exists() or result["status"] != "ok":
        return
    try:
        write_json(done, _answer(folder, test, machine, shared))
    except Exception as error:  # noqa: BLE001 (as in `run_trial`)
        write_json(folder / "result.json", {**result, **_failed(folder, error)})


def _answer(
    folder: Path, test: Sequence[Example], machine: Machine, shared: Shared
) -> dict[str, Any]:
    """What answering took; speed is measured on rows that nobody has read before."""
    predictor = load_model(folder / "model", machine)
    inputs = [example.input for example in test]
    with Meter(machine.device) as meter, shared_reading(shared):
        answers = predictor.predict(inputs)
    answers = surprised(predictor, test, answers)
    write_answers(folder / "answers.jsonl", test, answers, predictor.task.answers == "labels")
    few = inputs[:: max(1, len(inputs) // SPEED_ROWS)][:SPEED_ROWS]
    return {"rows": len(test), "seconds": meter.seconds, **what_answers_take(predictor, few)}

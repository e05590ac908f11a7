"""How a model is asked: what it is shown, how long answers may be, whether they are scored."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from tunewell.contracts import Job
from tunewell.errors import NotApplicable, Probed
from tunewell.fit.prompting.asked import AskedPredictor, By
from tunewell.fit.prompting.questions import Questions, answer_of
from tunewell.fit.prompting.shots import Shots, Way, chosen
from tunewell.fit.prompting.writers import Writer, may_write, writer_for
from tunewell.fit.records import Record
from tunewell.values import ParameterCount, Progress

SAMPLE = 200
"""Rows from which the length of answers is taken."""
MOST_LABELS = 100
"""Labels up to which each is scored unless it is said how to ask."""
TRIED = 32
"""Rows from which it is seen what a model likes to say whatever is asked."""
PROBED = 4
"""Rows that are answered to see how long one takes."""
SCORED = ("label", "choice")
"""Kinds whose answers are known before, so that each can be scored."""


def asked_or(
    instead: str, method: str, job: Job, k: int = 0, way: Way = "nearest"
) -> AskedPredictor | None:
    """The backbone, to be asked, if it is of a kind that writes and pools nothing; else None.

    Args:
        instead: what is done otherwise; told where only its files show that it can't be asked.
    """
    assert job.backbone is not None
    if job.backbone.pooling is not None or not may_write(job.backbone):
        return None
    try:
        return fit_asked(method, job, None, k, way)
    except NotApplicable as reason:
        job.report_progress(Progress(note=f"{instead}: {reason}"))
        return None


def fit_asked(
    method: str, job: Job, by: By | None = None, k: int = 0, way: Way = "nearest"
) -> AskedPredictor:
    """The backbone, to be asked as it stands.

    Args:
        by: None: labels and choices are scored where that can be done, up to `MOST_LABELS`.
        k: solved rows before each question.

    Raises:
        NotApplicable: it does not write, cannot be asked so, or has no room for a solved row.
        Probed: the job is a probe.
    """
    shots = chosen(job.task, job.train, k, way, job.seed) if k else Shots(job.task)
    made = replace(asked_plainly(method, job, by), shots=shots)
    _refuse_without_room(made, job)
    if job.probe:
        each = seconds_each(made, job)
        tried = TRIED if made.by == "scoring" else 0
        raise Probed(tried * each, 0.0, each, answers_after=True)
    if made.by != "scoring":
        return made
    # Rows that are shown are no rows to be asked: they are those to train on.
    rows = (job.validation or job.train)[:TRIED]
    return made.unbiased(made.nats([row.input for row in rows]))


def asked_plainly(method: str, job: Job, by: By | None = None) -> AskedPredictor:
    """The backbone, to be asked in the task's own words and without a solved row.

    Raises:
        NotApplicable: it does not write, or cannot be asked so.
    """
    assert job.backbone is not None
    writer = writer_for(job)
    count = ParameterCount(0, 0, writer.weights)
    record = Record(method, job.task, job.backbone, job.machine, count)
    questions = Questions(job.task, writer.talks)
    chosen_by = _way_to_ask(job.task, writer, by)
    most = _most(job, writer)
    return AskedPredictor(record, writer, questions, Shots(job.task), chosen_by, most)


def seconds_each(made: Any, job: Job) -> float:
    """What an answer takes, by some; an endpoint, which would be paid, is taken at its word.

    Args:
        made: a predictor on the job's backbone.
    """
    assert job.backbone is not None
    if job.backbone.endpoint is not None:
        from tunewell.fit.endpoints.writer import AT_ONCE, SECONDS

        return SECONDS / AT_ONCE
    inputs = [row.input for row in (job.validation or job.train)[:PROBED]]
    made.predict(inputs[:1])  # the first one pays for the start
    begun = time.perf_counter()
    made.predict(inputs)
    return (time.perf_counter() - begun) / len(inputs)


def _way_to_ask(task: Any, writer: Writer, by: By | None) -> By:
    can = hasattr(writer, "scores")
    if by == "scoring" and (not can or task.answers not in SCORED):
        why = "an endpoint does not say how likely a text is"
        if can:
            why = "answers are not known before they are written"
        raise NotApplicable(f"{why}, so that none can be scored; ask by generating")
    few = task.answers == "choice" or len(getattr(task, "labels", ())) <= MOST_LABELS
    return by or ("scoring" if can and task.answers in SCORED and few else "generating")


def _most(job: Job, writer: Writer) -> int:
    """Tokens of an answer: a quarter more than the longest of some rows, and a few."""
    task = job.task
    if task.answers == "text":
        texts = [row.target for row in job.train[:SAMPLE]]
    elif task.answers == "label":
        texts = [task.named(label) for label in task.labels]  # type: ignore[attr-defined]
    else:
        texts = [answer_of(task, row.input, row.target) for row in job.train[:SAMPLE]]
    longest = max(writer.length(text) for text in texts)
    return longest + longest // 4 + (8 if hasattr(writer, "scores") else 64)


def _refuse_without_room(made: AskedPredictor, job: Job) -> None:
    """Tell of solved rows that do not fit; NotApplicable where none does."""
    if not made.shots.rows or made.writer.window is None:
        return
    inputs = [row.input for row in (job.validation or job.train)[:TRIED]]
    wanted = fitting = 0
    for given, shots in zip(inputs, made.shots.before(inputs), strict=True):
        asked = made.asked([given])[0]
        wanted += len(shots)
        while shots and made.questions.asked(given, shots) != asked:
            shots = shots[1:]
        fitting += len(shots)
    if not fitting:
        raise NotApplicable(f"within {made.writer.window} tokens there is no room for a solved row")
    if fitting < wanted:
        told = f"{fitting / len(inputs):.1f} of {made.shots.k} solved rows stand before a question"
        told += f" on average, as {made.writer.window} tokens hold no more"
        job.report_progress(Progress(note=told))

"""Processes of the page: starting one, seeing how it is, stopping it, and whose turn it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tunewell.errors import ConfigError
from tunewell.serve.web.shelf import Kept, all_kept
from tunewell.values import read_json, write_json

QUEUED, RUNNING, SUCCEEDED = "queued", "running", "succeeded"
FAILED, CANCELLED = "failed", "cancelled"
GOING = (QUEUED, RUNNING)
_STARTING_SECONDS = 60.0
"""After which a process that has not said its number has not come to life."""
_LOST = {
    "found": "The run ended without a word: the machine was switched off, or its process killed.",
    "expected": "",
    "remedy": "Start it again: it goes on where it stopped.",
}


def start(kept: Kept, kind: str, about: str = "") -> None:
    """Start a job, unless one of its kind that is about the same goes on for this run already."""
    record = state(kept, kind)
    if record["state"] in GOING:
        if record.get("about", "") == about:
            return
        stop(kept, kind)
    kept.page.mkdir(exist_ok=True)
    for old in ("progress.json", "curve.jsonl") if kind == "compare" else ("costs.json",):
        (kept.page / old).unlink(missing_ok=True)
    record = {"state": QUEUED, "ticket": time.time_ns(), "asked": time.time(), "about": about}
    write_json(_file(kept, kind), record)
    command = [sys.executable, "-P", "-m", "tunewell.serve.web.job", kind, str(kept.folder)]
    with (kept.page / "log.txt").open("ab") as log:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def stop(kept: Kept, kind: str) -> None:
    """Ask a job to end; a run then writes the report on what there is.

    Raises:
        ConfigError: it was begun on the command line, which alone can end it.
    """
    record = state(kept, kind)
    if record["state"] not in GOING:
        return
    if "ticket" not in record:
        raise ConfigError(
            f"The run {kept.name} was not begun on this page.",
            "A run of the command line is stopped where it was begun.",
            "Press Ctrl+C there; what is done by then is kept.",
        )
    if "pid" in record:
        os.kill(record["pid"], signal.SIGTERM)
    else:  # it has not come to life; when it does, it looks here first
        note(kept, kind, record["ticket"], state=CANCELLED)


def state(kept: Kept, kind: str = "compare") -> dict[str, Any]:
    """How a job is: `state`, and what else is known; a run of the command line has one too."""
    path = _file(kept, kind)
    if not path.exists():
        return _of_command_line(kept) if kind == "compare" else {"state": ""}
    record: dict[str, Any] = read_json(path)
    if record["state"] in GOING and not _alive(record):
        record |= {"state": FAILED, "error": _LOST}
    return record


def ticket(kept: Kept, kind: str) -> int:
    """The number of the job that was started last; jobs of a smaller one go first."""
    return int(read_json(_file(kept, kind))["ticket"])


def note(kept: Kept, kind: str, own: int, **news: Any) -> None:
    """Add to the record of the job with the ticket `own`, unless another was started since."""
    record = read_json(_file(kept, kind))
    if record["ticket"] == own:
        write_json(_file(kept, kind), {**record, **news})


def before(kept: Kept) -> list[str]:
    """Names of the runs that must end before this one begins."""
    own = ticket(kept, "compare")
    others = [other for other in all_kept(kept.folder.parent) if other.name != kept.name]
    waiting = []
    for other in others:
        record = state(other)
        if record["state"] in GOING and record.get("ticket", own + 1) < own:
            waiting.append(other.name)
    return waiting


def running(home: Path) -> list[str]:
    """Names of the runs that go on now."""
    return [kept.name for kept in all_kept(home) if state(kept)["state"] == RUNNING]


def progress(kept: Kept) -> dict[str, Any]:
    """The last event of a run, or what stands for none."""
    path = kept.page / "progress.json"
    if path.exists():
        return dict(read_json(path))
    return {"kind": "message", "message": "", "done": 0.0, "seconds_left": None, "score": None}


def born(pid: int) -> float:
    """When a process began, which tells it from a later one with its number."""
    return psutil.Process(pid).create_time()


def refuse_going(kept: Kept) -> None:
    """What was asked for is not changed while it is under way."""
    if state(kept)["state"] in GOING:
        raise ConfigError(
            f"The run {kept.name} is under way.",
            "Its settings cannot be changed now.",
            "Stop it first, or make a copy with other settings.",
        )


def _file(kept: Kept, kind: str) -> Path:
    return kept.page / ("job.json" if kind == "compare" else f"{kind}-job.json")


def _alive(record: dict[str, Any]) -> bool:
    if "pid" not in record:
        return time.time() - record["asked"] < _STARTING_SECONDS
    try:
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["born"]) < 1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _of_command_line(kept: Kept) -> dict[str, Any]:
    """The state of a run that no page started."""
    holder = kept.folder / ".running"
    if holder.exists():
        number = holder.read_text().rpartition(" ")[2]
        if number.isdecimal() and psutil.pid_exists(int(number)):
            return {"state": RUNNING}
    path = kept.folder / "comparison.json"
    if not path.exists():
        return {"state": ""}
    return {"state": CANCELLED if read_json(path).get("interrupted") else SUCCEEDED}

"""One command in a fresh process, and what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""Nothing is fetched while the clock runs."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""For both sides of a comparison."""


@dataclass(frozen=True)
class Cost:
    """What a process took, with its children; imports and start-up are in it."""

    status: int
    """Its exit status."""
    cpu_seconds: float
    """User and system."""
    wall_seconds: float
    peak_bytes: int
    """Highest resident memory."""
    load: float
    """Processes that wanted to run on this machine, the minute's mean when it ended."""


def measured(
    command: Sequence[str],
    log: Path,
    cores: Sequence[int],
    environment: Mapping[str, str],
    timeout_seconds: float = 1800.0,
) -> tuple[Cost, str]:
    """Run a command on the given cores; its cost and its standard output.

    Args:
        log: where its standard error goes.
        cores: numbers of the cores that it may use; none: all.
        environment: laid over this process's own.

    Where it takes longer than `timeout_seconds` it is killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    answer = log.with_suffix(".out")
    with answer.open("wb") as out, log.open("wb") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=out, stderr=errors, env={**os.environ, **environment}
        )
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, cores)
        killer = threading.Timer(timeout_seconds, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    cost = Cost(
        process.returncode,
        usage.ru_utime + usage.ru_stime,
        wall,
        usage.ru_maxrss * unit,
        os.getloadavg()[0],
    )
    return cost, answer.read_text(encoding="utf-8", errors="replace")

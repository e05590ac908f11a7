"""Two busy neighbours on the machine's cores: python -m benchmarks.speed.neighbours ROWS.

Fits `full` for an epoch with the threads that Tunewell chooses, with one and with as many as there
are cores, on the quiet machine and beside two processes that spin at the same priority. Prints
how fast the choice is, as a share of the best setting's speed, by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LENGTH, REPEATS = 256, 2


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("rows", type=Path)
    ask.add_argument("--work", action="store_true")
    asked = ask.parse_args()
    if asked.work:
        print(fitted_seconds(asked.rows))
        return
    choices = {"chosen": {}, "one": {"OMP_NUM_THREADS": "1"}}
    choices["all"] = {"OMP_NUM_THREADS": str(os.cpu_count())}
    seconds: dict[str, dict[str, float]] = {}
    for machine, busy in (("quiet", 0), ("busy", 2)):
        took: dict[str, list[float]] = {name: [] for name in choices}
        with neighbours(busy):
            for _ in range(REPEATS):
                for name, environment in choices.items():
                    took[name].append(_in_a_process(asked.rows, environment))
        seconds[machine] = {name: statistics.median(each) for name, each in took.items()}
    figures = {name: min(took.values()) / took["chosen"] for name, took in seconds.items()}
    print(json.dumps({"accuracy": {}, "figures": figures}))


def fitted_seconds(rows: Path) -> float:
    """One epoch of `full`, loading included and imports left out."""
    from benchmarks.speed.job import job, ready

    from tunewell.methods.full import Full

    given = job(ready(rows, LENGTH, methods=["full"]))
    begun = time.perf_counter()
    Full(epochs=1).fit(given)
    return time.perf_counter() - begun


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Inside, so many processes do nothing but spin."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _in_a_process(rows: Path, environment: dict[str, str]) -> float:
    command = [sys.executable, "-m", "benchmarks.speed.neighbours", str(rows), "--work"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return float(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()

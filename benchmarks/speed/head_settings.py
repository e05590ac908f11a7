"""Sixteen settings of `head` in one process: python -m benchmarks.speed.head_settings ROWS OUT.

Prints a line of JSON: the accuracy of the setting that validation likes best, the CPU seconds of
all sixteen, and how many forward passes over the rows they took (by the clock).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.speed.job import job, ready

from tunewell.methods.head import Head
from tunewell.values import Progress

SETTINGS = tuple(1e-4 * 1000 ** (number / 15) for number in range(16))
"""Learning rates from 1e-4 to 1e-1, evenly by their logarithm."""


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("rows", type=Path)
    ask.add_argument("out", type=Path)
    ask.add_argument("--epochs", type=int, required=True)
    ask.add_argument("--max-length", type=int, required=True)
    asked = ask.parse_args()

    known = ready(asked.rows, asked.max_length, methods=["head"], out=asked.out)
    told: list[Progress] = []
    given = replace(job(known), cache=asked.out / "cache", report_progress=told.append)
    begun, busy = time.perf_counter(), time.process_time()
    methods = [Head(learning_rate=rate, epochs=asked.epochs) for rate in SETTINGS]
    fitted = [method.fit(given) for method in methods]
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    # Whoever takes the vectors from the disk tells what the one pass took, loading left out.
    one_pass = max(p.borrowed_seconds for p in told if not p.borrowed_bytes)

    def right(predictor, examples) -> float:
        answers = predictor.predict([example.input for example in examples])
        targets = [example.target for example in examples]
        return known.task.score(targets, answers)["accuracy"]

    best = max(fitted, key=lambda predictor: right(predictor, given.validation))
    outcome = {
        "accuracy": {"head": right(best, known.data.test)},
        "training": {"head": busy},
        "figures": {"passes": seconds / one_pass},
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()

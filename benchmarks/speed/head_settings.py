"""Sixteen settings of `head` in one process: python -m benchmarks.speed.head_settings ROWS OUT.

Prints a line of JSON: the accuracy of the setting that validation likes best, the CPU seconds of
all sixteen, and how many forward passes over the rows they took (by the clock, loading the model
and trying it included, imports left out).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.speed.job import job, ready
from safetensors import safe_open

from tunewell.fit.machine import import_heavy_packages
from tunewell.methods.head import Head

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
    given = replace(job(known), cache=asked.out / "cache")
    import_heavy_packages()
    begun, busy = time.perf_counter(), time.process_time()
    methods = [Head(learning_rate=rate, epochs=asked.epochs) for rate in SETTINGS]
    fitted = [
        method.fit(replace(given, beside=tuple((each, given.seed) for each in methods[number:])))
        for number, method in enumerate(methods, start=1)
    ]
    seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    (path,) = (asked.out / "cache").glob("frozen-*.safetensors")
    with safe_open(path, "pt") as kept:
        one_pass = float(kept.metadata()["seconds"])

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

"""Measures: python -m benchmarks.speed [--quick] [--train N] [--rounds N] [--cores 0,1] [NAME ...].

NAME is a comparison of `comparisons.py`; none: all. Every side is a fresh process on one core
with one thread; with two cores two pairs run side by side. What is measured lies in
runs/speed/measured.json after every process, with `--train N` in runs/speed/trainN/;
`python -m benchmarks.performance_page` makes docs/performance.md of them.
"""

from __future__ import annotations

import argparse
import os
import queue
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.speed.compared import Comparison
from benchmarks.speed.comparisons import COMPARISONS
from benchmarks.speed.machine import facts, peaks
from benchmarks.speed.process import OFFLINE, ONE_THREAD, measured
from benchmarks.speed.rows import PUBLISHED, QUICK, Size, count_tokens, write_rows
from benchmarks.speed.sides import Side
from benchmarks.speed.work import shape

from tunewell.values import to_json, write_json

OUT = Path("runs/speed")


@dataclass
class Measuring:
    """All that one call of the benchmark measures, written after each process."""

    folder: Path
    size: Size
    cores: tuple[int, ...]
    model: Path
    record: dict[str, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, measurement: dict[str, Any]) -> None:
        """Add one process's measurement to the file."""
        with self.lock:
            self.record["measurements"].append(measurement)
            self.record["ended"] = datetime.now(UTC).isoformat(timespec="seconds")
            write_json(self.folder / "measured.json", self.record)


def main() -> None:
    asked = _asked()
    chosen = [one for one in COMPARISONS if not asked.names or one.name in asked.names]
    size = QUICK if asked.quick else PUBLISHED
    size = replace(size, rounds=asked.rounds or size.rounds)
    folder = OUT / "quick" if asked.quick else OUT
    if asked.train:
        size, folder = replace(size, train=asked.train), OUT / f"train{asked.train}"
    measuring = _start(folder, size, asked.cores)
    begun = time.monotonic()
    for number in range(1, size.rounds + 1):
        started = time.monotonic()
        _round(measuring, chosen, number)
        took, spent = time.monotonic() - started, time.monotonic() - begun
        if number < size.rounds and spent + took > 60 * asked.minutes:
            print(f"Ended after round {number}: another would pass {asked.minutes} minutes.")
            break


def _asked() -> argparse.Namespace:
    names = [one.name for one in COMPARISONS]
    ask = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    ask.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    ask.add_argument("--quick", action="store_true", help="few rows, one round, for checking")
    ask.add_argument("--train", type=int, help="training rows, instead of the size's own")
    ask.add_argument("--rounds", type=int, help="instead of the size's own")
    ask.add_argument("--minutes", type=float, default=70.0, help="no round beyond (70)")
    ask.add_argument("--cores", default="0,1", help="numbers of the cores to use (0,1)")
    asked = ask.parse_args()
    asked.cores = tuple(int(core) for core in asked.cores.split(","))
    unknown = sorted(set(asked.names) - set(names))
    if unknown:
        ask.error(f"no comparison is called {', '.join(unknown)}; there are {', '.join(names)}")
    return asked


def _start(folder: Path, size: Size, cores: tuple[int, ...]) -> Measuring:
    """Rows, the two backbones, and the facts of the machine."""
    from tunewell.fit.backbones import resolve

    shutil.rmtree(folder, ignore_errors=True)
    model = resolve(None).folder
    write_rows(folder / "rows", size)
    # Without the files that make it a sentence encoder, the architecture's own head reads it.
    whole = ("config.json", "model.safetensors", "tokenizer*.json", "vocab.txt", "special*.json")
    (folder / "stock").mkdir()
    for pattern in whole:
        for file in model.glob(pattern):
            shutil.copy(file, folder / "stock")
    record = {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "size": asdict(size),
        "cores": cores,
        "machine": facts(),
        "peaks": [peaks(folder, core) for core in cores],
        "shape": shape(model),
        "tokens": count_tokens(folder / "rows", str(model)),
        "command": shlex.join(["python", "-m", "benchmarks.speed", *sys.argv[1:]]),
        "measurements": [],
    }
    return Measuring(folder, size, cores, model, record)


def _round(measuring: Measuring, chosen: Sequence[Comparison], number: int) -> None:
    """Every side once; a comparison's sides one after the other on one core.

    Those that need the whole machine come after all others.
    """
    work: queue.SimpleQueue[tuple[Side, ...]] = queue.SimpleQueue()
    units = list(_units(chosen, number == 1))
    for unit in units:
        work.put(tuple(side for side in unit if not side.alone))
    ended = {side.name: threading.Event() for unit in units for side in unit}

    def lane(core: int) -> None:
        while True:
            try:
                unit = work.get_nowait()
            except queue.Empty:
                return
            for side in unit:
                for needed in side.needs:
                    ended[needed.name].wait()
                try:
                    measuring.keep(_measure(measuring, side, number, [core]))
                finally:
                    ended[side.name].set()

    with ThreadPoolExecutor(len(measuring.cores)) as lanes:
        list(lanes.map(lane, measuring.cores))
    for side in (side for unit in units for side in unit if side.alone):
        measuring.keep(_measure(measuring, side, number, []))


def _units(chosen: Sequence[Comparison], first: bool) -> Iterator[tuple[Side, ...]]:
    """What runs together, in the order of the comparisons; a side that two name runs once."""
    seen: set[str] = set()
    for side in dict.fromkeys(side for one in chosen for side in one.sides if side.once):
        seen.add(side.name)
        if first:
            yield (side,)
    for comparison in chosen:
        unit = tuple(side for side in comparison.sides if side.name not in seen)
        seen |= {side.name for side in unit}
        if unit:
            yield unit


def _measure(measuring: Measuring, side: Side, number: int, cores: Sequence[int]) -> dict[str, Any]:
    """Run one side and read what it says."""
    runs, rows = measuring.folder / f"round-{number}", measuring.folder / "rows"
    out = runs / side.folder
    out.mkdir(parents=True, exist_ok=True)
    places = {"rows": rows, "out": out, "runs": runs, "model": measuring.model}
    places |= {"stock": measuring.folder / "stock", "epochs": measuring.size.epochs}
    words = shlex.split(side.command.format(**places))
    program = Path(sys.executable).with_name(words[0])
    environment = {**OFFLINE, **({} if side.alone else ONE_THREAD)}
    log = runs / f"{side.folder}.log"
    cost, told = measured([str(program), *words[1:]], log, cores, environment)
    outcome, failure = None, ""
    where = f"core {cores[0]}" if cores else "all"
    if cost.status:
        failure = f"ended with {cost.status}, see {log}"
    else:
        try:
            outcome = to_json(side.read(told, out, rows))
        except (ValueError, LookupError, OSError) as error:
            failure = f"said nothing that can be read: {error!r}"
    print(
        f"round {number} {where:<7}{side.name:<34}{cost.cpu_seconds:8.1f} CPU s"
        f"{cost.wall_seconds:8.1f} s{cost.peak_bytes / 1e9:6.2f} GB  {failure or outcome}",
        flush=True,
    )
    return {
        "round": number,
        "cores": cores,
        "side": side.name,
        "command": side.command,
        "cost": asdict(cost),
        "outcome": outcome,
        "failure": failure,
    }


if __name__ == "__main__":
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    main()

"""Large tables through `tunewell check`: seconds and peak memory, against 60 s and 2 GB.

    .venv/bin/python benchmarks/million_rows.py

Writes its tables into a temporary folder and deletes them again.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MOST_SECONDS, MOST_BYTES = 60, 2 << 30
WORDS = [f"{head}{tail}" for head in "bdfgklmnprst" for tail in ("ale", "ino", "ura", "est", "om")]
LABELS = ("praise", "complaint", "question", "order", "other")


def sentences(count: int) -> Iterator[tuple[str, str]]:
    draw = random.Random(0)
    for number in range(count):
        yield f"{' '.join(draw.choices(WORDS, k=14))}; {number}", draw.choice(LABELS)


def million_rows(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f"{text},{label}\n" for text, label in sentences(1_000_000))


def long_cell(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"text,label\n{'word ' * 4_000_000},praise\n")
        file.writelines(f"{text},{label}\n" for text, label in sentences(1000))


def wide(path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label," + ",".join(f"c{n}" for n in range(498)) + "\n")
        rest = ",".join(str(n) for n in range(498))
        file.writelines(f"{text},{label},{rest}\n" for text, label in sentences(20_000))


def checked(path: Path) -> tuple[float, float, int]:
    """Seconds, seconds of the processor and peak bytes of `tunewell check`.

    Ends the benchmark where that fails.
    """
    tunewell = Path(sys.executable).with_name("tunewell")
    start = time.perf_counter()
    process = subprocess.Popen([tunewell, "check", path], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{path.name}: tunewell check ended with {os.waitstatus_to_exitcode(status)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit


def main() -> None:
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for write in (million_rows, long_cell, wide):
            path = Path(folder) / f"{write.__name__}.csv"
            write(path)
            seconds, busy, peak = checked(path)
            size = path.stat().st_size / 1e6
            path.unlink()
            fits = seconds <= MOST_SECONDS and peak <= MOST_BYTES
            good &= fits
            print(
                f"{write.__name__:<13}{size:6.0f} MB {seconds:6.1f} s "
                f"({busy:.1f} s of processor) {peak / 1e9:6.2f} GB"
                f"   {'within' if fits else 'OVER'} {MOST_SECONDS} s and {MOST_BYTES / 1e9:.1f} GB",
                flush=True,
            )
    sys.exit(not good)


if __name__ == "__main__":
    main()

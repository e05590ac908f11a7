"""What a trial costs while it runs: seconds, memory, speed of its answers."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import psutil

from tunewell.contracts import Predictor
from tunewell.memory import return_freed

SAMPLE_SECONDS = 0.02


class Meter:
    """Measures the block it surrounds; its figures are there after the block.

    Memory is this block's own peak, above what was in use when it began: on a GPU as torch counts
    it, elsewhere the resident memory of the process, looked at every 20 ms. Import what the block
    needs before it begins, or the libraries count as its memory.

    Args:
        device: where the work runs: `cpu`, `cuda`, `cuda:1`.

    >>> with Meter() as meter:
    ...     numbers = list(range(1000))
    >>> meter.seconds > 0 and meter.peak_bytes >= 0
    True
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.seconds = 0.0
        """By the clock on the wall."""
        self.cpu_seconds = 0.0
        """Of all threads of this process, user and system."""
        self.peak_bytes = 0
        self._cuda = device.startswith("cuda")

    def __enter__(self) -> Self:
        gc.collect()
        if self._cuda:
            import torch

            torch.cuda.synchronize(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self._before = torch.cuda.memory_allocated(self.device)
        else:
            return_freed()
            self._process = psutil.Process()
            self._before = self._highest = self._process.memory_info().rss
            self._done = threading.Event()
            self._sampler = threading.Thread(target=self._sample, daemon=True)
            self._sampler.start()
        self._cpu_start, self._start = time.process_time(), time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._cuda:
            import torch

            torch.cuda.synchronize(self.device)
        self.seconds = time.perf_counter() - self._start
        self.cpu_seconds = time.process_time() - self._cpu_start
        if self._cuda:
            highest = torch.cuda.max_memory_allocated(self.device)
        else:
            self._done.set()
            self._sampler.join()
            highest = max(self._highest, self._process.memory_info().rss)
        self.peak_bytes = max(0, highest - self._before)

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            self._highest = max(self._highest, self._process.memory_info().rss)


def what_answers_take(predictor: Predictor, inputs: Sequence[Any]) -> dict[str, Any]:
    """How fast a predictor answers, what an answer costs, and what became of those it gave so far.

    Rows are answered for the time's sake, but not where that would be paid for.
    """
    told = {"notes": predictor.told()} if hasattr(predictor, "told") else {}
    spent = predictor.spent() if hasattr(predictor, "spent") else None
    if spent is None:
        alone = milliseconds_per_prediction(predictor.predict, inputs)
        together = rows_per_second(predictor.predict, inputs)
    else:
        alone, together = spent["milliseconds"], 1000 / max(spent["milliseconds"], 1e-3)
        told["spent"] = spent
    return {"milliseconds_per_prediction": alone, "predictions_per_second": together, **told}


def milliseconds_per_prediction(
    predict: Callable[[Sequence[Any]], Any],
    inputs: Sequence[Any],
    rows: int = 20,
    seconds: float = 1.0,
) -> float:
    """The median over single rows, spread evenly over the inputs, after a warm-up of three.

    Stops after `rows` rows or `seconds`, but not before one row is timed.
    """
    if not inputs:
        raise ValueError("there is nothing to predict")
    start = time.perf_counter()
    chosen = [inputs[at * len(inputs) // rows] for at in range(rows)]
    if len(inputs) < rows:
        chosen = list(inputs)
    for row in chosen[:3]:
        predict([row])
    times: list[float] = []
    for row in chosen:
        if times and time.perf_counter() - start > seconds:
            break
        before = time.perf_counter()
        predict([row])
        times.append(time.perf_counter() - before)
    return 1000 * statistics.median(times)


def rows_per_second(
    predict: Callable[[Sequence[Any]], Any],
    inputs: Sequence[Any],
    batch: int = 32,
    seconds: float = 0.5,
) -> float:
    """How many rows are answered in a second, `batch` rows at a call, after a warm-up of one row.

    Stops after all inputs or `seconds`, but not before one batch is timed.
    """
    if not inputs:
        raise ValueError("there is nothing to predict")
    predict(inputs[:1])
    start, done = time.perf_counter(), 0
    while done < len(inputs) and (done == 0 or time.perf_counter() - start < seconds):
        part = inputs[done : done + batch]
        predict(part)
        done += len(part)
    return done / (time.perf_counter() - start)

"""The machine's peak of matrix products on one thread: python -m benchmarks.speed.peak."""

from __future__ import annotations

import json
import time

import torch

SIZE, TRIES = 1536, 12


def peak(dtype: torch.dtype) -> float:
    """Floating-point operations a second of the fastest of twelve products."""
    left, right = (torch.randn(SIZE, SIZE).to(dtype) for _ in range(2))
    fastest = float("inf")
    for _ in range(TRIES):
        begun = time.perf_counter()
        left @ right
        fastest = min(fastest, time.perf_counter() - begun)
    return 2 * SIZE**3 / fastest


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({name: peak(getattr(torch, name)) for name in ("float32", "bfloat16")}))

"""States of frozen layers, computed once and kept in memory or in a file that is mapped to it.

The file is safetensors: one matrix `states` (tokens, hidden), row after row, and the seconds that
it took. Rows are written where they belong as they come, so that none waits in memory.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tunewell.values import whole_file

PREFIX = "layers-"
"""Of the names of these files."""
DISK_SHARE = 0.5
"""Most that all of them may take of the room that there would be without them."""
MEMORY_SHARE = 0.25
"""Most of a trial's memory that states may take where there is no folder for them."""
HEADER_BYTES = 256
"""Of a file, before its matrix."""
NAMES = {torch.float32: "F32", torch.bfloat16: "BF16"}

Batches = Iterable[tuple[Sequence[int], Tensor]]
"""Row numbers, and their states (tokens, hidden) one after the other."""


@dataclass(frozen=True)
class Plan:
    """Where states of rows are to be kept, and how large they are."""

    path: Path | None
    """None: in memory."""
    lengths: tuple[int, ...]
    """Tokens of each row."""
    width: int
    dtype: torch.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix: (tokens, hidden)."""
        return sum(self.lengths), self.width

    @property
    def size_bytes(self) -> int:
        """Of the matrix."""
        return self.shape[0] * self.width * self.dtype.itemsize


@dataclass(frozen=True)
class Kept:
    """States of rows, by their numbers."""

    states: Tensor  # (tokens, hidden)
    ends: tuple[int, ...]
    """Where each row ends in the matrix."""
    seconds: float
    """That computing them took."""

    def of(self, rows: Sequence[int]) -> Tensor:
        """States (tokens, hidden) of some rows, one after the other."""
        starts = [self.ends[row - 1] if row else 0 for row in rows]
        parts = zip(starts, rows, strict=True)
        return torch.cat([self.states[start : self.ends[row]] for start, row in parts])


def read(plan: Plan) -> Kept | None:
    """What was kept before; None: nothing.

    Raises:
        SafetensorError: the file is damaged.
    """
    if plan.path is None or not plan.path.exists():
        return None
    with safe_open(plan.path, "pt") as file:
        states = file.get_tensor("states")  # mapped: read from the disk as it is used
        seconds = float(file.metadata()["seconds"])
    if states.shape != plan.shape or states.dtype != plan.dtype:
        raise SafetensorError(f"{plan.path.name} holds other states")
    os.utime(plan.path)  # what was used last is thrown out last
    return Kept(states, tuple(accumulate(plan.lengths)), seconds)


def has_room(plan: Plan, memory_bytes: int) -> bool:
    """Whether there is room for the states, other files of theirs gone.

    Args:
        memory_bytes: that a trial may take; 0 where it is not known.
    """
    if plan.path is None:
        return not memory_bytes or plan.size_bytes <= MEMORY_SHARE * memory_bytes
    return plan.size_bytes <= _most_bytes(plan.path)


def make_room(plan: Plan, memory_bytes: int) -> bool:
    """Whether there is room now; files that were not used for the longest time go for it."""
    if not has_room(plan, memory_bytes):
        return False
    if plan.path is not None:
        most, others = _most_bytes(plan.path), _others(plan.path)
        taken = sum(file.stat().st_size for file in others)
        for file in others:
            if taken + plan.size_bytes > most:
                taken -= file.stat().st_size
                file.unlink()
    return True


def _others(path: Path) -> list[Path]:
    """Other files of kept states, the longest unused first."""
    others = [file for file in path.parent.glob(f"{PREFIX}*") if file != path]
    return sorted(others, key=lambda file: file.stat().st_mtime)


def _most_bytes(path: Path) -> float:
    """What all files of kept states may take together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = sum(file.stat().st_size for file in _others(path))
    return DISK_SHARE * (shutil.disk_usage(path.parent).free + taken)


def compute(plan: Plan, batches: Batches) -> Kept:
    """Take down the states of all rows; a file is whole or absent.

    Raises:
        OSError: the disk is full.
    """
    begun, ends = time.perf_counter(), tuple(accumulate(plan.lengths))
    if plan.path is None:
        states = torch.zeros(plan.shape, dtype=plan.dtype)

        def put(start: int, part: Tensor) -> None:
            states[start : start + len(part)] = part

        _fill(plan, ends, batches, put)
        return Kept(states, ends, time.perf_counter() - begun)
    plan.path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(plan.path) as aside, aside.open("wb") as file:

        def write(start: int, part: Tensor) -> None:
            file.seek(HEADER_BYTES + start * plan.width * plan.dtype.itemsize)
            file.write(part.contiguous().view(torch.uint8).numpy())

        _fill(plan, ends, batches, write)
        file.seek(0)
        file.write(_header(plan, time.perf_counter() - begun))
        file.flush()
        os.fsync(file.fileno())
    kept = read(plan)
    assert kept is not None
    return kept


def _fill(
    plan: Plan, ends: Sequence[int], batches: Batches, put: Callable[[int, Tensor], None]
) -> None:
    for rows, states in batches:
        lengths = [plan.lengths[row] for row in rows]
        parts = states.to("cpu", plan.dtype).split(lengths)
        for row, part in zip(rows, parts, strict=True):
            put(ends[row] - plan.lengths[row], part)


def _header(plan: Plan, seconds: float) -> bytes:
    """Of a safetensors file: the length of what follows, and what it holds, as JSON."""
    states = {
        "dtype": NAMES[plan.dtype],
        "shape": plan.shape,
        "data_offsets": (0, plan.size_bytes),
    }
    told = json.dumps({"__metadata__": {"seconds": repr(seconds)}, "states": states})
    length = HEADER_BYTES - 8
    return length.to_bytes(8, "little") + told.encode().ljust(length)

"""What this machine is and has free, found without surprises in containers."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.values import Machine

QUIET = {
    "OMP_WAIT_POLICY": "passive",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16",
    "LRU_CACHE_CAPACITY": "16",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRL_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "VLLM_NO_USAGE_STATS": "1",
}
"""Threads that sleep when idle; matrix kernels kept for the last shapes only, as packed batches
are hardly ever as long as another (1,024 kernels held 390 MB, and saved no time); telemetry off."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As in glibc's malloc.h."""
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "bf16", "sve")
PACKAGES = ("tunewell", "torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors")


def quiet() -> None:
    """Set the environment that must stand before torch and others are imported.

    What the user has set stays. An idle OpenMP thread that spins costs up to five times the
    speed when two programs share the cores; passive waiting costs nothing on a quiet machine.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def set_up(threads: int) -> None:
    """Threads of torch, and freed memory kept for the next tensor, as a step needs it again.

    Otherwise glibc gives large tensors back to the system, which clears each page anew: a
    twelfth of a step on short rows. Elsewhere than on glibc only the threads are set.
    """
    import torch

    torch.set_num_threads(threads)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 2**30)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@functools.cache
def import_heavy_packages() -> None:
    """Import what the first fit would pay for, so that none does; before any model is loaded.

    None of it is ever garbage, and looking for garbage in it takes a fifth of a second each time.
    """
    import transformers.modeling_utils  # noqa: F401

    gc.collect()
    gc.freeze()


def find(
    device: str | None = None, dtype: str | None = None, threads: int | None = None
) -> Machine:
    """The machine as a trial will use it; None means chosen.

    Args:
        device: `cpu`, `cuda`, `cuda:1`, `mps`; chosen: the first accelerator there is.
        dtype: of matrix products; chosen: bfloat16 where the processor computes in it.
        threads: of the CPU; chosen: the cores that this process may really use.

    Raises:
        ConfigError: there is no such device, dtype or number of threads.
    """
    device = device or _best_device()
    _refuse_missing(device)
    if dtype not in (None, "float32", "bfloat16"):
        raise ConfigError(f"There is no dtype {dtype!r}.", "Expected float32 or bfloat16.")
    if threads is not None and threads < 1:
        raise ConfigError(f"{threads} threads can do nothing.", "Expected 1 or more.")
    return Machine(
        device=device,
        dtype=dtype or ("bfloat16" if _computes_bfloat16(device) else "float32"),
        threads=threads or available_threads(),
        memory_bytes=free_memory(device),
    )


def facts() -> dict[str, Any]:
    """What decides the bits of a run, for its record: versions, processor, flags, threads."""
    name, flags = _processor()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": {package: _version(package) for package in PACKAGES},
        "processor": name,
        "flags": [flag for flag in FLAGS if flag in flags],
        "threads": available_threads(),
        "gpu": _gpu(),
    }


def available_threads() -> int:
    """Cores that this process may use: its affinity, its container's quota, OMP_NUM_THREADS."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    limits = [cores, *(quota // period for quota, period in _cpu_quotas())]
    return max(1, min([*limits, int(asked)] if asked.isdigit() else limits))


def free_memory(device: str = "cpu") -> int:
    """Bytes that a trial may take: free on the GPU, or on the machine within its container."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0]
    import psutil

    free = [psutil.virtual_memory().available]
    for limit, used in _memory_limits():
        free.append(max(0, limit - used))
    return min(free)


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _refuse_missing(device: str) -> None:
    if device == "cpu":
        return
    if not re.fullmatch(r"cuda(:\d+)?|mps", device):
        raise ConfigError(f"There is no device {device!r}.", "Expected cpu, cuda, cuda:1 or mps.")
    import torch

    number = int(device.partition(":")[2] or 0)
    there = torch.cuda.device_count() if device.startswith("cuda") else torch.mps.device_count()
    if number >= there:
        raise ConfigError(
            f"This machine has no device {device!r} that torch can use.",
            remedy="Leave --device out, or install a torch that is built for it.",
        )


def _gpu() -> str | None:
    """Its name, where a run has already loaded torch and can see one."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None


def _computes_bfloat16(device: str) -> bool:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_capability(device) >= (8, 0)
    flags = _processor()[1]
    return device == "cpu" and bool(flags & {"avx512_bf16", "amx_bf16"})


def _processor() -> tuple[str, set[str]]:
    """Name and flags, as Linux tells them."""
    text = _read(Path("/proc/cpuinfo"))
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return (
        name[1] if name else platform.processor() or platform.machine(),
        set(flags[1].split()) if flags else set(),
    )


def _version(package: str) -> str | None:
    from importlib import metadata  # --help need not wait for it

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cgroups(controller: str) -> list[Path]:
    """Folders of this process's control groups from its own up to the root, both versions."""
    roots = []
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        if not names:
            roots.append((Path("/sys/fs/cgroup"), path))
        elif controller in names.split(","):
            roots.append((Path("/sys/fs/cgroup") / controller, path))
    folders = []
    for root, path in roots:
        own = root / path.lstrip("/")
        folders += [own, *(parent for parent in own.parents if parent.is_relative_to(root))]
    return folders


def _cpu_quotas() -> list[tuple[int, int]]:
    """(microseconds of CPU, per so many microseconds) wherever there is a limit."""
    quotas = []
    for folder in _cgroups("cpu"):
        new = _read(folder / "cpu.max").split()
        old = [_read(folder / f"cpu.cfs_{part}_us").strip() for part in ("quota", "period")]
        for quota, period in (new, old) if len(new) == 2 else (old,):
            if quota.isdigit() and period.isdigit():
                quotas.append((int(quota), int(period)))
    return quotas


def _memory_limits() -> list[tuple[int, int]]:
    """(limit, used) in bytes wherever a control group has a limit; its file cache is not used."""
    limits = []
    for folder in _cgroups("memory"):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, now = _read(folder / limit).strip(), _read(folder / used).strip()
            if most.isdigit() and now.isdigit() and int(most) < 2**62:
                kept = re.search(rf"^{cache} (\d+)$", _read(folder / "memory.stat"), re.MULTILINE)
                limits.append((int(most), int(now) - int(kept[1] if kept else 0)))
    return limits


def _read(path: Path) -> str:
    """A file of the kernel's; empty where this system has none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

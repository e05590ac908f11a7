"""What the measuring machine is, and how fast it multiplies matrices."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.speed.process import ONE_THREAD, measured

PACKAGES = ("torch", "transformers", "peft", "sentence-transformers", "setfit", "scikit-learn")


def facts() -> dict[str, Any]:
    """Processor, cores, memory, versions and how busy the machine is now."""
    import psutil

    from tunewell.fit import machine

    found = machine.facts()
    return {
        "processor": found["processor"],
        "flags": found["flags"],
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": found["system"],
        "python": found["python"],
        "tunewell": metadata.version("tunewell"),
        "versions": {name: _version(name) for name in PACKAGES},
        "load_before": os.getloadavg()[0],
    }


def peaks(folder: Path, core: int) -> dict[str, float]:
    """Floating-point operations a second of matrix products on one core, by dtype."""
    command = [sys.executable, "-m", "benchmarks.speed.peak"]
    cost, told = measured(command, folder / "peak.log", [core], ONE_THREAD)
    if cost.status:
        raise RuntimeError(f"the peak was not measured: see {folder / 'peak.log'}")
    return json.loads(told)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

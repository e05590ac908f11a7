"""Models of earlier runs as backbones: what they were tuned for, and adapters merged into them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tunewell.fit import vet
from tunewell.values import Machine

MERGED = "-merged"
"""What the folder of a merged model is called beyond the folder of its adapter."""


def tuned_for(folder: Path) -> dict[str, Any] | None:
    """What a backbone's folder says of the run that made it; None where none of ours did.

    `{"method", "task", "base", "base_fingerprint"}`, the base being what that run started from.
    """
    if not (folder / "model.json").is_file():
        return None
    record = vet.read(folder, "model.json")
    base = record["backbone"]
    return {
        "method": record["method"],
        "task": record["task"]["name"],
        "base": base["name"],
        "base_fingerprint": base["fingerprint"],
    }


def is_adapter(folder: Path) -> bool:
    """Whether a model of ours is updates of weights that can be added to them."""
    return (
        (folder / "model.json").is_file()
        and (folder / "adapter_config.json").is_file()
        and vet.read(folder, "model.json").get("body") == "adapter"
    )


def merged(folder: Path) -> Path:
    """The folder, beside an adapter's, of the whole model with the adapter added to its weights.

    Made once; whoever asks again gets the same files, so that trials find what they stood on.
    """
    from tunewell.fit.trained import load_trained

    whole = folder.with_name(folder.name + MERGED)
    if not (whole / "model.json").exists():
        aside = folder.with_name(f"{whole.name}.{os.getpid()}")
        try:
            load_trained(folder, Machine()).whole().save(aside)
            shutil.rmtree(whole, ignore_errors=True)
            aside.rename(whole)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return whole

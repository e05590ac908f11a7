"""A checkpoint is whole or absent: written aside, synced, sealed with checksums, renamed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from tunewell.errors import DiskFull, is_disk_full
from tunewell.values import to_json

MANIFEST = "manifest.json"
ASIDE = ".part-"
REPLACED = ".part-old-"
DAMAGED = ".damaged"
KEPT = 2


class Checkpoint(NamedTuple):
    """What `latest` found."""

    record: dict[str, Any]
    tensors: dict[str, dict[str, torch.Tensor]]
    """File stem -> name -> tensor, on the CPU."""
    path: Path


def save(
    folder: Path,
    name: str,
    tensors: dict[str, dict[str, torch.Tensor]],
    record: dict[str, Any],
) -> Path:
    """Write `folder/name` whole or not at all; the newest two are kept.

    Args:
        name: ends in a number and sorts by it: `step-9` comes before `step-10`.
        tensors: file stem -> name -> tensor; each stem becomes `STEM.safetensors`.
        record: anything JSON holds; it lies in the manifest.

    Raises:
        ValueError: a tensor holds NaN or infinity, or the name no number; nothing was written.
        DiskFull: there is too little room; nothing half-made is left.
    """
    if not name[-1:].isdecimal():
        raise ValueError(f"{name!r} does not end in a number.")
    _refuse_not_finite(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    needed = sum(t.nbytes for group in tensors.values() for t in group.values()) + 2**20
    require_space(folder, needed)
    aside, replaced, path = folder / f"{ASIDE}{name}", folder / f"{REPLACED}{name}", folder / name
    _clear(folder)
    try:
        _write(aside, tensors, record)
        if path.exists():
            path.rename(replaced)
        aside.rename(path)
        _sync(folder)
    except (OSError, SafetensorError) as error:
        if is_disk_full(error):
            raise _disk_full(folder, needed) from error
        raise
    finally:
        _clear(folder)
    if _fault(path) is None:
        for old in _named(folder)[KEPT:]:
            shutil.rmtree(old)
    return path


def latest(folder: Path, told: Callable[[str], None] = lambda note: None) -> Checkpoint | None:
    """The newest checkpoint that is whole; None where there is none.

    Damaged ones are renamed to `NAME.damaged` and told; what a killed save left is removed.
    """
    if not folder.is_dir():
        return None
    _clear(folder)
    for path in _named(folder):
        fault = _fault(path)
        if fault is None:
            manifest = json.loads((path / MANIFEST).read_bytes())
            tensors = {
                Path(file).stem: load((path / file).read_bytes()) for file in manifest["files"]
            }
            return Checkpoint(manifest["record"], tensors, path)
        away = path.with_name(path.name + DAMAGED)
        shutil.rmtree(away, ignore_errors=True)
        path.rename(away)
        told(f"The checkpoint {path.name} is damaged ({fault}). It was set aside as {away.name}.")
    return None


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise `DiskFull` unless the disk that holds an existing folder has room for so many bytes."""
    if shutil.disk_usage(folder).free < needed_bytes:
        raise _disk_full(folder, needed_bytes)


def _write(aside: Path, tensors: dict[str, dict[str, torch.Tensor]], record: dict) -> None:
    """All files first, then all syncs at once, so that a busy disk commits them together."""
    aside.mkdir()
    files = {}
    for stem, group in tensors.items():
        path = aside / f"{stem}.safetensors"
        save_file({key: t.detach().contiguous() for key, t in group.items()}, path)
        files[path.name] = _seal(path)
    (aside / MANIFEST).write_bytes(_manifest(files, to_json(record)))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sync, [*aside.iterdir(), aside]))


def _manifest(files: dict[str, Any], record: Any) -> bytes:
    """One exact spelling, sealed with its own checksum, so that any changed byte shows."""
    content = {"files": files, "record": record}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    sealed = {**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(sealed, allow_nan=False, separators=(",", ":")).encode()


def _seal(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def _fault(path: Path) -> str | None:
    """What is wrong with a checkpoint, in a few words; None where it is whole."""
    try:
        text = (path / MANIFEST).read_bytes()
        manifest = json.loads(text)
        if text != _manifest(manifest["files"], manifest["record"]):
            return f"{MANIFEST} was changed"
        for name, seal in manifest["files"].items():
            if _seal(path / name) != seal:
                return f"{name} was changed or cut short"
    except OSError as error:
        return f"{Path(error.filename or path).name}: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST} is not readable"
    return None


def _clear(folder: Path) -> None:
    """Remove what a save that did not end has left; what it was to replace comes back."""
    for replaced in folder.glob(f"{REPLACED}*"):
        path = folder / replaced.name.removeprefix(REPLACED)
        if not path.exists():
            replaced.rename(path)
    for left in folder.glob(f"{ASIDE}*"):
        shutil.rmtree(left)


def _named(folder: Path) -> list[Path]:
    """The checkpoints of a folder, newest first; other folders may lie beside them."""
    paths = [
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name[-1].isdecimal() and not path.name.startswith(ASIDE)
    ]
    return sorted(paths, key=lambda path: _natural(path.name), reverse=True)


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _refuse_not_finite(tensors: dict[str, dict[str, torch.Tensor]]) -> None:
    for group in tensors.values():
        for name, tensor in group.items():
            # A sum is finite only if all are, and takes a tenth of the time; it may overflow.
            fine = not tensor.is_floating_point() or math.isfinite(tensor.sum().item())
            if not fine and not torch.isfinite(tensor).all():
                raise ValueError(f"{name} holds NaN or infinity; it was not saved.")


def _disk_full(folder: Path, needed_bytes: int) -> DiskFull:
    free = shutil.disk_usage(folder).free
    return DiskFull(
        f"There is no room for a checkpoint in {folder}: {free / 1e6:.0f} MB are free.",
        f"{needed_bytes / 1e6:.0f} MB are needed.",
        "Make room and give the same command again; it goes on from the last checkpoint.",
    )


def _sync(path: Path) -> None:
    if os.name == "nt":  # it has no way to sync a folder
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

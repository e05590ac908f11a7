"""`model.json`: what a saved model is, and how its parts are found again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.contracts import Task
from tunewell.endpoint import Endpoint
from tunewell.errors import ResourceError
from tunewell.fit import backbones
from tunewell.values import Backbone, Machine, ParameterCount, read_json, to_json, write_json


@dataclass(frozen=True)
class Record:
    """What every model that stands on a backbone says of itself."""

    method: str
    """Whose `load` reads the folder."""
    task: Task
    backbone: Backbone
    machine: Machine
    """Its dtype decides the answers; device and threads are those of today."""
    parameters: ParameterCount

    def write(self, folder: Path, **more: Any) -> None:
        """Write `model.json` into a folder that is there."""
        value = {
            "format": 1,
            "method": self.method,
            "task": self.task.to_json(),
            "backbone": to_json(self.backbone),
            "dtype": self.machine.dtype,
            "parameters": to_json(self.parameters),
        }
        write_json(folder / "model.json", {**value, **more})


def read_record(folder: Path, machine: Machine) -> tuple[Record, dict[str, Any]]:
    """The record of a saved model, and whatever else its `model.json` holds.

    A backbone that it needs is found again on this machine.
    """
    value = read_json(folder / "model.json")
    task = registry.task(value["task"]["name"]).from_json(value["task"])
    kept = value["backbone"]
    endpoint = Endpoint(**kept["endpoint"]) if kept.get("endpoint") else None
    backbone = Backbone(**{**kept, "folder": Path(kept["folder"]), "endpoint": endpoint})
    if value.get("body") != "own":
        backbone = found_again(backbone)
    machine = replace(machine, dtype=value["dtype"])
    parameters = ParameterCount(**value["parameters"])
    return Record(value["method"], task, backbone, machine, parameters), value


def found_again(backbone: Backbone) -> Backbone:
    """The same backbone on this machine; refused if its files are not the ones trained on."""
    if backbone.endpoint is not None:
        return backbone
    if backbone.folder.is_dir():
        files = [(path.name, path.stat()) for path in backbone.folder.iterdir() if path.is_file()]
        stamps = frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)
        if _fingerprint(backbone.folder.resolve(), stamps) == backbone.fingerprint:
            return backbone
    here = backbones.resolve(backbone.name)
    if here.fingerprint != backbone.fingerprint:
        raise ResourceError(
            f"The backbone {backbone.name!r} is not the one that this model was trained on.",
            f"Its fingerprint is {here.fingerprint[:12]}, not {backbone.fingerprint[:12]}.",
            "Bring back the files of that time, or train again.",
        )
    return replace(backbone, folder=here.folder)


@lru_cache(maxsize=8)
def _fingerprint(folder: Path, stamps: frozenset[tuple[str, int, int]]) -> str:
    """Of a folder whose files have these names, sizes and times; weights are large to read."""
    return backbones.fingerprint(folder)

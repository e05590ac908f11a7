"""The folder that a backbone's name means, and how that folder wants to be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.fit import earlier, hub, vet

POOLING_KEYS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last",
}
"""What sentence-transformers calls them in its own configuration."""


def find(name: str) -> Path:
    """The folder with the weights: the name of a folder, of an earlier run, or on the Hub.

    Raises:
        ResourceError: there is none.
        ConfigError: there is one, but it holds no whole model.
    """
    path = Path(name).expanduser()
    if (path / "comparison.json").is_file():
        return _recommended(path)
    if path.is_dir():
        return _whole_model(path, name)
    if path.exists():
        raise ConfigError(f"{name} is a file.", "Expected the folder of a model, or a Hub name.")
    return hub.locate(name, [str(p.parent) for p in path.parent.glob("*/config.json")])


def own_pooling(folder: Path) -> str | None:
    """How a model of ours or a sentence encoder pools, as it states it itself."""
    if (folder / "model.json").is_file():
        record = vet.read(folder, "model.json")
        # A head over tokens pools nothing: a text is read as the backbone was before.
        pooling = record["head"]["pooling"]
        return record["backbone"]["pooling"] if pooling == "tokens" else pooling
    modules = vet.read(folder, "modules.json") if (folder / "modules.json").is_file() else []
    for module in modules:
        if str(module["type"]).endswith("Pooling"):
            return _pooling(folder, vet.read(folder, f"{module['path']}/config.json"))
    return None


def own_length(folder: Path) -> int | None:
    """Tokens a row may have, as a model of ours or a sentence encoder states them."""
    if (folder / "model.json").is_file():
        return vet.read(folder, "model.json")["backbone"]["max_length"]
    if (folder / "sentence_bert_config.json").is_file():
        return vet.read(folder, "sentence_bert_config.json").get("max_seq_length")
    return None


def _pooling(folder: Path, modes: dict[str, Any]) -> str:
    on = [ours for key, ours in POOLING_KEYS.items() if modes.get(key)]
    if len(on) != 1:
        raise ConfigError(
            f"The sentence encoder in {folder} pools in a way that is not known here.",
            "Known: mean, cls and last.",
            "Choose the nearest with --pooling, for example --pooling mean.",
        )
    return on[0]


def _recommended(run: Path) -> Path:
    """The model folder of the trial that a run recommends."""
    comparison = vet.read(run, "comparison.json")
    for result in comparison["results"]:
        if result.get("folder") and result["name"] == comparison["recommended"]:
            return _whole_model(run / result["folder"] / "model", str(run))
    raise ConfigError(
        f"The run {run} recommends no model that could be a backbone.",
        "Expected a run whose recommended method trained the whole model.",
        "Give the backbone that it started from, or the folder of one of its models.",
    )


def _whole_model(folder: Path, name: str) -> Path:
    """The folder itself; of an adapter of ours that of the whole model; refused if it is a part."""
    if earlier.is_adapter(folder):
        return earlier.merged(folder)
    adapter = (folder / "adapter_config.json").exists()
    if (folder / "config.json").exists() or not (adapter or (folder / "model.json").exists()):
        return folder
    base = _base(folder)
    on = f" on top of {base}" if base else ""
    holds = "an adapter" if adapter else "output layers or a table"
    raise ConfigError(
        f"The model in {name} is {holds}{on}, and no backbone by itself.",
        "Expected a folder with all weights of a model, as the method `full` leaves it.",
        f"Use --backbone {base}, or a run of `full`." if base else "Use a run of `full`.",
    )


def _base(folder: Path) -> str:
    if (folder / "model.json").exists():
        backbone = vet.read(folder, "model.json").get("backbone")
        return str(backbone["name"]) if isinstance(backbone, dict) else ""
    return str(vet.read(folder, "adapter_config.json").get("base_model_name_or_path") or "")

"""What a model folder may ask for: nothing that runs code, reads elsewhere or fills the memory."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.fit.entries import allowed, names_a_file

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
)
CONFIG_BYTES, TABLE_BYTES, TOKENIZER_BYTES = 2**20, 2**24, 2**28
DEPTH = 12


def vet(folder: Path) -> dict[str, Any]:
    """The configuration of a model folder, without whatever could choose code to run.

    Remote code (`auto_map`) and the choice of an attention kernel are dropped, the latter only
    after it was found to be a known one. Nothing in the folder is executed.

    Raises:
        ConfigError: the folder holds no transformers model, or asks for something it may not.
    """
    config = _object(folder, "config.json", CONFIG_BYTES)
    weight_files(folder)
    tokenizer_config(folder)
    if "quantization_config" in config:
        raise ConfigError(
            f"{folder} holds quantized weights.",
            "Expected a backbone in full precision.",
            "Choose the model that it was made from.",
        )
    return allowed(config, folder / "config.json")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold the model's weights, in the order of their names.

    Raises:
        ConfigError: there are none, or the index names something that is not in the folder.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.exists():
        return [inside(folder, whole.name)]
    if index.exists():
        shards = _object(folder, index.name, TABLE_BYTES).get("weight_map")
        names = list(shards.values()) if isinstance(shards, dict) else []
        if not names or not all(isinstance(n, str) and _plain(n, ".safetensors") for n in names):
            raise ConfigError(
                f"{index} does not list safetensors files beside it.",
                remedy="Download the model again, or choose another.",
            )
        return [inside(folder, name) for name in sorted(set(names))]
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in PICKLES)
    if pickles:
        raise ConfigError(
            f"{folder} holds its weights as a pickle ({pickles[0]}), which can run code.",
            "Expected model.safetensors.",
            "Where you trust it, load it and call save_pretrained: that writes safetensors.",
        )
    raise ConfigError(
        f"{folder} holds no weights that are safe to load.",
        "Expected model.safetensors and config.json, as transformers writes them.",
        "Pickles are not loaded: where you trust one, save_pretrained makes safetensors of it.",
    )


def tokenizer_config(folder: Path) -> dict[str, Any] | None:
    """The vetted tokenizer_config.json; None where there is none."""
    if not (folder / "tokenizer_config.json").exists():
        return None
    config = _object(folder, "tokenizer_config.json", TABLE_BYTES)
    # Old folders name files on their author's machine; nothing needs them.
    config = {k: v for k, v in config.items() if k != "init_inputs" and not names_a_file(k)}
    templates = config.get("chat_template")
    if isinstance(templates, dict):
        names = list(templates)
    elif isinstance(templates, list):
        names = [t.get("name") if isinstance(t, dict) else t for t in templates]
    else:
        names = []
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,64}", name):
            raise ConfigError(
                f"{folder / 'tokenizer_config.json'} names a chat template {str(name)[:60]!r}.",
                "Expected a plain name, not a path.",
                "Don't use this folder, or remove the template.",
            )
    return allowed(config, folder / "tokenizer_config.json")


@contextmanager
def vetted_copy(folder: Path, *, tokenizer: bool) -> Iterator[Path]:
    """A temporary folder with the vetted config.json, on demand with the tokenizer's files.

    transformers reads this one, so it sees nothing that was not looked at.
    """
    with tempfile.TemporaryDirectory(prefix="tunewell-") as name:
        copy = Path(name)
        if (folder / "config.json").exists():
            _write(copy / "config.json", vet(folder))
        for file in TOKENIZER_FILES if tokenizer else ():
            if (folder / file).exists():
                shutil.copyfile(inside(folder, file, TOKENIZER_BYTES), copy / file)
        config = tokenizer_config(folder) if tokenizer else None
        if config is not None:
            _write(copy / "tokenizer_config.json", config)
        yield copy


def inside(folder: Path, name: str, most_bytes: int | None = None) -> Path:
    """A regular file of the folder; a link may lead no further than the Hub's own cache.

    Raises:
        ConfigError: it is missing, too large, not a file, or a link that leads outside.
    """
    path = folder / name
    if not path.exists():
        raise ConfigError(
            f"There is no {name} in {folder}.",
            "Expected a folder with config.json, model.safetensors and a tokenizer.",
        )
    root = folder.parent.parent if folder.parent.name == "snapshots" else folder
    if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f"{path} is not a file of that folder.",
            "Expected a file, or a link that stays inside.",
            "Copy the file itself there.",
        )
    if most_bytes is not None and path.stat().st_size > most_bytes:
        raise ConfigError(
            f"{path} is {path.stat().st_size / 2**20:.0f} MB.",
            f"Expected at most {most_bytes // 2**20} MB.",
        )
    return path


def read(folder: Path, name: str, most_bytes: int = TABLE_BYTES) -> Any:
    """A JSON file of an untrusted folder, bounded in size and depth."""
    path = inside(folder, name, most_bytes)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if _depth(value) > DEPTH:
            raise ValueError("nested too deeply")
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} cannot be read: {str(error)[:100]}.",
            "Expected plain JSON.",
            "Get the file again, or choose another model.",
        ) from None
    return value


def _object(folder: Path, name: str, most_bytes: int) -> dict[str, Any]:
    value = read(folder, name, most_bytes)
    if not isinstance(value, dict):
        raise ConfigError(f"{folder / name} holds no JSON object.", remedy="Get the file again.")
    return value


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_depth, children), default=0) if isinstance(value, (dict, list)) else 0


def _plain(name: str, suffix: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+", name)) and name.endswith(suffix)


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")

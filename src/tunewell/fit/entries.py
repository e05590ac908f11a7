"""What the entries of an untrusted configuration may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from tunewell.errors import ConfigError

ATTENTION = ("eager", "sdpa", "flash_attention_2")
DROPPED = re.compile(
    r"auto_map|_?attn_implementation\w*|_?experts_implementation\w*|\w*name_or_path"
    r"|transformers_weights|custom_pipelines|kernel_config|fusion_config|distributed_config"
    r"|backbone\w*|use_\w+_backbone"
)
FILE_KEY = re.compile(r"(^|_)(files?|paths?|folders?|dirs?|weights|filenames?)$")
BOUNDS = (
    (re.compile(r"vocab"), 10_000_000),
    (re.compile(r"position|length|window|ctx|seq"), 2**24),
    (re.compile(r"size|dim|embd|d_model|d_ff|d_kv|inner|width|labels"), 2**20),
    (re.compile(r"(layers?|depth|blocks?|stages?|groups?)$|_layers?_"), 512),
    (re.compile(r"head|expert"), 4096),
    (re.compile(r"^(num|n)_"), 2**20),
)
"""What a number's name says, and the most it may be: far above any published model."""


def allowed(value: dict[str, Any], path: Path) -> dict[str, Any]:
    """A configuration without the entries that could choose code to run.

    Raises:
        ConfigError: an entry names a kernel to fetch, a place outside, or an absurd size.
    """
    kept = {}
    for key, item in value.items():
        if key in ("id2label", "label2id"):  # its keys are the user's own words
            kept[key] = item
            continue
        _refuse_kernels(key, item, path)
        _refuse_places(key, item, path)
        _refuse_sizes(key, item, path)
        if DROPPED.fullmatch(key):
            continue
        kept[key] = _inside(item, path)
    return kept


def _inside(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return [_inside(item, path) for item in value]
    return allowed(value, path) if isinstance(value, dict) else value


def names_a_file(key: str) -> bool:
    """Whether a key's value is meant to be the name of a file or folder."""
    return bool(FILE_KEY.search(key))


def _refuse_kernels(key: str, item: Any, path: Path) -> None:
    if "attn_implementation" not in key:
        return
    for name in item.values() if isinstance(item, dict) else [item]:
        if isinstance(name, str) and name not in ATTENTION:
            raise ConfigError(
                f"{path} asks for the attention {name[:60]!r}, which would be fetched and run.",
                f"Expected one of {', '.join(ATTENTION)}.",
                f"Remove {key!r} from the file if you trust the rest.",
            )


def _refuse_places(key: str, item: Any, path: Path) -> None:
    if not names_a_file(key) or key.endswith("name_or_path"):
        return
    for name in _strings(item):
        parts = re.split(r"[/\\]", name)
        absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor
        if absolute or ".." in parts or name.startswith("~"):
            raise ConfigError(
                f"{path}: {key!r} points outside of the folder ({name[:60]!r}).",
                "Expected the name of a file in it.",
                "Don't use this folder, or remove that entry.",
            )


def _refuse_sizes(key: str, item: Any, path: Path) -> None:
    bound = next((most for pattern, most in BOUNDS if pattern.search(key)), None)
    if bound is None or key == "model_max_length":  # tokenizers write 1e30 for "no limit"
        return
    for number in item if isinstance(item, list) else [item]:
        counts = isinstance(number, (int, float)) and not isinstance(number, bool)
        if counts and not abs(number) <= bound:
            raise ConfigError(
                f"{path}: {key!r} is {number:.3g}.",
                f"Expected at most {bound}; no published model has more.",
            )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)

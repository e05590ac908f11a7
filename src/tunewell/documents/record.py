"""What an index says of itself in `index.json`, which is written last: it holds what is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunewell import __version__
from tunewell.errors import ConfigError
from tunewell.values import Backbone, fingerprint, read_json, to_json, write_json

FILE, TABLES = "index.json", "passages"


@dataclass(frozen=True)
class Settings:
    """What decides the passages of an index and their vectors."""

    backbone: str
    """Its Hub name, or the path of its folder."""
    fingerprint: str
    pooling: str
    max_length: int
    passage_tokens: int

    @property
    def table(self) -> str:
        """The table that holds what was made so; other settings never mix with it."""
        decides = {**to_json(self), "backbone": ""}
        return f"passages_{fingerprint(decides)[:16]}"


@dataclass(frozen=True)
class Record:
    """A whole index: which version of which table, made of which files."""

    source: str
    """The folder of the documents, from the root."""
    settings: Settings
    version: int
    passages: int
    files: Mapping[str, str]
    """Name -> SHA-256 of the bytes that its passages were read from."""

    def save(self, folder: Path) -> None:
        """Write it whole or not at all."""
        write_json(folder / FILE, {"tunewell": __version__, **to_json(self)})


def load_record(folder: Path) -> Record | None:
    """The record of the index in a folder; None where there is none yet.

    Raises:
        ConfigError: the folder holds something else.
    """
    path = folder / FILE
    if path.exists():
        kept = read_json(path)
        del kept["tunewell"]
        return Record(**{**kept, "settings": Settings(**kept["settings"])})
    others = [FILE + ".part", TABLES, ".lock", ".running"]
    if folder.is_dir() and any(entry.name not in others for entry in folder.iterdir()):
        raise ConfigError(
            f"{folder} holds something else than an index of documents.",
            "",
            "Choose another folder with --out.",
        )
    return None


def settle(
    folder: Path, before: Record | None, name: str | None, tokens: int | None
) -> tuple[Settings, Backbone]:
    """The settings of an index: as asked, else as it was made, else the usual ones.

    Args:
        folder: of the index.
        before: its record, if it was made before.
        name: the backbone that is asked for.
        tokens: the passage length that is asked for.

    Raises:
        ConfigError: the index was made with others.
    """
    from tunewell.fit.backbones import resolve

    kept = before.settings if before else None
    backbone = resolve(name or (kept.backbone if kept else None))
    local = Path(backbone.name).expanduser().exists()
    most = backbone.max_length * 3 // 4
    if tokens is not None and tokens > most:
        raise ConfigError(
            f"passage_tokens is {tokens}.",
            f"{backbone.name} reads {backbone.max_length} at once: at most {most} are expected.",
        )
    made = Settings(
        backbone=str(backbone.folder.resolve()) if local else backbone.name,
        fingerprint=backbone.fingerprint,
        pooling=backbone.pooling or "mean",
        max_length=backbone.max_length,
        passage_tokens=tokens or (kept.passage_tokens if kept else max(1, min(most, 192))),
    )
    if kept is not None:
        _refuse_other(folder, kept, made)
        made = replace(made, backbone=kept.backbone)
    return made, backbone


def _refuse_other(folder: Path, kept: Settings, asked: Settings) -> None:
    """Vectors of two models, or of two lengths, cannot be compared."""
    if kept.table == asked.table:
        return
    if kept.fingerprint != asked.fingerprint:
        same = kept.backbone == asked.backbone
        found = f"{kept.backbone}, which has changed since" if same else kept.backbone
        expected = "" if same else f"Now it is {asked.backbone}: their vectors cannot be compared."
    else:
        found = f"passages of {kept.passage_tokens} tokens"
        expected = f"Now they are to have {asked.passage_tokens}."
    raise ConfigError(
        f"The index in {folder} was made with {found}.",
        expected,
        f"Choose another folder with --out, or remove {folder} to make it anew.",
    )


def resolved(folder: Path, kept: Settings) -> Backbone:
    """The backbone that an index was made with.

    Raises:
        ConfigError: it has changed since.
        ResourceError: it is not there any more.
    """
    from tunewell.fit.backbones import resolve

    backbone = resolve(kept.backbone, max_length=kept.max_length)
    made: dict[str, Any] = {"fingerprint": backbone.fingerprint}
    _refuse_other(folder, kept, replace(kept, **made))
    return backbone

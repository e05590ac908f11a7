"""Backbones: found by name, vetted, and loaded from safetensors with remote code off."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.errors import ConfigError
from tunewell.fit import folders, hub, skeleton, vet
from tunewell.fit.skeleton import explained
from tunewell.values import Backbone

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

POOLINGS = ("mean", "cls", "last")
LENGTH = 512
"""Tokens a row may have where neither the user nor the model says less."""
DEFAULT_POOLING, DEFAULT_LENGTH = "mean", 256
"""Of the default backbone, also where only its weights were fetched."""
SPARE_BYTES = 2**28


def resolve(
    name: str | None, *, pooling: str | None = None, max_length: int | None = None
) -> Backbone:
    """Find a backbone and settle how it is used.

    Args:
        name: a Hub name, a folder, or an earlier run; None: the default sentence encoder.
        pooling: `mean`, `cls` or `last`; None: as a sentence encoder's own configuration says,
            else the architecture's own classification head.
        max_length: tokens a row may have; None: as the encoder says, else at most 512.

    Raises:
        ResourceError: there is no such backbone.
        ConfigError: it cannot be used (pickles, unknown code, absurd sizes), or `max_length` is
            above its window.
    """
    name = name or hub.DEFAULT
    if pooling not in (None, *POOLINGS):
        raise ConfigError(f"There is no pooling {pooling!r}.", f"Expected {', '.join(POOLINGS)}.")
    folder = folders.find(name)
    vet.vet(folder)
    with explained(name, "pooling configuration"):
        pooling = pooling or folders.own_pooling(folder)
        length = folders.own_length(folder)
    if name == hub.DEFAULT:
        pooling, length = pooling or DEFAULT_POOLING, length or DEFAULT_LENGTH
    backbone = Backbone(name, folder, fingerprint(folder), pooling, LENGTH)
    most = window(backbone)
    if max_length is not None and not 1 <= max_length <= most:
        raise ConfigError(
            f"max_length is {max_length}, but {name} reads at most {most} tokens.",
            f"Expected 1 to {most}.",
        )
    return replace(backbone, max_length=max_length or min(most, length or LENGTH))


def fingerprint(folder: Path) -> str:
    """SHA-256 over configuration, tokenizer files and weights, with their names."""
    names = ["config.json", *vet.TOKENIZER_FILES]
    paths = [folder / name for name in names if (folder / name).is_file()]
    whole = hashlib.sha256()
    for path in sorted([*paths, *folder.glob("*.safetensors")]):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {digest}\n".encode())
    return whole.hexdigest()


def load_tokenizer(backbone: Backbone, folder: Path | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer, padding and cutting on the right; without a pad token it pads with EOS.

    It tells which of two texts a token is of where the backbone learnt to ask for it.

    Args:
        folder: where its files lie, if not with the backbone.
    """
    tokenizer = _read_tokenizer(backbone, folder or backbone.folder)
    config = load_config(backbone) if (backbone.folder / "config.json").exists() else None
    words = getattr(config, "vocab_size", None) or len(tokenizer)
    if config is not None:
        types = ["token_type_ids"] if (getattr(config, "type_vocab_size", None) or 0) > 1 else []
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = names + types
    if tokenizer.pad_token is None or tokenizer.pad_token_id >= words:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        raise ConfigError(
            f"The tokenizer of {backbone.name} has no token to fill up rows with.",
            "Expected a pad_token or an eos_token in tokenizer_config.json.",
        )
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    tokenizer.model_max_length = backbone.max_length
    return tokenizer


def load_config(
    backbone: Backbone, *, dropout: float | None = None, **changes: Any
) -> PreTrainedConfig:
    """A vetted configuration of one's own: changing it changes no other model's.

    Args:
        dropout: for every dropout field that the architecture has, found by name; None leaves
            them. Attention dropout is always 0, so that the fused kernel runs.
        changes: other fields, such as `num_labels`.
    """
    from transformers import AutoConfig

    vet.inside(backbone.folder, "config.json")
    with (
        vet.vetted_copy(backbone.folder, tokenizer=False) as copy,
        explained(backbone.name, "configuration"),
    ):
        config = AutoConfig.from_pretrained(copy, trust_remote_code=False, local_files_only=True)
    config.name_or_path = whereabouts(backbone)
    _set_dropout(config, dropout)
    for key, value in changes.items():
        setattr(config, key, value)
    return config


def load_model(
    backbone: Backbone,
    auto_class: str = "AutoModel",
    *,
    dropout: float | None = None,
    **config_changes: Any,
) -> PreTrainedModel:
    """The model in float32 with fused attention, its weights read from safetensors.

    Where the backbone is to be in few `bits`, the matrices of its layers are so kept.

    A head that the files lack is made new from torch's random state; one that they have stays,
    unless it was trained for other labels (`id2label`). `fresh_head` of the model holds the names
    of what was made new in it, `fresh_parameters` of what else was. `AutoModel` of an
    encoder-decoder is its encoder alone.

    Args:
        auto_class: a class of transformers: `AutoModel`, `AutoModelForSequenceClassification`, …
        dropout, config_changes: as for `load_config`.

    Raises:
        ConfigError: the weights do not fit the configuration.
        ResourceError: it is to be in few bits, and bitsandbytes is missing.
    """
    import torch
    from safetensors.torch import load_file

    from tunewell.fit import quantised
    from tunewell.fit.packing import pack

    config = load_config(backbone, dropout=dropout)
    labels = dict(config.id2label)
    for key, value in config_changes.items():
        setattr(config, key, value)
    bones = _bones(backbone, config, auto_class)
    state: dict[str, torch.Tensor] = {}
    read = load_file if backbone.bits is None else quantised.tensors_apart
    for file in vet.weight_files(backbone.folder):
        with explained(backbone.name, file.name):
            state.update(read(file))
    head = skeleton.head_keys(bones)
    if type(bones).__name__ in (config.architectures or []) and labels != config.id2label:
        state = {key: tensor for key, tensor in state.items() if key not in head}
    with silent(), explained(backbone.name, "weights"):
        model, info = type(bones).from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=torch.float32 if backbone.bits is None else quantised.dtype_of(state),
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    skeleton.refuse_gaps(backbone.name, head, info)
    if backbone.bits is not None:
        del state
        quantised.quantise(model, backbone.bits)
    model.fresh_parameters = frozenset(info["missing_keys"]) - head
    model.fresh_head = frozenset(info["missing_keys"]) & head
    for part in (model, model.base_model, model.config):
        part.name_or_path = config.name_or_path
    if not skeleton.padding_offset(bones):  # where it is not also a place to count from
        model.config.pad_token_id = load_tokenizer(backbone).pad_token_id
    kept = f"{backbone.fingerprint} {backbone.bits}"
    pack(skeleton.reader(model), backbone.max_length, kept)
    return model


def reading_class(backbone: Backbone) -> str:
    """The class of transformers that `AutoModel` stands for: itself, or that of encoders alone."""
    return skeleton.reading_class(load_config(backbone))


def _read_tokenizer(backbone: Backbone, folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer as it lies there."""
    from transformers import AutoTokenizer

    with (
        vet.vetted_copy(folder, tokenizer=True) as copy,
        explained(backbone.name, "tokenizer"),
    ):
        tokenizer = AutoTokenizer.from_pretrained(
            copy, trust_remote_code=False, local_files_only=True
        )
    tokenizer.name_or_path = tokenizer.init_kwargs["name_or_path"] = whereabouts(backbone)
    return tokenizer


def _bones(backbone: Backbone, config: PreTrainedConfig, auto_class: str) -> PreTrainedModel:
    """The model's skeleton, refused where it would take far more memory than its files hold."""
    bones = skeleton.build(backbone.name, config, auto_class)
    needed = skeleton.float32_bytes(bones)
    there = sum(file.stat().st_size for file in vet.weight_files(backbone.folder))
    if needed > 8 * there + SPARE_BYTES:
        raise ConfigError(
            f"The configuration of {backbone.name} asks for {needed / 1e9:.3g} GB of weights.",
            f"Expected about {there / 1e9:.2g} GB, as its files hold.",
            "Download the model again, or choose another.",
        )
    return bones


def window(backbone: Backbone) -> int:
    """Most tokens that it reads at once."""
    bones = _bones(backbone, load_config(backbone), "AutoModel")
    return skeleton.window(bones, _read_tokenizer(backbone, backbone.folder))


def whereabouts(backbone: Backbone) -> str:
    """How others find the backbone again: its Hub name, or the folder it lies in."""
    local = backbone.name == hub.EMBEDDED or Path(backbone.name).expanduser().exists()
    return str(backbone.folder.resolve()) if local else backbone.name


def _set_dropout(config: PreTrainedConfig, dropout: float | None) -> None:
    """Set probabilities of dropping units; whole layers (LayerDrop, drop path) stay as they are."""
    from transformers import PreTrainedConfig

    for name, value in list(vars(config).items()):
        if isinstance(value, PreTrainedConfig):
            _set_dropout(value, dropout)
        elif "drop" not in name or "layerdrop" in name or "drop_path" in name:
            continue
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if "att" in name:
                setattr(config, name, 0.0)
            elif dropout is not None:
                setattr(config, name, dropout)


@contextmanager
def silent() -> Iterator[None]:
    """No progress bar and no report of a new head, which is no news; other warnings stay."""
    from transformers.utils import logging as transformers_logging

    def keep(record: logging.LogRecord) -> bool:
        told = record.getMessage()  # of a new head, of which some weights are shared
        return "LOAD REPORT" not in told and "tied weights mapping" not in told

    logger = logging.getLogger("transformers.modeling_utils")
    bars = transformers_logging.is_progress_bar_enabled()
    logger.addFilter(keep)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        logger.removeFilter(keep)
        if bars:
            transformers_logging.enable_progress_bar()

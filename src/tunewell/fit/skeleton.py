"""A model without its weights: names and shapes on the meta device, before anything is loaded."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunewell.errors import ConfigError, UserError

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedConfig, PreTrainedModel

MODULES = 20_000
"""Most modules that a model may consist of; published ones have some hundreds to thousands."""


@contextmanager
def explained(name: str, part: str) -> Iterator[None]:
    """Turn whatever a library raises over a folder that it cannot use into a ConfigError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        text = (str(error).splitlines() or [""])[0][:200]
        raise ConfigError(
            f"The {part} of {name} cannot be used ({type(error).__name__}: {text}).",
            "Expected a model of a kind that transformers knows without code of its own.",
            "Choose another backbone, or a newer transformers.",
        ) from error


def build(name: str, config: PreTrainedConfig, auto_class: str) -> PreTrainedModel:
    """The model that a configuration describes; takes no memory for its tensors.

    Raises:
        ConfigError: transformers has no such model, or the configuration makes no sense.
    """
    import torch
    import transformers
    from torch.nn.modules.module import register_module_module_registration_hook

    made = itertools.count(1)

    def bounded(parent: nn.Module, key: str, child: nn.Module) -> None:
        if next(made) > MODULES:
            raise ConfigError(f"The configuration of {name} asks for over {MODULES} modules.")

    hook = register_module_module_registration_hook(bounded)
    try:
        with torch.device("meta"), explained(name, "configuration"):
            name_of_class = reading_class(config) if auto_class == "AutoModel" else auto_class
            auto = getattr(transformers, name_of_class)
            model = auto.from_config(config, trust_remote_code=False)
    finally:
        hook.remove()
    if model.main_input_name != "input_ids":
        raise ConfigError(
            f"{name} reads {model.main_input_name}, not text.",
            "Expected a language model.",
        )
    return model


def reading_class(config: PreTrainedConfig) -> str:
    """The class of transformers that reads a text: of an encoder-decoder, the encoder alone."""
    from transformers import AutoModel, AutoModelForTextEncoding

    whole = AutoModel._model_mapping.get(type(config), None)
    whole = whole[0] if isinstance(whole, tuple) else whole
    two = whole and "decoder_input_ids" in inspect.signature(whole.forward).parameters
    alone = two and type(config) in AutoModelForTextEncoding._model_mapping
    return "AutoModelForTextEncoding" if alone else "AutoModel"


def reader(model: PreTrainedModel) -> nn.Module:
    """The part without a head that reads; of an encoder-decoder that writes, the encoder."""
    two = model.config.is_encoder_decoder and model.can_generate()
    return model.get_encoder() if two else model.base_model


def float32_bytes(model: nn.Module) -> int:
    """What the tensors of a skeleton would take, parameters in float32."""
    parameters = sum(p.numel() for p in model.parameters())
    return 4 * parameters + sum(b.nbytes for b in model.buffers())


def head_keys(model: PreTrainedModel) -> set[str]:
    """Names of the tensors outside of the pretrained part."""
    if model.base_model is model:
        return set()
    return {k for k in model.state_dict() if not k.startswith(f"{model.base_model_prefix}.")}


def refuse_gaps(name: str, head: set[str], info: dict[str, Any]) -> None:
    """Only a head and a pooler may be new: everything else must come from the files."""
    wrong = {key for key, *_ in info["mismatched_keys"] if key not in head}
    gaps = {k for k in info["missing_keys"] if k not in head and "pooler" not in k.split(".")}
    faults = sorted(gaps | wrong) + list(info["error_msgs"])
    if faults:
        raise ConfigError(
            f"The weights of {name} do not fit its configuration.",
            f"{len(faults)} tensors are missing or have another shape, such as {faults[0][:80]}.",
            "Download the model again, or choose another.",
        )


def padding_offset(model: nn.Module) -> int:
    """Positions that are lost to padding: RoBERTa's kin count from the pad token's id plus one."""
    from torch import nn

    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding) and "position" in name.rpartition(".")[2]:
            return 0 if module.padding_idx is None else module.padding_idx + 1
    return 0


def window(model: PreTrainedModel, tokenizer: Any) -> int:
    """Most tokens that a model reads at once; a huge number where nothing limits them."""
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        return positions - padding_offset(model)
    return int(tokenizer.model_max_length)

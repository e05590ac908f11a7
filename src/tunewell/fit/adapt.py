"""peft's modules on any model, with targets found by structure and the head saved.

peft's own defaults know some architectures by name and others not at all, put updates on new
heads, and lose heads that are not named to it; so both lists are passed explicitly.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from tunewell.errors import NotApplicable
from tunewell.fit import anatomy, quantised


def peft() -> Any:
    """The library; where bitsandbytes is installed it imports that, which comes first, cheaply."""
    quantised.import_first()
    return importlib.import_module("peft")


def wrapped(module: nn.Module, config: Any) -> Any:
    """A module with peft's around it."""
    with _between_libraries():
        return peft().get_peft_model(module, config)


def opened(module: nn.Module, folder: Path) -> Any:
    """A module with what peft saved in a folder around it."""
    with _between_libraries():
        return peft().PeftModel.from_pretrained(module, str(folder))


@contextmanager
def _between_libraries() -> Iterator[None]:
    """Without the warning that peft still asks transformers for a name that is to go."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def with_peft(model: nn.Module, config: Callable[[list[str], str], Any]) -> nn.Module:
    """A model with peft's modules in its body and its head trainable.

    Args:
        model: a classifier, ours (pooled) or the architecture's own.
        config: makes peft's configuration from the target modules and the peft task type.

    Raises:
        NotApplicable: the layers of the body hold no linear ones.
    """
    if hasattr(model, "pooling"):
        made = _with_targets(config(anatomy.linear_names(model.backbone), "FEATURE_EXTRACTION"))
        made.fan_in_fan_out = anatomy.transposed(model)
        model.backbone = wrapped(model.backbone, made)
        return model
    made = _with_targets(config(anatomy.linear_names(model), _task_type(model)))
    made.fan_in_fan_out = anatomy.transposed(model)
    fresh = {name.rpartition(".")[0] for name in anatomy.fresh(model)}
    made.modules_to_save = [*anatomy.head_modules(model), *sorted(fresh)] or None
    return wrapped(model, made)


def with_lora(model: nn.Module, rank: int, alpha: int, dropout: float) -> nn.Module:
    """A model with low-rank updates, scaled by alpha / rank, beside each linear layer."""
    return with_peft(
        model,
        lambda targets, task_type: peft().LoraConfig(
            r=rank,
            lora_alpha=alpha,
            lora_dropout=dropout,
            target_modules=targets,
            task_type=task_type,
        ),
    )


def _task_type(model: nn.Module) -> str:
    """What peft calls what a stock model does."""
    if not anatomy.writes(model):
        return "SEQ_CLS"
    if not model.can_generate():  # type: ignore[operator]
        return "FEATURE_EXTRACTION"  # of filling in words it knows nothing
    two = model.config.is_encoder_decoder  # type: ignore[union-attr]
    return "SEQ_2_SEQ_LM" if two else "CAUSAL_LM"


def _with_targets(config: Any) -> Any:
    if not config.target_modules:
        raise NotApplicable("this backbone's layers hold no linear layers that could be changed")
    return config


def load_peft(model: nn.Module, folder: Path) -> nn.Module:
    """A classifier with the modules that peft saved in a folder."""
    if not hasattr(model, "pooling"):
        return opened(model, folder)
    model.backbone = opened(model.backbone, folder)
    return model


def merged(model: nn.Module) -> nn.Module:
    """A classifier without peft's modules, their updates added to the weights that they stand by.

    The model that is given is used up. Virtual tokens are no update of a weight; they stay.
    Quantised matrices become whole before.
    """
    quantised.whole(model)
    if hasattr(model, "merge_and_unload"):
        return model.merge_and_unload()
    owner, name = anatomy.place_of_body(model)
    carrier = getattr(owner, name)
    if hasattr(carrier, "merge_and_unload") and not hasattr(carrier, "prompt_encoder"):
        setattr(owner, name, carrier.merge_and_unload())
    return model

"""peft's modules on any model, with targets found by structure and the head saved.

peft's own defaults know some architectures by name and others not at all, put updates on new
heads, and lose heads that are not named to it; so both lists are passed explicitly.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from tunewell.fit import anatomy


def with_peft(model: nn.Module, config: Callable[[list[str], str], Any]) -> nn.Module:
    """A model with peft's modules in its body and its head trainable.

    Args:
        model: a classifier, ours (pooled) or the architecture's own.
        config: makes peft's configuration from the target modules and the peft task type.
    """
    from peft import get_peft_model

    if hasattr(model, "pooling"):
        made = config(anatomy.linear_names(model.backbone), "FEATURE_EXTRACTION")
        made.fan_in_fan_out = anatomy.transposed(model)
        model.backbone = get_peft_model(model.backbone, made)
        return model
    made = config(anatomy.linear_names(model), "SEQ_CLS")
    made.fan_in_fan_out = anatomy.transposed(model)
    fresh = {name.rpartition(".")[0] for name in anatomy.fresh(model)}
    made.modules_to_save = [*anatomy.head_modules(model), *sorted(fresh)]
    return get_peft_model(model, made)


def load_peft(model: nn.Module, folder: Path) -> nn.Module:
    """A classifier with the modules that peft saved in a folder."""
    from peft import PeftModel

    if not hasattr(model, "pooling"):
        return PeftModel.from_pretrained(model, str(folder))
    model.backbone = PeftModel.from_pretrained(model.backbone, str(folder))
    return model

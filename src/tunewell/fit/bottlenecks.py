"""Small two-layer modules behind linear layers, and the files that put them back.

`bottlenecks.json` says behind which layers they stand and how they are built,
`bottlenecks.safetensors` holds their weights (arXiv 1902.00751, figure 2).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tunewell.fit import anatomy
from tunewell.values import read_json, write_json

RECORD, WEIGHTS = "bottlenecks.json", "bottlenecks.safetensors"
START = 1e-2
"""Standard deviation of new weights, so that a new module adds next to nothing."""


class Bottleneck(nn.Module):
    """Down to a few units, GELU, and up again; what it gives is added to what it got."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        for linear in (self.down, self.up):
            nn.init.trunc_normal_(linear.weight, std=START, a=-2 * START, b=2 * START)
            nn.init.zeros_(linear.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """What to add to `hidden` (..., width)."""
        return self.up(nn.functional.gelu(self.down(hidden)))


def attach(model: nn.Module, names: Iterable[str], size: int) -> nn.Module:
    """Put a bottleneck behind each of these linear layers of the body; they move, the body not.

    Args:
        names: full names inside the body.
        size: units in the middle.
    """
    inner = anatomy.body(anatomy.freeze_body(model))
    for name in names:
        linear = inner.get_submodule(name)
        width = linear.out_features if isinstance(linear, nn.Linear) else linear.nf
        linear.bottleneck = Bottleneck(width, size).to(linear.weight.device)
        linear.register_forward_hook(_add)
    return model


def _add(linear: nn.Module, args: Any, output: Tensor) -> Tensor:
    return output + linear.bottleneck(output)


def attached(model: nn.Module) -> dict[str, Bottleneck]:
    """The bottlenecks of a model by the name of the layer that they stand behind."""
    return {
        name.removesuffix(".bottleneck"): module
        for name, module in anatomy.body(model).named_modules()
        if isinstance(module, Bottleneck)
    }


def save(model: nn.Module, folder: Path) -> None:
    """Write both files."""
    found = attached(model)
    size = next(iter(found.values())).down.out_features
    write_json(folder / RECORD, {"format": 1, "size": size, "behind": list(found)})
    tensors = {
        f"{name}.{key}": tensor.contiguous()
        for name, module in found.items()
        for key, tensor in module.state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS)


def load(model: nn.Module, folder: Path) -> nn.Module:
    """Put the bottlenecks back that `save` wrote."""
    record = read_json(folder / RECORD)
    attach(model, record["behind"], record["size"])
    tensors = load_file(folder / WEIGHTS)
    with torch.no_grad():
        for name, module in attached(model).items():
            for key, value in module.state_dict().items():
                value.copy_(tensors[f"{name}.{key}"])
    return model

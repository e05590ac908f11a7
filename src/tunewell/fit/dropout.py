"""Dropout whose random numbers cost less on a CPU: 16 bits for each unit, not a whole draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MethodType

import torch
from torch import Tensor, nn

BITS = 16


def draw_less(model: nn.Module) -> None:
    """Have every dropout of a model draw a quarter of a random number for each unit.

    The probability is rounded to a 65,536th; on other devices nothing changes.
    """
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.forward = MethodType(_dropped, module)  # type: ignore[method-assign]


def _dropped(module: nn.Dropout, hidden: Tensor) -> Tensor:
    cut = round(module.p * 2**BITS)
    if not module.training or not cut or cut == 2**BITS or hidden.device.type != "cpu":
        return nn.functional.dropout(hidden, module.p, module.training)
    return hidden * factors(module.p, hidden.shape, hidden.dtype)


def factors(
    p: float, shape: Sequence[int], dtype: torch.dtype, generator: torch.Generator | None = None
) -> Tensor:
    """What units of a shape are multiplied by on a CPU: 0 with probability p, else 1 / (1 - p).

    Args:
        p: more than 0 and less than 1, by a 65,536th at least.
        generator: what is drawn from; None: torch's own for the CPU.
    """
    cut, units = round(p * 2**BITS), math.prod(shape)
    drawn = torch.empty(-(-units // 4), dtype=torch.int64)
    drawn.random_(-(2**63), None, generator=generator)
    bits = drawn.view(torch.int16)[:units].view(*shape)
    kept = (bits >= cut - 2 ** (BITS - 1)).to(dtype)
    return kept.mul_(2**BITS / (2**BITS - cut))

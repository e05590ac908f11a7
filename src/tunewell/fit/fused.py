"""Norms and gated layers of decoders by liger-kernel's kernels, on a GPU where it is installed.

Hsu et al., "Liger Kernel" (arXiv 2410.10989). Only modules of the model at hand change, not the
classes of transformers, and only those that say by the kernel what they said without it. The
loss over words is computed in pieces everywhere (`fit.vocabulary`).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tunewell.fit.tensors import is_out_of_memory

CLOSE = 1e-4
"""Share of the largest value by which outputs and gradients may differ, in float32."""
TRIED = 5
"""Tokens on which a module is tried."""


class Kernels(NamedTuple):
    """Functions that stand for several of torch's."""

    norm: Callable[[Tensor, Tensor, float], Tensor]
    """RMS norm (arXiv 1910.07467) of states (..., width) by weights (width,) and an epsilon."""
    gate: Callable[[Tensor, Tensor], Tensor]
    """SiLU of the first times the second (arXiv 2002.05202), both (..., width)."""


def ligers() -> Kernels | None:
    """Those of liger-kernel; None where it is not installed."""
    if find_spec("liger_kernel") is None:
        return None
    from liger_kernel.transformers.functional import liger_rms_norm, liger_swiglu

    def norm(states: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        # In place, gradients would go where those of the residual stream lie, which others read.
        return liger_rms_norm(states, weight, epsilon, in_place=False)

    return Kernels(norm, liger_swiglu)


def fuse(
    model: nn.Module,
    kernels: Kernels | None = None,
    told: Callable[[str], None] = lambda note: None,
) -> int:
    """Have the modules of a model that kernels can stand for run by them; how many they are.

    Args:
        model: where it will run; on a CPU nothing changes unless `kernels` are given.
        kernels: None: liger-kernel's, where they are.
        told: is given a sentence on each kernel that does not run here.
    """
    device = next(model.parameters()).device
    if kernels is None and device.type == "cuda":
        kernels = ligers()
    if kernels is None:
        return 0
    ways = {_is_norm: _by_norm(kernels), _is_gated: _by_gate(kernels)}
    found = [
        (module, way)
        for module in model.modules()
        for fits, way in ways.items()
        if fits(module) and "forward" not in vars(module)
    ]
    tried: dict[Any, bool] = {}
    for module, way in found:
        kind = (type(module), way)
        if kind not in tried:
            try:
                tried[kind] = _agrees(module, way, device)
            except Exception as error:  # compilers of kernels have errors of their own
                if is_out_of_memory(error):
                    raise
                tried[kind] = False
                why = f"{type(error).__name__}: {error}".splitlines()[0][:120]
                told(f"{type(module).__name__} runs without liger-kernel ({why})")
        if tried[kind]:
            module.forward = MethodType(way, module)
    return sum(tried[type(module), way] for module, way in found)


def _is_norm(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    alone = len(list(module.parameters())) == 1 and isinstance(weight, Tensor) and weight.dim() == 1
    return alone and hasattr(module, "variance_epsilon")


def _is_gated(module: nn.Module) -> bool:
    parts = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    return all(isinstance(part, nn.Module) for part in parts)


def _by_norm(kernels: Kernels) -> Callable[[Any, Tensor], Tensor]:
    def forward(module: Any, hidden: Tensor) -> Tensor:
        return kernels.norm(hidden, module.weight, module.variance_epsilon)

    return forward


def _by_gate(kernels: Kernels) -> Callable[[Any, Tensor], Tensor]:
    def forward(module: Any, hidden: Tensor) -> Tensor:
        return module.down_proj(kernels.gate(module.gate_proj(hidden), module.up_proj(hidden)))

    return forward


def _agrees(module: Any, way: Callable[[Any, Tensor], Tensor], device: torch.device) -> bool:
    """Whether a module says by a kernel what it says without, and hands on the same gradients."""
    chance = torch.Generator().manual_seed(0)
    training = module.training
    module.eval()
    found = []
    try:
        width = len(module.weight) if _is_norm(module) else module.gate_proj.in_features
        hidden = torch.randn(1, TRIED, width, generator=chance).to(device)
        for run in (way, type(module).forward):
            with torch.enable_grad():
                given = hidden.clone().requires_grad_()
                output = run(module, given)
                spread = torch.linspace(-1, 1, output.numel(), device=device).view(output.shape)
                slope = torch.autograd.grad((output * spread).sum(), given)[0]
            found.append([output.detach(), slope])
    finally:
        module.train(training)
    return all(
        float((one - other).abs().max()) <= CLOSE * float(other.abs().max())
        for one, other in zip(*found, strict=True)
    )

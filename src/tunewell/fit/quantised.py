"""Linear layers whose matrices are kept in 4 or 8 bits and read as whole ones to multiply with.

4 bits: NormalFloat in blocks of 64, whose scales are quantised again (arXiv 2305.14314, section
3). 8 bits: whole numbers with a scale a row (arXiv 2208.07339, section 2). The codes are those of
bitsandbytes; products are ours, as its layers also round what comes in, so that merged weights
would answer otherwise and a row would depend on the rows beside it.
"""

from __future__ import annotations

import importlib
import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from tunewell.errors import ResourceError
from tunewell.fit import anatomy
from tunewell.memory import return_freed

INSTALL = "pip install 'tunewell[quantised]'"
BLOCK = 64
"""Numbers that share a scale in 4 bits."""


class QuantisedLinear(nn.Linear):
    """A linear layer that stands still, its matrix (out, in) in 4 or 8 bits.

    Args:
        linear: the layer that it takes the place of, a `Linear` or a `Conv1D`.
    """

    def __init__(self, linear: nn.Module, bits: int) -> None:
        nn.Module.__init__(self)  # that of Linear would make a matrix
        whole = _matrix(linear)
        self.out_features, self.in_features = whole.shape
        self.bits, self.turned = bits, not isinstance(linear, nn.Linear)
        self.bias = linear.bias
        codes, self._scales = _encoded(whole, bits)
        self.register_buffer("codes", codes)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """The matrix (out, in) in float32, made anew each time."""
        return _decoded(self.codes, self._scales, self.bits)

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        return _Product.apply(input, self)


class _Product(torch.autograd.Function):
    """A product whose matrix is decoded again on the way back, not kept until then."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, layer: QuantisedLinear) -> Tensor:
        ctx.layer = layer
        return nn.functional.linear(given, layer.weight, layer.bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return gradient @ ctx.layer.weight.to(gradient.dtype), None


def tensors_apart(file: Path) -> dict[str, Tensor]:
    """What a safetensors file holds, each tensor let go of alone when it is no longer used."""
    with safe_open(file, "pt") as opened:
        names = list(opened.keys())
    found = {}
    for name in names:
        with safe_open(file, "pt") as opened:  # tensors of one opening all stay while one is used
            found[name] = opened.get_tensor(name)
    return found


def dtype_of(state: dict[str, Tensor]) -> torch.dtype:
    """What all numbers of a state are in, so that none is copied before it is quantised.

    float32 where they are not all alike.
    """
    kinds = {tensor.dtype for tensor in state.values() if tensor.is_floating_point()}
    return kinds.pop() if len(kinds) == 1 else torch.float32


def require() -> None:
    """A ResourceError that says what to install, where bitsandbytes is not there."""
    if find_spec("bitsandbytes") is None:
        raise ResourceError("The package bitsandbytes is missing.", "", f"Install it: {INSTALL}")


def quantise(model: nn.Module, bits: int) -> nn.Module:
    """Quantise the linear layers inside the stack of layers, one after the other.

    Embeddings, norms, what is new and the output layers are in float32, whatever they were in.

    Raises:
        ResourceError: bitsandbytes is missing.
    """
    require()
    for name in anatomy.linear_names(model):
        model.set_submodule(name, QuantisedLinear(model.get_submodule(name), bits))
        return_freed()  # what is freed in between has holes that the next matrix does not fit into
    return model.float()


def whole(model: nn.Module) -> nn.Module:
    """The model with float32 matrices that are what the quantised ones stand for.

    Each lies as its architecture has it, and what peft has beside it is told so.
    """
    from transformers.pytorch_utils import Conv1D

    for name, layer in quantised_layers(model).items():
        wide, deep = layer.in_features, layer.out_features
        with torch.device("meta"):
            linear = Conv1D(deep, wide) if layer.turned else nn.Linear(wide, deep)
        matrix = layer.weight.T.contiguous() if layer.turned else layer.weight
        linear.weight = nn.Parameter(matrix, requires_grad=False)
        linear.bias = layer.bias
        model.set_submodule(name, linear)
        beside = model.get_submodule(name.rpartition(".")[0])
        if hasattr(beside, "fan_in_fan_out"):
            beside.fan_in_fan_out = layer.turned
    return model


def quantised_layers(model: nn.Module) -> dict[str, QuantisedLinear]:
    """Layers in few bits, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, QuantisedLinear)}


def size(model: nn.Module) -> int:
    """How many numbers a model has, those in few bits among them."""
    few = sum(layer.in_features * layer.out_features for layer in quantised_layers(model).values())
    return few + sum(p.numel() for p in model.parameters())


def _matrix(linear: nn.Module) -> Tensor:
    """Weights (out, in); GPT-2's Conv1D keeps them the other way."""
    weight: Any = linear.weight.detach().float()  # type: ignore[operator]
    return weight if isinstance(linear, nn.Linear) else weight.T.contiguous()  # type: ignore[operator]


def _encoded(matrix: Tensor, bits: int) -> tuple[Tensor, Any]:
    functional = _functional()
    if bits == 8:
        codes, scales, _ = functional.int8_vectorwise_quant(matrix)
        return codes, scales
    return functional.quantize_4bit(
        matrix, blocksize=BLOCK, compress_statistics=True, quant_type="nf4"
    )


def _decoded(codes: Tensor, scales: Any, bits: int) -> Tensor:
    functional = _functional()
    if bits == 8:
        return functional.int8_vectorwise_dequant(codes, scales.to(codes.device))
    if scales.code.device != codes.device:
        scales.to(codes.device)
    return functional.dequantize_4bit(codes, scales)


def import_first() -> None:
    """Import bitsandbytes, where it is, before peft does.

    As it comes it has four functions compiled that are not used here, which takes a second and
    46 MB, and advises to install kernels that are not either.
    """
    if "bitsandbytes" in sys.modules or find_spec("bitsandbytes") is None:
        return
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    compiled = torch.compile
    torch.compile = _as_it_is
    try:
        importlib.import_module("bitsandbytes")
    finally:
        torch.compile = compiled


def _as_it_is(function: Any = None, **options: Any) -> Any:
    return function if function is not None else lambda later: later


def _functional() -> Any:
    import_first()
    from bitsandbytes import functional

    return functional

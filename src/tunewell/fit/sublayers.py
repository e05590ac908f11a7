"""What the parts of a body do, found by running three tokens through it and watching."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tunewell.fit import anatomy

TOKENS = 3


@dataclass(frozen=True)
class Sublayers:
    """Linear layers by what they do, in every layer; full names inside the body."""

    keys_and_values: tuple[str, ...]
    """What other positions read; where one matrix makes queries too, that one."""
    attention_outputs: tuple[str, ...]
    mlp_outputs: tuple[str, ...]


def sublayers(body: nn.Module) -> Sublayers:
    """The linear layers of a body by what they do; one that is not linear is left out.

    Inside a layer, what runs before the attention's softmax makes queries, keys and values; the
    first one after it is the attention's output, the last one the output of the MLP. A decoder's
    attention to what an encoder read is left as it is.
    """
    found = [_of(body, name, stack) for name, stack in anatomy.all_layers(body).items()]
    return Sublayers(*(tuple(chain(*names)) for names in zip(*found, strict=True)))


def _of(body: nn.Module, stack_name: str, stack: nn.ModuleList) -> tuple[tuple[str, ...], ...]:
    """The fields of `Sublayers` of one stack of layers."""
    before, after = _order(body, stack[0])
    attention = after[:1] if before else []
    mlp = after[-1:] if len(after) > len(attention) else []
    read = [name for name in before if _others_read(body, stack[0], name)]

    def everywhere(names: list[str]) -> tuple[str, ...]:
        return tuple(f"{stack_name}.{i}.{name}" for i in range(len(stack)) for name in names)

    return everywhere(read), everywhere(attention), everywhere(mlp)


def after_layers(body: nn.Module) -> list[nn.Module]:
    """Modules with parameters that first run when the last layer is done: a norm, a pooler."""
    _, stack = anatomy.layers(body)
    done, early, late = [], [], []

    def ran(module: nn.Module, *_: Any) -> None:
        (late if done else early).append(module)

    with ExitStack() as hooks:
        hooks.callback(stack[-1].register_forward_hook(lambda *_: done.append(True)).remove)
        inside = set(stack.modules())
        for module in body.modules():
            if module not in inside and any(True for _ in module.parameters(recurse=False)):
                hooks.callback(module.register_forward_pre_hook(ran).remove)
        run(body)
    tied = {id(p) for module in early for p in module.parameters(recurse=False)}
    return [
        module
        for module in dict.fromkeys(late)
        if module not in early and not tied & {id(p) for p in module.parameters(recurse=False)}
    ]


def depths(model: nn.Module) -> dict[str, int]:
    """How far below the top each parameter of a classifier lies, by name.

    0 for the head and what runs after the last layer, 1 for the last layer, and so on; what runs
    before the first layer lies lowest.
    """
    inner = anatomy.body(model)
    stack = anatomy.layers(inner)[1]
    found = {id(p): len(stack) + 1 for p in inner.parameters()}
    found |= {id(p): 0 for module in after_layers(inner) for p in module.parameters()}
    for down, layer in enumerate(reversed(stack), start=1):
        found |= {id(p): down for p in layer.parameters()}
    return {name: found.get(id(p), 0) for name, p in model.named_parameters()}


def run(body: nn.Module, ids: Tensor | None = None, **more: Any) -> Any:
    """What a body says to a row of token ids (else any three), evaluating, without gradients."""
    body.eval()
    if ids is None:
        words = body.get_input_embeddings().num_embeddings
        ids = torch.arange(words - TOKENS, words)
    batch = ids.unsqueeze(0).to(next(body.parameters()).device)
    if anatomy.writes(body) and body.config.is_encoder_decoder:  # type: ignore[union-attr]
        more["decoder_input_ids"] = batch
    with torch.no_grad():
        return body(input_ids=batch, attention_mask=torch.ones_like(batch), **more)


class _Softmaxes(TorchFunctionMode):
    """Tells when attention weights are made."""

    NAMES = ("softmax", "scaled_dot_product_attention")

    def __init__(self, seen: Callable[[], None]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in self.NAMES:
            self.seen()
        return function(*args, **(kwargs or {}))


def _linears(layer: nn.Module) -> dict[str, nn.Module]:
    from transformers.pytorch_utils import Conv1D

    return {n: m for n, m in layer.named_modules() if isinstance(m, (nn.Linear, Conv1D))}


def _order(body: nn.Module, layer: nn.Module) -> tuple[list[str], list[str]]:
    """Names of a layer's linear layers that run before its attention weights, and after them."""
    inside, weighed, before, after = [], [], [], []
    with ExitStack() as hooks:

        def begin(*_: Any) -> None:
            inside.append(True)
            weighed.clear()  # a layer may run several times, as ALBERT's one does

        hooks.callback(layer.register_forward_pre_hook(begin).remove)
        hooks.callback(layer.register_forward_hook(lambda *_: inside.clear()).remove)
        for name, linear in _linears(layer).items():

            def ran(*_: Any, name: str = name) -> None:
                (after if weighed else before).append(name)

            hooks.callback(linear.register_forward_pre_hook(ran).remove)
        with _Softmaxes(lambda: weighed.append(True) if inside else None):
            run(body)
    return list(dict.fromkeys(before)), list(dict.fromkeys(after))


def _others_read(body: nn.Module, layer: nn.Module, name: str) -> bool:
    """Whether the last position's output changes with what the first one has here."""

    def nudge(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        if output.shape[-2] != TOKENS or nudged:
            return output
        nudged.append(True)
        output = output.clone()
        output[..., 0, :] += 1 + output[..., 0, :].abs().max()
        return output

    def kept(module: nn.Module, args: Any, output: Any) -> None:
        last.append((output if isinstance(output, Tensor) else output[0])[:, -1].clone())

    nudged, last = [], []
    with ExitStack() as hooks:
        hooks.callback(layer.register_forward_hook(kept).remove)
        run(body)
        runs = len(last)  # more than one where the layer is there several times
        hooks.callback(layer.get_submodule(name).register_forward_hook(nudge).remove)
        run(body)
    return not torch.allclose(last[0], last[runs], atol=1e-6)

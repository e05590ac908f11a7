"""Where a model's body, layers and head are: found by structure, not by lists of names."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from tunewell.values import ParameterCount


def body(model: nn.Module) -> nn.Module:
    """The pretrained part of a classifier, without its output layers; all of a model that writes.

    One that writes or fills in words has its output layers from its pre-training, and gets no new
    ones.
    """
    inside = unwrapped(model)
    if writes(inside):
        return inside
    return unwrapped(inside.backbone if hasattr(inside, "pooling") else inside.base_model)


def writes(model: nn.Module) -> bool:
    """Whether it is a model of transformers with a layer over words: it writes, or fills in."""
    inside = unwrapped(model)
    layer = getattr(inside, "get_output_embeddings", None)
    return bool(not hasattr(inside, "pooling") and layer and layer() is not None)


def unwrapped(module: nn.Module) -> nn.Module:
    """What peft wrapped, if it did."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module


def place_of_body(model: nn.Module) -> tuple[nn.Module, str]:
    """The module that holds the body of a classifier, and under which name."""
    inside = unwrapped(model)
    return inside, "backbone" if hasattr(inside, "pooling") else inside.base_model_prefix


def carrier(model: nn.Module) -> nn.Module:
    """What stands in the body's place: the body, or what peft put around it."""
    if writes(model):
        return model
    owner, name = place_of_body(model)
    return getattr(owner, name)


def fresh(model: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters inside the body that no file holds, such as a pooler, by name; random so far."""
    inside = unwrapped(model)
    names = getattr(inside, "fresh_parameters", frozenset())
    return {name: p for name, p in inside.named_parameters() if name in names}


def head_modules(model: nn.Module) -> list[str]:
    """Names of the direct children that own parameters and do not hold the body.

    A stock classifier's new head must be named to peft, which otherwise does not save it. A model
    that writes has none: its output layers are no new ones.
    """
    inner = body(model)
    if inner is unwrapped(model):
        return []
    return [
        name
        for name, child in model.named_children()
        if all(module is not inner for module in child.modules())
        and any(True for _ in child.parameters())
    ]


def layers(model: nn.Module) -> tuple[str, nn.ModuleList]:
    """The stack of layers in a body: the list of like modules that owns the most parameters."""
    stacks = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(child) for child in module}) == 1
    ]
    return max(stacks, key=lambda item: sum(p.numel() for p in item[1].parameters()))


def all_layers(model: nn.Module) -> dict[str, nn.ModuleList]:
    """The stack of layers in a body by its name; of an encoder-decoder that writes, both stacks."""
    inner = body(model)
    if not (writes(inner) and inner.config.is_encoder_decoder):  # type: ignore[union-attr]
        return dict([layers(inner)])
    halves = inner.get_encoder(), inner.get_decoder()  # type: ignore[operator]
    found = [layers(half)[1] for half in halves]
    return {
        name: module
        for name, module in inner.named_modules()
        if isinstance(module, nn.ModuleList) and any(module is each for each in found)
    }


def linear_names(model: nn.Module) -> list[str]:
    """Full names of the linear layers (Linear, Conv1D) inside `all_layers`."""
    from transformers.pytorch_utils import Conv1D

    inside = {module for stack in all_layers(model).values() for module in stack.modules()}
    return [
        name
        for name, module in model.named_modules()
        if module in inside and isinstance(module, (nn.Linear, Conv1D))
    ]


def stacks(model: nn.Module) -> list[str]:
    """Names of the stacks of layers that hold the `linear_names`, such as `encoder.layer`."""
    found = (name.split(".") for name in linear_names(model))
    return list(
        dict.fromkeys(
            ".".join(parts[: next(n for n, part in enumerate(parts) if part.isdecimal())])
            for parts in found
        )
    )


def transposed(model: nn.Module) -> bool:
    """Whether the body's linear layers keep their weights as (in, out), as GPT-2's Conv1D does."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in layers(body(model))[1].modules())


def freeze_body(model: nn.Module) -> nn.Module:
    """Everything stops moving but the head, and what is fresh."""
    return move_only(model, ())


def move_only(model: nn.Module, chosen: Iterable[nn.Parameter]) -> nn.Module:
    """Of the body, only the chosen parameters go on moving, and those that are fresh."""
    kept = {id(p) for p in (*chosen, *fresh(model).values())}
    for p in body(model).parameters():
        if id(p) not in kept:
            p.requires_grad_(False)
    return model


def train_what_moves(model: nn.Module) -> None:
    """Training mode where something can move, so that frozen parts run without dropout.

    Modules without parameters (dropout, activations) go with the module they stand in.
    """
    bare: list[tuple[nn.Module, nn.Module]] = []

    def moves(module: nn.Module) -> bool | None:
        """Whether something in it moves; None where there are no parameters in it."""
        found = [p.requires_grad for p in module._parameters.values() if p is not None]
        for child in module.children():
            inside = moves(child)
            if inside is None:
                bare.append((child, module))
            else:
                found.append(inside)
        module.training = any(found)
        return module.training if found else None

    moves(model)
    for child, parent in reversed(bare):
        child.train(parent.training)


def count(model: nn.Module, total: int) -> ParameterCount:
    """Parameters that are trained, changed once merged, and in all.

    A matrix with an update beside it (`base_layer` in peft) counts as changed whole
    (arXiv 2303.15647). `total` is the model's size before anything was added to it.
    """
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    updated = [m for m in model.modules() if isinstance(getattr(m, "base_layer", None), nn.Module)]
    updates = {id(p): p.numel() for m in updated for p in m.parameters() if p.requires_grad}
    merged = sum(m.base_layer.weight.numel() for m in updated)
    return ParameterCount(trainable, trainable - sum(updates.values()) + merged, total)

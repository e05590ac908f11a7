"""Heads of one form as one network: their layers stacked, so that a step moves all of them.

The rows of all heads run as one batch, head after head: (heads x rows, ...). So whatever has no
weights works on them as on the rows of one head, in our own heads and in those of transformers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tunewell.fit.dropout import factors


@dataclass
class Draws:
    """What the dropout of each head draws from: heads of one seed drop the same units."""

    of: Sequence[int]
    """Which of the seeds each head has, by its number."""
    rows: Sequence[int] = ()
    """Of each seed, in the step that runs."""
    generators: list[torch.Generator] = field(default_factory=list)

    def begin(self, seeds: Sequence[int], rows: Sequence[int]) -> None:
        """A step begins: what each seed draws from, and how many rows it has."""
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.rows = rows

    def factors(self, p: float, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """What (heads x rows, ...) is multiplied by; rows that a seed does not have are dropped."""
        most = max(self.rows)
        drawn = torch.zeros(len(self.rows), most, *shape[1:], dtype=dtype)
        for part, rows, generator in zip(drawn, self.rows, self.generators, strict=True):
            part[:rows] = factors(p, (rows, *shape[1:]), dtype, generator)
        return drawn[list(self.of)].flatten(0, 1)


class StackedLinear(nn.Module):
    """A linear layer for each head."""

    def __init__(self, layer: nn.Linear, heads: int) -> None:
        super().__init__()
        self.weight = _repeated(layer.weight, heads)  # (heads, out, in)
        self.bias = None if layer.bias is None else _repeated(layer.bias, heads)  # (heads, out)

    def forward(self, rows: Tensor) -> Tensor:
        """(heads x rows, ..., in) -> (heads x rows, ..., out)."""
        apart, weight = _by_head(rows, self.weight), self.weight.transpose(1, 2)
        if self.bias is None:
            made = torch.bmm(apart, weight)
        else:
            made = torch.baddbmm(self.bias.unsqueeze(1), apart, weight)
        return made.view(*rows.shape[:-1], -1)


class StackedNorm(nn.Module):
    """A layer normalisation for each head."""

    def __init__(self, layer: nn.LayerNorm, heads: int) -> None:
        super().__init__()
        self.eps = layer.eps
        self.weight = _repeated(layer.weight, heads)  # (heads, width)
        self.bias = None if layer.bias is None else _repeated(layer.bias, heads)

    def forward(self, rows: Tensor) -> Tensor:
        """(heads x rows, ..., width) -> the same."""
        plain = nn.functional.layer_norm(rows, rows.shape[-1:], eps=self.eps)
        made = _by_head(plain, self.weight) * self.weight.unsqueeze(1)
        if self.bias is not None:
            made = made + self.bias.unsqueeze(1)
        return made.view(rows.shape)


class StackedDropout(nn.Module):
    """A dropout that drops of each head's rows what it would drop of them alone."""

    def __init__(self, p: float, draws: Draws) -> None:
        super().__init__()
        self.p, self.draws = p, draws

    def forward(self, rows: Tensor) -> Tensor:
        """(heads x rows, ...) -> the same."""
        if not self.training or not self.p:
            return rows
        return rows * self.draws.factors(self.p, rows.shape, rows.dtype)


@dataclass(frozen=True)
class Stack:
    """A model, and what stands in the place of its trained layers while all heads run."""

    model: nn.Module
    instead: tuple[tuple[nn.Module, str, nn.Module], ...]
    """Parent, name of the child, and what stands in its place."""

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the model is all heads."""
        own = [parent._modules[name] for parent, name, _ in self.instead]
        for parent, name, layer in self.instead:
            parent._modules[name] = layer
        try:
            yield
        finally:
            for (parent, name, _), before in zip(self.instead, own, strict=True):
                parent._modules[name] = before

    def weights(self) -> dict[str, nn.Parameter]:
        """(heads, ...) each, by their names in the model."""
        with self.in_place():
            return {name: p for name, p in self.model.named_parameters() if p.requires_grad}


def stacked(model: nn.Module, heads: int, draws: Draws) -> Stack | None:
    """So many heads upon one body, all as the one that is there.

    None where something that is trained cannot be stacked.

    Args:
        model: of which the head alone moves.
    """
    places = list(_places(model))
    found = {id(p) for *_, layer in places for p in layer.parameters()}
    if any(p.requires_grad and id(p) not in found for p in model.parameters()):
        return None
    instead: list[tuple[nn.Module, str, nn.Module]] = []
    for parent, name, layer in places:
        if type(layer) is nn.Dropout:
            instead.append((parent, name, StackedDropout(layer.p, draws)))
        elif type(layer) is nn.Linear:
            instead.append((parent, name, StackedLinear(layer, heads)))
        elif type(layer) is nn.LayerNorm:
            instead.append((parent, name, StackedNorm(layer, heads)))
        else:
            return None
    return Stack(model, tuple(instead))


def _places(parent: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """The modules with trained weights of their own, and the dropouts beside them."""
    for name, child in parent.named_children():
        if type(child) is nn.Dropout or any(p.requires_grad for p in child.parameters(False)):
            yield parent, name, child
        elif any(p.requires_grad for p in child.parameters()):
            yield from _places(child)


def _repeated(p: Tensor, heads: int) -> nn.Parameter:
    return nn.Parameter(p.detach().repeat(heads, *[1] * p.ndim))


def _by_head(rows: Tensor, weight: Tensor) -> Tensor:
    """(heads x rows, ..., width) -> (heads, rows, width)."""
    return rows.reshape(len(weight), -1, rows.shape[-1])

"""How deep a model cannot change, found by moving what is trained and looking.

The layers below that depth give the same states for a row each time. They are left out by giving
the states in their place: each layer's own `forward` is set aside, so that masks, positions and
whatever else is made outside of the layers stay as the model makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.fit import anatomy

Run = Callable[[], Tensor]
"""Runs some rows through a model, to their logits (rows, labels)."""
CLOSE = 1e-5
"""Most by which logits and gradients may differ from those without kept states, in float32."""


@dataclass(frozen=True)
class Lower:
    """The layers of a model, from the bottom, that cannot change."""

    model: nn.Module
    depth: int
    """How many."""
    width: int
    """Of a token's state."""
    beside: tuple[Any, ...] | None
    """What a layer returns beside the states; None: the states alone, not in a tuple."""

    def states(self, run: Run, lengths: Sequence[int]) -> Tensor:
        """What they give for the rows that `run` runs; the layers above are left out.

        Args:
            lengths: tokens of each row, in the order in which they run.

        Returns:
            states (tokens, hidden), row after row.

        Raises:
            ValueError: the layers order their states in a way that is not known.
        """
        stack = _stack(self.model)
        with torch.no_grad(), _left_out(self, stack[self.depth :], lambda hidden: hidden):
            outputs = _outputs(stack[: self.depth], run)
        return _in_a_row(_states(outputs[-1][-1]), lengths)

    @contextmanager
    def given(self, states: Tensor, lengths: Sequence[int]) -> Iterator[None]:
        """Inside, they do not run; `states` stand for what they would give.

        Args:
            states: (tokens, hidden), row after row, of the rows that will run.
            lengths: tokens of each row, in the order in which they run.
        """

        def instead(hidden: Tensor) -> Tensor:
            return _as_batch(states.to(hidden.dtype), hidden, lengths)

        with _left_out(self, _stack(self.model)[: self.depth], instead):
            yield


def lower_layers(model: nn.Module, run: Run) -> Lower | None:
    """The layers that give the same states whatever the trained weights are; None: there is none.

    Every trained parameter is moved by noise, the rows run again, and the states compared to the
    bit. A layer that holds something trained never counts, be its part in these rows nothing.

    Args:
        model: a classifier, prepared; left in evaluation mode with its weights as they were.
        run: runs three rows or so.
    """
    moving = [p for p in model.parameters() if p.requires_grad]
    trained = {id(p) for p in moving}
    free = []
    for layer in _stack(model):
        if any(id(p) in trained for p in layer.parameters()):
            break
        free.append(layer)
    if not free:
        return None
    model.eval()
    with torch.no_grad():
        before = _outputs(free, run)
        with _moved(moving):
            after = _outputs(free, run)
    depth = 0
    for one, other in zip(before, after, strict=True):
        if not all(map(torch.equal, map(_states, one), map(_states, other))):
            break
        depth += 1
    if not depth:
        return None
    output = before[depth - 1][-1]
    beside = None if isinstance(output, Tensor) else tuple(output[1:])
    return Lower(model, depth, _states(output).shape[-1], beside)


def proven(lower: Lower, run: Run, lengths: Sequence[int]) -> bool:
    """Whether rows have the same logits and gradients with kept states as without.

    Args:
        run: runs three rows or so in float32, to the logits of tokens that are no padding.
        lengths: tokens of each; the longest has not as many tokens as there are rows.
    """
    model = lower.model.eval()
    moving = [p for p in model.parameters() if p.requires_grad]

    def found() -> list[Tensor]:
        logits = run()
        loss = logits.square().sum()
        return [logits.detach(), *torch.autograd.grad(loss, moving, materialize_grads=True)]

    try:
        with lower.given(lower.states(run, lengths), lengths):
            kept = found()
    except ValueError:  # states in an order that is not known
        return False
    whole = found()
    return all(
        torch.allclose(one, other, rtol=CLOSE, atol=CLOSE * max(1.0, other.abs().max().item()))
        for one, other in zip(kept, whole, strict=True)
    )


def _stack(model: nn.Module) -> nn.ModuleList:
    return anatomy.layers(anatomy.body(model))[1]


def _states(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def _outputs(layers: Sequence[nn.Module], run: Run) -> list[list[Any]]:
    """What each layer gives, call by call."""
    kept: list[list[Any]] = [[] for _ in layers]
    with ExitStack() as hooks:
        for layer, calls in zip(layers, kept, strict=True):

            def keep(_: nn.Module, args: Any, output: Any, calls: list[Any] = calls) -> None:
                calls.append(output)

            hooks.callback(layer.register_forward_hook(keep).remove)
        run()
    return kept


@contextmanager
def _moved(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Inside, noise is on each of them."""
    saved = [p.detach().clone() for p in parameters]
    chance = torch.Generator().manual_seed(0)
    try:
        for p in parameters:
            p.add_(torch.randn(p.shape, generator=chance).to(p) * (0.1 + p.abs().mean()))
        yield
    finally:
        for p, value in zip(parameters, saved, strict=True):
            p.copy_(value)


@contextmanager
def _left_out(
    lower: Lower, layers: Sequence[nn.Module], instead: Callable[[Tensor], Tensor]
) -> Iterator[None]:
    """Some neighbouring layers hand on what they get; the last of them gives what `instead` says.

    Where a layer returns tensors beside its states (T5: the position biases, which the first
    layer makes for all), the first of them runs for their sake.
    """
    owns_biases = any(isinstance(part, Tensor) for part in lower.beside or ())
    found: list[tuple[Any, ...]] = []

    def standing_for(layer: nn.Module) -> Callable[..., Any]:
        real = layer.forward

        def forward(*args: Any, **kwargs: Any) -> Any:
            hidden = args[0] if args else kwargs["hidden_states"]
            if owns_biases and layer is layers[0]:
                found[:] = [tuple(real(*args, **kwargs)[1:])]
            if layer is layers[-1]:
                hidden = instead(hidden)
            if lower.beside is None:
                return hidden
            return (hidden, *(found[0] if owns_biases else lower.beside))

        return forward

    before = [layer.__dict__.get("forward") for layer in layers]
    try:
        for layer in layers:
            layer.forward = standing_for(layer)
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            layer.__dict__.pop("forward", None)
            if own is not None:
                layer.forward = own


def _mask(lengths: Sequence[int], device: torch.device) -> Tensor:
    """(rows, tokens), True where there is a token; rows are padded on the right."""
    ends = torch.tensor(lengths, device=device).unsqueeze(1)
    return torch.arange(max(lengths), device=device) < ends


def _in_a_row(hidden: Tensor, lengths: Sequence[int]) -> Tensor:
    """States of a batch, padded or packed, as (tokens, hidden)."""
    if hidden.shape[:-1] == (1, sum(lengths)):
        return hidden[0]
    if hidden.shape[:-1] != (len(lengths), max(lengths)):
        raise ValueError(
            f"states of shape {tuple(hidden.shape)} for rows of {list(lengths)} tokens"
        )
    return hidden[_mask(lengths, hidden.device)]


def _as_batch(states: Tensor, like: Tensor, lengths: Sequence[int]) -> Tensor:
    """States (tokens, hidden) in the shape that the model's own states have."""
    if like.shape[:-1] == (1, len(states)):
        return states.unsqueeze(0)
    batch = states.new_zeros((len(lengths), max(lengths), states.shape[-1]))
    batch[_mask(lengths, states.device)] = states
    return batch

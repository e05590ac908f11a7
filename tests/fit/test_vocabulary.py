"""Cross-entropy in pieces is torch's own, and its logits never lie in memory all at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tunewell.fit.vocabulary import IGNORED, cross_entropy

VOCABULARY, WIDTH = 300, 16


def made(tokens: tuple[int, ...], ignored: float = 0.4) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """States, weights, biases and labels, some of which do not count."""
    chance = torch.Generator().manual_seed(0)
    hidden = torch.randn(*tokens, WIDTH, generator=chance)
    weight = torch.randn(VOCABULARY, WIDTH, generator=chance)
    bias = torch.randn(VOCABULARY, generator=chance)
    labels = torch.randint(0, VOCABULARY, tokens, generator=chance)
    labels[torch.rand(tokens, generator=chance) < ignored] = IGNORED
    return hidden, weight, bias, labels


def torchs(hidden: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor) -> Tensor:
    """The losses as torch gives them."""
    logits = nn.functional.linear(hidden, weight, bias).float()
    flat = nn.functional.cross_entropy(
        logits.flatten(0, -2), labels.flatten(), reduction="none", ignore_index=IGNORED
    )
    return flat.view_as(labels)


@pytest.mark.parametrize("moving", ["hidden", "weight", "bias", "hidden weight bias"])
@pytest.mark.parametrize("chunk", [1, 7, None])
def test_losses_and_gradients_are_those_of_torch(moving: str, chunk: int | None) -> None:
    *tensors, labels = made((4, 9))
    factors = torch.linspace(-1, 2, labels.numel()).view_as(labels)  # rows may weigh differently
    both = []
    for run in (torchs, lambda *given: cross_entropy(*given, chunk=chunk)):
        own = [tensor.clone() for tensor in tensors]
        names = dict(zip(("hidden", "weight", "bias"), own, strict=True))
        chosen = [names[name].requires_grad_(True) for name in moving.split()]
        losses = run(*own, labels)
        both.append([losses.detach(), *torch.autograd.grad((losses * factors).sum(), chosen)])
    for ours, theirs in zip(*both, strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_no_bias_and_rows_without_any_label() -> None:
    hidden, weight, _, labels = made((3, 5))
    labels[1] = IGNORED
    losses = cross_entropy(hidden, weight, None, labels, chunk=2)
    torch.testing.assert_close(losses, torchs(hidden, weight, None, labels), rtol=1e-5, atol=1e-5)
    assert losses[1].tolist() == [0.0] * 5
    none = cross_entropy(hidden.requires_grad_(), weight, None, torch.full_like(labels, IGNORED))
    none.sum().backward()
    assert hidden.grad is not None
    assert hidden.grad.abs().max() == 0


def test_inside_of_autocast_it_is_as_near_as_a_linear_layer() -> None:
    hidden, weight, bias, labels = made((40,))
    exact = torchs(hidden, weight, bias, labels)
    weight.requires_grad_(True)
    with torch.autocast("cpu", torch.bfloat16):
        stock = torchs(hidden, weight, bias, labels)
        ours = cross_entropy(hidden, weight, bias, labels, chunk=16)
    assert ours.dtype == torch.float32
    assert (ours - exact).abs().max() <= 1.1 * (stock - exact).abs().max() + 1e-3
    ours.sum().backward()
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32


class Largest(TorchDispatchMode):
    """The most numbers that any tensor has had which was made inside."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(one, Tensor):
                self.numbers = max(self.numbers, one.numel())
        return made


def test_no_tensor_is_larger_than_the_weights_or_the_logits_of_a_chunk() -> None:
    hidden, weight, bias, labels = made((20, 50), ignored=0.0)
    hidden.requires_grad_(True)
    weight.requires_grad_(True)
    with Largest() as ours:
        cross_entropy(hidden, weight, bias, labels, chunk=8).sum().backward()
    with Largest() as theirs:
        torchs(hidden, weight, bias, labels).sum().backward()
    assert ours.numbers <= max(hidden.numel(), weight.numel(), 8 * VOCABULARY)
    assert theirs.numbers == labels.numel() * VOCABULARY


def test_logits_are_made_for_labelled_tokens_alone() -> None:
    hidden, weight, bias, labels = made((1000,))
    labels[:] = IGNORED
    labels[::100] = 5
    with Largest() as seen:
        cross_entropy(hidden, weight, bias, labels)
    assert seen.numbers <= max(hidden.numel(), 10 * VOCABULARY)

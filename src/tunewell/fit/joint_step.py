"""One step of several heads at once: each by its own rows, gradient, clipping and learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from tunewell.fit.feeds import VectorFeed, head_alone
from tunewell.fit.stack import Draws, Stack, stacked
from tunewell.fit.state import Training
from tunewell.fit.step import CLIP, draws_from


@dataclass(frozen=True)
class Joint:
    """Heads upon the vectors of one frozen body, and what moves them."""

    feed: VectorFeed
    stack: Stack
    draws: Draws
    seeds: Sequence[int]
    """All different seeds; `draws` says which each head has."""
    weights: dict[str, nn.Parameter]
    """(heads, ...) each, by their names in the model."""
    optimizer: Any
    """With learning rate 1; how far each head then goes is `move`'s business."""

    @classmethod
    def of(
        cls, training: Training, seeds: Sequence[int], starts: Sequence[Mapping[str, Tensor]]
    ) -> Self | None:
        """Heads at their start; None where they cannot be one network.

        Args:
            training: of one of them; its model carries them all.
            seeds: of each head.
            starts: the weights of each head, by name.
        """
        assert isinstance(training.feed, VectorFeed)
        unlike = list(dict.fromkeys(seeds))
        draws = Draws([unlike.index(seed) for seed in seeds])
        stack = stacked(training.model, len(starts), draws)
        if stack is None:
            return None
        weights = stack.weights()
        with torch.no_grad():
            for name, p in weights.items():
                p.copy_(torch.stack([start[name] for start in starts]))
        groups: list[dict[str, Any]] = [
            {"params": [p for p in weights.values() if p.ndim > 2]},
            {"params": [p for p in weights.values() if p.ndim <= 2], "weight_decay": 0.0},
        ]
        decay = training.schedule.weight_decay
        optimizer = torch.optim.AdamW(groups, lr=1.0, weight_decay=decay, fused=True)
        return cls(training.feed, stack, draws, unlike, weights, optimizer)

    def move(self, step: int, rows: Sequence[Sequence[int]], rates: Sequence[float]) -> list[float]:
        """Move each head by the gradient of its rows; their mean losses.

        One whose loss or gradient is not finite gets no number (NaN), and is of no use from then.

        Args:
            step: counted from 0; with the seeds it says what dropout draws from.
            rows: units of each of the different seeds.
            rates: the learning rate of each head.
        """
        self.optimizer.zero_grad()
        with self.stack.in_place():
            losses = self._losses(step, rows)
        losses.sum().backward()
        moving = list(self.weights.values())
        gradients = [p.grad for p in moving if p.grad is not None]
        norms = torch.stack([each.flatten(1).norm(dim=1) for each in gradients]).norm(dim=0)
        clipped = (CLIP / (norms + 1e-6)).clamp(max=1.0)
        for each in gradients:
            each.mul_(_for(clipped, each))
        before = [p.detach().clone() for p in moving]
        self.optimizer.step()
        # AdamW goes from the weights in proportion to the rate, decay included (arXiv 1711.05101).
        share = torch.tensor(rates, device=norms.device)
        with torch.no_grad():
            for p, start in zip(moving, before, strict=True):
                p.copy_(start.lerp(p, _for(share, p)))
        told: list[float] = (losses.detach() + 0.0 * norms).tolist()
        return told

    def head(self, number: int) -> dict[str, Tensor]:
        """The weights of one head, by name."""
        return {name: p.detach()[number] for name, p in self.weights.items()}

    def _losses(self, step: int, rows: Sequence[Sequence[int]]) -> Tensor:
        """The mean loss of each head (heads,)."""
        feed, of = self.feed, list(self.draws.of)
        numbers = [feed.units.numbers(each) for each in rows]
        counts = [len(each) for each in numbers]
        # Where a seed has fewer pieces than another in this step, its first one fills them up.
        filled = [[*each, *each[:1] * (max(counts) - len(each))] for each in numbers]
        self.draws.begin([draws_from(seed, step) for seed in self.seeds], counts)
        vectors = feed.vectors[torch.tensor(filled)][of]  # (heads, pieces, hidden)
        logits = head_alone(self.stack.model, vectors.flatten(0, 1)).unflatten(0, (len(of), -1))
        if feed.head.whole_rows:
            return torch.stack(
                [
                    feed.head.losses(
                        [feed.pieces[number] for number in numbers[seed]],
                        own[: counts[seed]],
                        feed.targets[list(rows[seed])],
                    ).mean()
                    for own, seed in zip(logits, of, strict=True)
                ]
            )
        pieces = [feed.pieces[number] for seed in of for number in filled[seed]]
        targets = feed.targets[torch.tensor(filled)][of].flatten(0, 1)
        losses = feed.head.losses(pieces, logits.flatten(0, 1), targets).view(len(of), -1)
        share = [[1 / n] * n + [0.0] * (max(counts) - n) for n in counts]
        return (losses * losses.new_tensor(share)[of]).sum(1)


def _for(each: Tensor, p: Tensor) -> Tensor:
    """A number a head (heads,), as it is to be multiplied with (heads, ...)."""
    return each.view(-1, *[1] * (p.ndim - 1))

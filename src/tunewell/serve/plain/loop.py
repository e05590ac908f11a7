"""The training loop, one row of the optimizer at a time, and what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def epoch_batches(
    lengths: Sequence[int],
    batch_size: int,
    seed: int,
    epoch: int,
    chances: Sequence[float] | None = None,
) -> list[list[int]]:
    """Row numbers of each batch: rows of like length together, batches in random order.

    Args:
        chances: as many rows are drawn as there are, each by its chance; None: each row once.
    """
    chance = random.Random(f"{seed}/{epoch}")
    rows = list(range(len(lengths)))
    if chances is not None:
        rows = chance.choices(rows, chances, k=len(rows))
    chance.shuffle(rows)
    batches = []
    for start in range(0, len(rows), 50 * batch_size):
        pool = sorted(rows[start : start + 50 * batch_size], key=lambda row: lengths[row])
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    chance.shuffle(batches)
    return batches


def within_tokens(rows: Sequence[int], lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Rows by length, cut where padding them together would take more than `tokens`."""
    parts: list[list[int]] = []
    for row in sorted(rows, key=lambda row: lengths[row]):
        if parts and lengths[row] * (len(parts[-1]) + 1) <= tokens:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def set_modes(module: nn.Module, inherited: bool = False) -> None:
    """Training mode where something can move, so that frozen parts run without dropout."""
    own = list(module.parameters())
    moving = any(p.requires_grad for p in own) if own else inherited
    module.training = moving
    for child in module.children():
        set_modes(child, moving)


def train(
    model: nn.Module,
    losses_of: Callable[[Sequence[int]], Tensor],
    lengths: Sequence[int],
    validate: Callable[[], tuple[float | None, float]],
    *,
    learning_rate: float,
    epochs: int,
    batch_size: int,
    warmup: float,
    weight_decay: float,
    seed: int,
    factors: Callable[[nn.Module, int], dict[str, float]] | None = None,
    chances: Sequence[float] | None = None,
) -> list[float]:
    """AdamW, warm-up and linear decay, clipping, the best weights kept; the loss of each step.

    Args:
        model: what requires a gradient moves.
        losses_of: row numbers -> the loss of each (rows,), with gradients.
        lengths: of the training rows, in tokens.
        validate: score, where there is one, and loss on the validation rows.
        factors: of the learning rate by the name of a parameter, for an epoch; 0: it stands still.
        chances: of each training row to be drawn, where not each is learnt once an epoch.
    """
    moving = {name: p for name, p in model.named_parameters() if p.requires_grad}
    by_epoch = [factors(model, epoch) if factors else {} for epoch in range(epochs)]
    groups: dict[Any, dict[str, Any]] = {}
    for name, p in moving.items():
        own = tuple(each.get(name, 1.0) for each in by_epoch)
        decay = weight_decay if p.ndim >= 2 else 0.0  # matrices only
        group = {"params": [], "factors": own, "weight_decay": decay}
        groups.setdefault((own, p.ndim >= 2), group)["params"].append(p)
    optimizer = torch.optim.AdamW(list(groups.values()), fused=True)
    best = {name: p.detach().clone() for name, p in moving.items()}
    best_seen: tuple[float, float] | None = None
    steps = epochs * len(epoch_batches(lengths, batch_size, seed, 0))
    warm, step, waited, losses = round(warmup * steps), 0, 0, []
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.requires_grad_(group["factors"][epoch] > 0)
        set_modes(model)
        for rows in epoch_batches(lengths, batch_size, seed, epoch, chances):
            up, down = (step + 1) / max(1, warm), (steps - step) / max(1, steps - warm)
            rate = learning_rate * (up if step < warm else down)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factors"][epoch]
            optimizer.zero_grad()
            total = 0.0
            for number, part in enumerate(within_tokens(rows, lengths, 2048)):
                torch.manual_seed((seed * 1_000_003 + step) * 64 + number)  # of the dropout
                loss = losses_of(part).sum() / len(rows)
                loss.backward()
                total += loss.item()
            nn.utils.clip_grad_norm_(moving.values(), 1.0)
            optimizer.step()
            losses.append(total)
            step += 1
        model.eval()
        score, loss_there = validate()
        told = "" if score is None else f"score {score:.4f}, "
        print(f"epoch {epoch + 1}: {told}loss {loss_there:.4f} on validation")
        if best_seen is None or (score or 0.0, -loss_there) > best_seen:
            best_seen, waited = (score or 0.0, -loss_there), 0
            best = {name: p.detach().clone() for name, p in moving.items()}
        elif not any(
            group["factors"][epoch] == 0 and any(group["factors"][epoch + 1 :])
            for group in optimizer.param_groups
        ):  # all that will ever move moves already
            waited += 1
            if waited == 3:
                break
    with torch.no_grad():
        for name, p in moving.items():
            p.copy_(best[name])
    return losses

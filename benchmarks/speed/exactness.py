"""Rows end to end against rows alone, in float32: python -m benchmarks.speed.exactness OUT.

For the default backbone and every shape of the tests that runs end to end: the largest difference
of a hidden state, and of a weight's gradient, in shares of the largest where that is above 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from tunewell.fit.attention import staying_padded
from tunewell.fit.backbones import load_model, resolve
from tunewell.fit.packing import why_padded

LENGTHS = (3, 60, 9, 9, 1)


def main() -> None:
    sys.path.insert(0, "tests")
    import shapes

    folders = {shape: shapes.save(shape, Path(sys.argv[1]) / shape) for shape in shapes.SHAPES}
    apart = {}
    for name, folder in {"the default backbone": None, **folders}.items():
        model = load_model(resolve(folder and str(folder)), "AutoModel", dropout=0.0)
        if why_padded(model) is None:
            apart[name] = largest_difference(model)
            print(f"{name}: {apart[name]:.1e}", flush=True)
    print(json.dumps({"accuracy": {}, "figures": {"apart": max(apart.values())}}))


def largest_difference(model: Any) -> float:
    """Of hidden states and gradients, between five rows together and each alone."""
    words = model.get_input_embeddings().num_embeddings
    chance = torch.Generator().manual_seed(1)
    ids = torch.randint(words // 2, words, (len(LENGTHS), max(LENGTHS)), generator=chance)
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)).long()
    together = told(model, [(ids, mask)])
    with staying_padded():
        rows = [(ids[n : n + 1, :end], mask[n : n + 1, :end]) for n, end in enumerate(LENGTHS)]
        alone = told(model, rows)
    differences = []
    for one, other in zip(together, alone, strict=True):
        scale = max(1.0, max(float(part.abs().max()) for part in other))
        apart = [float((a - b).abs().max()) for a, b in zip(one, other, strict=True)]
        differences.append(max(apart) / scale)
    return max(differences)


def told(model: Any, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[list[Any], ...]:
    """Hidden states of the real tokens, row after row, and the gradient of every weight."""
    parts = []
    for ids, mask in batches:
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
        parts += [hidden[row, : int(end)] for row, end in enumerate(mask.sum(1))]
    states = torch.cat(parts)  # (tokens, hidden)
    weighed = (states * torch.linspace(-1, 1, states.numel()).view(states.shape)).sum()
    weights = list(model.parameters())
    gradients = torch.autograd.grad(weighed, weights, allow_unused=True)
    return [states.detach()], [g for g in gradients if g is not None]


if __name__ == "__main__":
    main()

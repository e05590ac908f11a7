"""What share of the machine a training uses: the operations of its model over the measured peak.

Counted as "model FLOPs utilisation" is (Chowdhery et al., arXiv 2204.02311, appendix B): products
of the forward and backward pass, nothing that is computed twice, no padding.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from tunewell.fit import anatomy
from tunewell.fit.pretraining.objectives import HIDDEN
from tunewell.fit.pretraining.settings import Objective
from tunewell.values import Machine

SIZES, TRIES = {"cpu": 1536, "mps": 4096, "cuda": 8192}, 12
USUAL_SHARE = 0.4
"""Of the peak that a training reaches, where nothing better is known."""


def measured_peak(machine: Machine) -> float:
    """Operations a second of the fastest of twelve square matrix products."""
    size = SIZES[machine.device.split(":")[0]]
    dtype = getattr(torch, machine.dtype)
    left, right = (torch.randn(size, size, device=machine.device).to(dtype) for _ in range(2))
    fastest = float("inf")
    for _ in range(TRIES):
        _wait(machine)
        begun = time.perf_counter()
        left @ right
        _wait(machine)
        fastest = min(fastest, time.perf_counter() - begun)
    return 2 * size**3 / fastest


def operations_a_token(model: Any, objective: Objective, window: int) -> float:
    """Operations of the forward and the backward pass for a token, in documents of one window.

    The output layer counts for tokens that are to be said, attention for the keys that a token
    reads: half of the window where it looks back alone, fewer in layers that read what is near.
    """
    layers = anatomy.layers(anatomy.body(model))[1]
    names = anatomy.linear_names(model)
    inside = sum(model.get_submodule(name).weight.numel() for name in names)
    said = 1.0 if objective == "causal" else HIDDEN
    head = model.get_output_embeddings().weight.numel()
    config = model.config
    reach = [window / 2 if objective == "causal" else window] * len(layers)
    if local := getattr(config, "local_attention", None):
        kinds = config.layer_types
        reach = [min(local, window) if k == "sliding_attention" else window for k in kinds]
    attention = sum(2 * config.hidden_size * keys for keys in reach)
    return 6 * (inside + said * head + attention)


def _wait(machine: Machine) -> None:
    if machine.device.startswith("cuda"):
        torch.cuda.synchronize(machine.device)
    if machine.device.startswith("mps"):
        torch.mps.synchronize()

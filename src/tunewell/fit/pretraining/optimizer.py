"""What moves the weights of a pre-training.

A new model's matrices inside of its layers go by Muon, whose steps are orthogonal matrices (Jordan
et al. 2024), scaled so that AdamW's learning rates and decay fit them too (Liu et al., "Muon is
Scalable for LLM Training", arXiv 2502.16982); vectors for words, norms and biases go by AdamW, and
so does all of a backbone: what AdamW has trained goes on best with it (same source, section 3.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from tunewell.fit import rates

BETAS, WEIGHT_DECAY = (0.9, 0.95), 0.1
"""Of AdamW, as GPT-3 and Llama have them (arXiv 2005.14165, 2302.13971); Muon decays as much."""


class Both:
    """Muon and AdamW as one optimizer, whose memory of each parameter lies in one place."""

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer) -> None:
        self.parts = (muon, adamw)
        self.param_groups = [*muon.param_groups, *adamw.param_groups]
        self.state = muon.state = adamw.state

    def step(self) -> None:
        """Move the weights by their gradients."""
        for part in self.parts:
            part.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self.parts:
            part.zero_grad()


def optimizer_of(model: Any, weights: Mapping[str, nn.Parameter], fresh: bool) -> Any:
    """The optimizer of a model.

    Args:
        weights: what moves, by name.
        fresh: whether the weights were random.
    """
    of_words = {model.get_input_embeddings().weight, model.get_output_embeddings().weight}
    inside = {n: p for n, p in weights.items() if fresh and p.ndim == 2 and p not in of_words}
    rest = {name: p for name, p in weights.items() if name not in inside}
    adamw = torch.optim.AdamW(
        rates.grouped(rest, 1, None), betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
    )
    if not inside:
        return adamw
    muon = torch.optim.Muon(
        rates.grouped(inside, 1, None), weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"
    )
    return Both(muon, adamw)

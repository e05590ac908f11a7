"""Less memory for more time: what a layer computed is not kept for its gradient but made again.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (arXiv 1604.06174).
"""

from __future__ import annotations

from torch import nn

from tunewell.fit import anatomy
from tunewell.fit.packing import unpack


def recompute(model: nn.Module) -> bool:
    """Have the layers of a classifier's body do so while training; False where they cannot.

    Its rows run padded from then on, as a layer that is run again for its gradient no longer
    knows where rows lie that are end to end.
    """
    body = anatomy.body(model)
    # Keys before the text are left out by transformers where layers are run again.
    if hasattr(anatomy.carrier(model), "prompt_encoder"):
        return False
    if not getattr(body, "supports_gradient_checkpointing", False):
        return False
    unpack(model, "its layers run again for their gradients")
    body.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
    return True

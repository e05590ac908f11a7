"""Training and answering: backbones, heads, batches, the one loop, the frozen pass."""

"""How many floating-point operations the rows of a side ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.speed.sides import Side

STEP = {"full": 3.0, "lora": 2.0, "last_layers": 5 / 3, "head": 1.0}
"""A training step in forward passes; layers below the last two are passed once (of six layers)."""


def shape(model: Path) -> dict[str, int]:
    """What of a BERT's configuration decides its operations."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    names = ("hidden_size", "num_hidden_layers", "intermediate_size")
    return {name: config[name] for name in names}


def forward(tokens: int, squares: int, shape: dict[str, int]) -> float:
    """Operations of one forward pass.

    Args:
        tokens: of all rows.
        squares: the sum over rows of the square of their tokens.
        shape: hidden size, layers, and units of the MLP.
    """
    width, layers = shape["hidden_size"], shape["num_hidden_layers"]
    products = 2 * (4 * width * width + 2 * width * shape["intermediate_size"])
    return float(layers * (tokens * products + squares * 4 * width))


def trained(
    side: Side, method: str, seconds: float, record: dict[str, Any]
) -> tuple[float, float] | None:
    """Real tokens a second of a training, and the operations a second that they ask for."""
    if method not in STEP:
        return None
    counted, epochs = record["tokens"][side.part], record["size"]["epochs"]
    tokens, squares = counted[str(side.length)], counted[f"squares {side.length}"]
    operations = STEP[method] * epochs * forward(tokens, squares, record["shape"])
    return epochs * tokens / seconds, operations / seconds

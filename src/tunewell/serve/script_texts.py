"""Texts without labels that a model has read first, as its script finds them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.fit import backbones
from tunewell.fit.by_hand import ByHand
from tunewell.fit.pretraining.course import Course
from tunewell.fit.pretraining.objectives import own_objective, room
from tunewell.fit.pretraining.reading_on import WINDOW
from tunewell.read import Data
from tunewell.read.unlabelled import unlabelled
from tunewell.serve.fitted import Fitted
from tunewell.serve.plain.reading import read_on
from tunewell.serve.script_rows import write_lines
from tunewell.settings import RunOptions


def reading_first(
    piece: ByHand,
    fitted: Fitted,
    trial: dict[str, Any],
    options: RunOptions,
    data: Data,
    out: Path | None,
) -> ByHand:
    """The lines of a method that reads texts first, with where they are and what reads them.

    Raises:
        ConfigError: the texts are not those that were read, or have no place beside the script.
    """
    backbone = fitted.backbone
    assert backbone is not None
    texts = unlabelled(options.texts, [fitted.method], fitted.task, data.test)
    if texts is None or texts.fingerprint != trial["settings"].get("texts"):
        raise ConfigError("The texts without labels are no longer those that this model has read.")
    tokenizer: Any = backbones.load_tokenizer(backbone)
    objective = own_objective(backbones.load_config(backbone), tokenizer, backbone.name)
    lines = [json.dumps(text, ensure_ascii=False) for text in texts.texts()]
    reading = {
        "texts": write_lines(lines, out, ".texts.jsonl"),
        "masked": objective == "masked",
        "window": room(objective, min(WINDOW, backbone.max_length), tokenizer),
        "passes": fitted.options["passes"],
        "learning_rate": fitted.options["reading_rate"],
        "bfloat16": fitted.value["dtype"] == "bfloat16",
    }
    told = "".join(f"    {name!r}: {each!r},\n" for name, each in reading.items())
    code = f"READING = {{\n{told}}}\n\n\n{piece.code}"
    return replace(piece, code=code, uses=(read_on,), only={Course: ("rate_at",)})

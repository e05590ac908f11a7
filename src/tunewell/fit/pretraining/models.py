"""Models before and after a pre-training: new ones, backbones, and the folder that is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from tunewell.fit import backbones, packing, skeleton
from tunewell.fit.folders import POOLING_KEYS
from tunewell.fit.pretraining.objectives import CLASSES
from tunewell.fit.pretraining.settings import Objective
from tunewell.fit.pretraining.shapes import Shape, configuration
from tunewell.values import Backbone, write_json

PARTS = "modules.json"
POOLING = "1_Pooling"


def new_model(shape: Shape, tokenizer: Any, seed: int) -> PreTrainedModel:
    """A model of random weights in float32; equal seeds give equal ones."""
    import transformers

    torch.manual_seed(seed)
    auto = getattr(transformers, CLASSES[shape.objective])
    model = auto.from_config(configuration(shape, tokenizer), trust_remote_code=False)
    packing.pack(skeleton.reader(model), shape.window, f"new {shape} {seed}")
    return model


def known_model(backbone: Backbone, objective: Objective) -> tuple[PreTrainedModel, list[str]]:
    """A backbone with its output layer, and what should be known of it."""
    torch.manual_seed(0)
    model = backbones.load_model(backbone, CLASSES[objective], dropout=0.0)
    fresh = getattr(model, "fresh_head", frozenset())
    notes = [f"The files of {backbone.name} hold no output layer for words: it is new."]
    return model, notes if fresh else []


def save(model: Any, tokenizer: Any, folder: Path, pooling: str | None) -> None:
    """Write a folder that transformers opens, and that can be a backbone.

    Args:
        pooling: how a text's vectors become one, where the model has a way of its own: it is
            written as sentence-transformers has it.
    """
    aside = folder / ".model"
    shutil.rmtree(aside, ignore_errors=True)
    with backbones.silent():
        model.save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    if pooling is not None:
        key = next(key for key, ours in POOLING_KEYS.items() if ours == pooling)
        dimension = {"word_embedding_dimension": model.config.hidden_size}
        (aside / POOLING).mkdir()
        write_json(aside / POOLING / "config.json", {**dimension, key: True})
        kind = "sentence_transformers.models."
        parts = (("", f"{kind}Transformer"), (POOLING, f"{kind}Pooling"))
        listed = [
            {"idx": number, "name": str(number), "path": path, "type": each}
            for number, (path, each) in enumerate(parts)
        ]
        write_json(aside / PARTS, listed)
    for path in sorted(aside.iterdir(), key=lambda path: path.name == "config.json"):
        there = folder / path.name
        if there.is_dir():
            shutil.rmtree(there)
        path.replace(there)
    aside.rmdir()

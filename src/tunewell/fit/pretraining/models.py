"""Models before and after a pre-training: new ones, backbones, and the folder that is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from tunewell.errors import ConfigError
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
    """A backbone with its output layer, and what should be known of it.

    Raises:
        ConfigError: it is to learn the next word, and reads that as well.
    """
    torch.manual_seed(0)
    model = backbones.load_model(backbone, CLASSES[objective], dropout=0.0)
    if objective == "causal" and _reads_ahead(model):
        raise ConfigError(
            f"{backbone.name} reads the words that come after one as well.",
            "A decoder that looks back alone is expected, or an encoder that fills in words.",
        )
    fresh = getattr(model, "fresh_head", frozenset())
    notes = [f"The files of {backbone.name} hold no output layer for words: it is new."]
    return model, notes if fresh else []


def _reads_ahead(model: Any) -> bool:
    """Whether what it says of a token depends on a later one."""
    ids = torch.arange(4, 12).unsqueeze(0).repeat(2, 1)
    ids[1, -1] = 3
    model.eval()
    with torch.inference_mode():
        one, other = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, :-1]
    return not torch.allclose(one, other, rtol=1e-3, atol=1e-5)


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

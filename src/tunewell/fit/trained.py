"""A trained network as a predictor: it answers, and its folder opens without us.

The folder holds what transformers or peft themselves write, `head.safetensors` where they do not
write the head, and `model.json`, which says how to put them together again.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tunewell.fit import adapt, anatomy, backbones, bottlenecks, soft, virtual
from tunewell.fit.card import pooled_card, stock_card
from tunewell.fit.fused import fuse
from tunewell.fit.general import recalled
from tunewell.fit.heads import Head, generates, head_for, writes
from tunewell.fit.heads.own import upon
from tunewell.fit.pieces import Piece, Text
from tunewell.fit.prefix import POOLINGS, FrozenBody, body_of, read_pieces
from tunewell.fit.recorded import Recorded
from tunewell.fit.records import read_record
from tunewell.fit.surprise import surprises
from tunewell.fit.tensors import run_pieces
from tunewell.fit.word_card import filling_card, writing_card
from tunewell.surprise import Recall, Surprise
from tunewell.values import Answer, Machine

APART = ("virtual", "bottlenecks")
"""What is saved without the architecture's own head, which lies beside it."""
OURS = {"bottlenecks": bottlenecks.save, "soft": soft.save}
"""How bodies are written that the model itself does not write."""
PUT_BACK = {
    "adapter": adapt.load_peft,
    "virtual": virtual.load_virtual,
    "soft": soft.load,
    "bottlenecks": bottlenecks.load,
}
"""How a backbone gets back what is kept apart from it."""
CHUNK = 4096
"""Inputs that are tokenized at a time, so that a million take no more memory than these."""


@dataclass(frozen=True)
class TrainedPredictor(Recorded):
    """A model, its head and its tokenizer."""

    head: Head
    model: nn.Module
    tokenizer: Any
    tuned_body: bool
    """Whether the body differs from the backbone, and so must be saved."""

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        answers: list[Answer] = []
        for start in range(0, len(inputs), CHUNK):
            some = inputs[start : start + CHUNK]
            if writes(self.head):
                answers += self.written(some)[0]
                continue
            pieces = self.head.encode(self.tokenizer, some, self.record.backbone.max_length)
            answers += self.head.answers(some, pieces, self._logits(pieces))
        return answers

    def written(self, inputs: Sequence[Any]) -> tuple[list[Answer], list[bool]]:
        """Of a model that writes: its answers, and whether each came to its own end."""
        most, machine = self.record.backbone.max_length, self.record.machine
        return self.head.write(self.model, self.tokenizer, inputs, most, machine)  # type: ignore[attr-defined]

    def surprise(self, inputs: Sequence[Any], targets: Sequence[Any]) -> list[Surprise | None]:
        """How little each target was expected after its input; None where it does not write."""
        if not writes(self.head):
            return [None] * len(inputs)
        most, machine = self.record.backbone.max_length, self.record.machine
        return surprises(self.model, self.head, self.tokenizer, inputs, targets, most, machine)  # type: ignore[arg-type]

    def recalled(self, texts: Sequence[str]) -> Recall | None:
        """How little its backbone and it itself expect other texts; None where they are alike."""
        if not self.tuned_body:
            return None
        backbone = replace(self.record.backbone, bits=None)  # few bits are part of what is lost
        return recalled(self.model, backbone, self.record.machine, texts)

    def embed(self, texts: Sequence[Text]) -> tuple[Tensor, list[int]]:
        """Vectors (texts, hidden) of length 1 by the body as it is now, and each text's tokens."""
        backbone, machine = self.record.backbone, self.record.machine
        if self.tuned_body:
            carrier = anatomy.carrier(self.model)
            body = FrozenBody(carrier, self.tokenizer, backbone, machine, 0.0, 0)
        else:
            body = body_of(backbone, machine)
        pooling = self.head.pooling if self.head.pooling in POOLINGS else backbone.pooling
        return body.vectors(texts, pooling or "mean")

    def _logits(self, pieces: Sequence[Piece]) -> Tensor:
        machine, pooling = self.record.machine, self.head.pooling
        if not self.tuned_body and pooling in POOLINGS:
            vectors = read_pieces(self.record.backbone, machine, pieces, pooling)
            with torch.inference_mode():
                return self.model.head(vectors.to(machine.device)).cpu()
        return run_pieces(self.model, self.head, pieces, self.tokenizer.pad_token_id, machine)

    def whole(self) -> TrainedPredictor:
        """The same with all its weights in one network, updates merged; this one is used up."""
        # An untuned body may be that of other models as well.
        model = self.model if self.tuned_body else copy.deepcopy(self.model)
        backbone = replace(self.record.backbone, bits=None)
        record = replace(self.record, backbone=backbone)
        return replace(self, record=record, model=adapt.merged(model), tuned_body=True)

    def save(self, folder: Path) -> None:
        """Write the folder that `load_trained`, transformers and peft read."""
        folder.mkdir(parents=True, exist_ok=True)
        kind, pooling = self._kind(), self.head.pooling
        carrier = anatomy.carrier(self.model)
        # No adapter moves embeddings; left to find that out, peft asks the Hub.
        more = {"save_embedding_layers": False} if kind in ("adapter", "virtual") else {}
        if generates(self.head):
            self._ways_to_write()
        with backbones.silent():
            if kind in OURS:
                OURS[kind](self.model, folder)
            elif pooling is None and kind != "virtual":
                self.model.save_pretrained(folder, **more)
            elif kind != "backbone":
                carrier.save_pretrained(folder, **more)
        self.tokenizer.save_pretrained(folder)
        if generates(self.head):
            card = writing_card(self.record, kind, *self._ways_to_write())
        elif writes(self.head):
            card = filling_card(self.record, kind)
        elif pooling is None:
            card = stock_card(self.record, kind)
        else:
            names = [name for name, _ in self.model.head.named_parameters()]
            layers = tuple(n.removesuffix(".weight") for n in names if n.endswith(".weight"))
            card = pooled_card(self.record, kind, pooling, layers)
        if pooling is not None or kind in APART:
            beside = {name: p.detach().contiguous() for name, p in _head(self.model).items()}
            save_file(beside, folder / "head.safetensors")
        (folder / "README.md").write_text(card, encoding="utf-8")
        head = {"pooling": pooling, "hidden": self.head.hidden}
        if generates(self.head):
            head["new_tokens"] = self.head.new_tokens
        if writes(self.head):
            head["plain"] = self.head.plain
        self.record.write(folder, head=head, body=kind)

    def _ways_to_write(self) -> tuple[bool, int, list[int]]:
        """Whether it is an encoder-decoder, most tokens of an answer, and what ends one.

        They are put into the model's own `generation_config`, which is saved with it.
        """
        inside: Any = anatomy.unwrapped(self.model)
        most, ends = self.head.new_tokens, self.head.stops(self.tokenizer)
        inside.generation_config.update(max_new_tokens=most, eos_token_id=ends)
        return inside.config.is_encoder_decoder, most, ends

    def _kind(self) -> str:
        """Which files hold the body.

        `virtual` tokens or another `adapter` of peft, `soft` ones of a writer, `bottlenecks`,
        its `own` weights, or those of the untouched `backbone`.
        """
        if soft.soft_words(self.model) is not None:
            return "soft"
        carrier = anatomy.carrier(self.model)
        if bottlenecks.attached(self.model):
            return "bottlenecks"
        if hasattr(carrier, "prompt_encoder"):
            return "virtual"
        if hasattr(carrier, "get_base_model") or hasattr(self.model, "get_base_model"):
            return "adapter"
        return "own" if self.tuned_body or self.head.pooling is None else "backbone"


def _head(model: nn.Module) -> dict[str, nn.Parameter]:
    """What is saved beside the body: our head, or what moves of a stock model outside of it.

    A pooler that is fresh moves as well, and is part of it.
    """
    if hasattr(model, "pooling"):
        return dict(model.head.named_parameters())
    vectors = getattr(anatomy.carrier(model), "prompt_encoder", nn.Module())
    added = [vectors, *bottlenecks.attached(model).values()]
    saved = {id(p) for module in added for p in module.parameters()}
    moving = {name: p for name, p in model.named_parameters() if p.requires_grad}
    return {name: p for name, p in moving.items() if id(p) not in saved}


def _put_head(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Set what `_head` gave; in a stock model nothing else moves from here on."""
    if hasattr(model, "pooling"):
        model.head.load_state_dict(tensors)
        return
    parameters = dict(model.requires_grad_(False).named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            parameters[name].copy_(tensor).requires_grad_(True)


def load_trained(folder: Path, machine: Machine) -> TrainedPredictor:
    """The predictor that `TrainedPredictor.save` wrote there."""
    record, value = read_record(folder, machine)
    own = value["body"] == "own"
    source = replace(record.backbone, folder=folder) if own else record.backbone
    pooling, hidden = value["head"]["pooling"], value["head"]["hidden"]
    head = head_for(record.task, replace(source, pooling=pooling), hidden)
    if writes(head):
        head = replace(head, plain=value["head"].get("plain", False))  # type: ignore[type-var]
    if generates(head):
        head = replace(head, new_tokens=value["head"]["new_tokens"])  # type: ignore[type-var]
    untouched = value["body"] == "backbone"
    with upon(body_of(source, record.machine).model) if untouched else nullcontext():
        model = head.build(source, dropout=0.0, seed=0)
    if value["body"] in PUT_BACK:
        model = PUT_BACK[value["body"]](model, folder)
        head = soft.led(head, model)
    if pooling is not None or value["body"] in APART:
        _put_head(model, load_file(folder / "head.safetensors"))
    fuse(model.to(record.machine.device).eval())
    return TrainedPredictor(
        record=record,
        head=head,
        model=model,
        tokenizer=backbones.load_tokenizer(source, folder),
        tuned_body=not untouched,
    )

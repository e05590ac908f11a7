"""Learned vectors before what a decoder reads, as words of its own that only ever stand in front.

Their numbers lie behind the vocabulary, so whatever reads tokens, keeps what it has read, and goes
on with it, does so with them too. What is saved is peft's own file for virtual tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import adapt, anatomy
from tunewell.fit.heads import Head, head_for
from tunewell.fit.heads.causal import CausalHead

LEAST_ROOM = 16
"""Tokens that a row must have besides the virtual ones."""


class SoftWords(nn.Module):
    """Input embeddings with learned vectors behind those of the vocabulary."""

    def __init__(self, words: nn.Embedding, prompt: nn.Module, count: int) -> None:
        super().__init__()
        self.words, self.prompt, self.count = words, prompt, count

    @property
    def weight(self) -> Tensor:
        """(vocabulary, width), of the words alone."""
        return self.words.weight

    @property
    def num_embeddings(self) -> int:
        """Words alone."""
        return self.words.num_embeddings

    @property
    def embedding_dim(self) -> int:
        """Numbers of a vector."""
        return self.words.embedding_dim

    def vectors(self) -> Tensor:
        """The learned vectors (count, width)."""
        return self.prompt(torch.arange(self.count, device=self.weight.device))

    def forward(self, ids: Tensor) -> Tensor:
        """(..., tokens) -> (..., tokens, width)."""
        behind = ids - self.num_embeddings
        known = self.words(ids.clamp(max=self.num_embeddings - 1))
        own = self.vectors().to(known.dtype)[behind.clamp(min=0)]
        return torch.where((behind >= 0).unsqueeze(-1), own, known)


def refuse_without_room(job: Job, tokens: int) -> None:
    """Raise NotApplicable where no virtual tokens can stand before a text that is written."""
    assert job.backbone is not None
    if not isinstance(head_for(job.task, job.backbone), CausalHead):
        raise NotApplicable("virtual tokens stand before what decoders read, and this is none")
    if job.backbone.max_length < tokens + LEAST_ROOM:
        raise NotApplicable(f"{tokens} virtual tokens leave no room for the text")


def before_words(model: nn.Module, config: Callable[[dict[str, Any]], Any]) -> nn.Module:
    """A frozen decoder with learned vectors for virtual tokens.

    Args:
        config: makes peft's configuration from the sizes that it must be told.
    """
    inside: Any = anatomy.freeze_body(model)
    made, words = config(_sizes(inside)), inside.get_input_embeddings()
    peft = adapt.peft()
    encoder = made.peft_type == peft.PeftType.P_TUNING
    prompt = peft.PromptEncoder(made) if encoder else peft.PromptEmbedding(made, words)
    inside.set_input_embeddings(SoftWords(words, prompt, made.num_virtual_tokens))
    return model


def led(head: Head, model: nn.Module) -> Head:
    """The head, which puts the model's virtual tokens before each row where it has any."""
    words = soft_words(model)
    if words is None or not isinstance(head, CausalHead):
        return head
    first = words.num_embeddings
    return replace(head, lead=tuple(range(first, first + words.count)))


def soft_words(model: nn.Module) -> SoftWords | None:
    """The virtual tokens of a model that writes; None where it has none."""
    if not anatomy.writes(model):
        return None
    words = anatomy.unwrapped(model).get_input_embeddings()  # type: ignore[operator]
    return words if isinstance(words, SoftWords) else None


def save(model: nn.Module, folder: Path) -> None:
    """Write the vectors as peft does; `AutoPeftModelForCausalLM` opens the folder."""
    from safetensors.torch import save_file

    words, inside = soft_words(model), anatomy.unwrapped(model)
    assert words is not None
    sizes = {**_sizes(inside), "base_model_name_or_path": inside.config.name_or_path}  # type: ignore[union-attr]
    config = adapt.peft().PromptTuningConfig(num_virtual_tokens=words.count, **sizes)
    config.inference_mode = True
    config.save_pretrained(folder)
    with torch.no_grad():
        vectors = words.vectors().float().cpu().contiguous()
    save_file({"prompt_embeddings": vectors}, folder / "adapter_model.safetensors")


def load(model: nn.Module, folder: Path) -> nn.Module:
    """The decoder with the virtual tokens that `save` wrote."""
    from safetensors.torch import load_file

    vectors = load_file(folder / "adapter_model.safetensors")["prompt_embeddings"]
    inside: Any = anatomy.unwrapped(model)
    prompt = nn.Embedding.from_pretrained(vectors)
    inside.set_input_embeddings(SoftWords(inside.get_input_embeddings(), prompt, len(vectors)))
    return model


def _sizes(inside: Any) -> dict[str, Any]:
    """What peft must be told of a decoder."""
    return {
        "token_dim": inside.get_input_embeddings().embedding_dim,
        "num_layers": len(anatomy.layers(inside)[1]),
        "num_attention_heads": 1,  # has no meaning here, but peft wants it
        "num_transformer_submodules": 1,
        "task_type": "CAUSAL_LM",
    }

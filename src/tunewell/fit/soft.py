"""Virtual tokens of a model that writes, as words of its own that only ever stand in front.

Their numbers lie behind the vocabulary, so whatever reads tokens, keeps what it has read, and goes
on with it, does so with them too. What is learned are their vectors, or the keys and values that
they have in every layer. What is saved is peft's own file for virtual tokens.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import adapt, anatomy
from tunewell.fit.heads import Head, head_for
from tunewell.fit.heads.causal import CausalHead
from tunewell.fit.heads.seq2seq import Seq2SeqHead
from tunewell.values import read_json

LEAST_ROOM = 16
"""Tokens that a row must have besides the virtual ones."""


LEADABLE = (CausalHead, Seq2SeqHead)
"""Heads that put virtual tokens before each row."""


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


class SoftKeys(SoftWords):
    """Input embeddings whose virtual tokens have learned keys and values in every layer.

    What else these tokens are is of no account: nothing but their keys and values is ever read.
    """

    def __init__(
        self, words: nn.Embedding, prompt: nn.Module, count: int, shape: tuple[int, int]
    ) -> None:
        """`shape`: layers, and heads of keys in each."""
        super().__init__(words, prompt, count)
        self.shape = shape
        self.behind: Tensor
        """Which virtual token each token of the rows that run is (rows, tokens); others: < 0."""

    def forward(self, ids: Tensor) -> Tensor:
        """(..., tokens) -> (..., tokens, width)."""
        self.behind = ids - self.num_embeddings
        return self.words(ids.clamp(max=self.num_embeddings - 1))

    def put_in(self, layer: int, given: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        """Keys and values of a layer, with the learned ones where virtual tokens stand.

        Args:
            given: (rows, heads, tokens, width) each.
        """
        layers, heads = self.shape
        own = self.vectors().unflatten(1, (layers, 2, heads, -1))[:, layer]
        picked = own[self.behind.clamp(min=0)]  # (rows, tokens, 2, heads, width)
        at = (self.behind >= 0)[:, None, :, None]
        pairs = zip(picked.permute(2, 0, 3, 1, 4), given, strict=True)
        return tuple(torch.where(at, learned.to(each.dtype), each) for learned, each in pairs)


CACHES = ("past_key_values", "layer_past")
"""What layers of transformers call that which keeps the keys and values of what was read."""


@dataclass(frozen=True)
class _PutIn:
    """Stands for what keeps a layer's keys and values, and puts the learned ones in first."""

    words: SoftKeys
    layer: int
    cache: Any
    """None: nothing is kept."""

    def update(self, key: Tensor, value: Tensor, *more: Any, **named: Any) -> Any:
        """What the layer is to read from here on."""
        pair = self.words.put_in(self.layer, (key, value))
        return pair if self.cache is None else self.cache.update(*pair, *more, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)


def before_layers(model: nn.Module, start: Tensor, heads: int) -> nn.Module:
    """A frozen decoder with learned keys and values for virtual tokens, in every layer.

    Args:
        start: what they begin as (tokens, layers * 2 * heads * width), as peft has it.
        heads: of keys, in each layer.

    Raises:
        NotApplicable: its layers are not given what keeps their keys.
    """
    inside: Any = anatomy.freeze_body(model)
    layers = anatomy.layers(inside)[1]
    prompt = nn.Embedding.from_pretrained(start, freeze=False)
    shape = len(layers), heads
    words = SoftKeys(inside.get_input_embeddings(), prompt, len(start), shape)
    inside.set_input_embeddings(words)
    for number, layer in enumerate(layers):
        names = list(inspect.signature(layer.forward).parameters)
        found = [name for name in CACHES if name in names]
        if not found:
            raise NotApplicable("its layers take no keys from before the text")
        layer.register_forward_pre_hook(_giver(words, number, found[0], names), with_kwargs=True)
    return model


def _giver(words: SoftKeys, layer: int, name: str, names: list[str]) -> Callable[..., Any]:
    """A hook that gives a layer the learned keys and values."""
    place = names.index(name)

    def give(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        cache = args[place] if len(args) > place else kwargs.get(name)
        own = _PutIn(words, layer, cache)
        if len(args) > place:
            return (*args[:place], own, *args[place + 1 :]), kwargs
        return args, {**kwargs, name: own}

    return give


def refuse_without_room(job: Job, tokens: int) -> None:
    """Raise NotApplicable where no virtual tokens can stand before what a writer reads."""
    assert job.backbone is not None
    if not isinstance(head_for(job.task, job.backbone), LEADABLE):
        raise NotApplicable("virtual tokens stand before what writers read, and this is none")
    if job.backbone.max_length < tokens + LEAST_ROOM:
        raise NotApplicable(f"{tokens} virtual tokens leave no room for the text")


def before_words(model: nn.Module, config: Callable[[dict[str, Any]], Any]) -> nn.Module:
    """A frozen model with learned vectors for virtual tokens before what it reads.

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
    if words is None or not isinstance(head, LEADABLE):
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
    peft, sizes = adapt.peft(), _sizes(inside)
    with torch.no_grad():
        vectors = words.vectors().float().cpu().contiguous()
    made = peft.PromptTuningConfig
    if isinstance(words, SoftKeys):
        made, (layers, heads) = peft.PrefixTuningConfig, words.shape
        sizes |= {"token_dim": vectors.shape[1] // (2 * layers), "num_attention_heads": heads}
    sizes["base_model_name_or_path"] = inside.config.name_or_path  # type: ignore[union-attr]
    config = made(num_virtual_tokens=words.count, **sizes)
    config.inference_mode = True
    config.save_pretrained(folder)
    save_file({"prompt_embeddings": vectors}, folder / "adapter_model.safetensors")


def load(model: nn.Module, folder: Path) -> nn.Module:
    """The model with the virtual tokens that `save` wrote."""
    from safetensors.torch import load_file

    config = read_json(folder / "adapter_config.json")
    vectors = load_file(folder / "adapter_model.safetensors")["prompt_embeddings"]
    if config["peft_type"] == "PREFIX_TUNING":
        return before_layers(model, vectors, config["num_attention_heads"])
    inside: Any = anatomy.unwrapped(model)
    prompt = nn.Embedding.from_pretrained(vectors)
    inside.set_input_embeddings(SoftWords(inside.get_input_embeddings(), prompt, len(vectors)))
    return model


def _sizes(inside: Any) -> dict[str, Any]:
    """What peft must be told of a model."""
    return {
        "token_dim": inside.get_input_embeddings().embedding_dim,
        "num_layers": len(anatomy.layers(inside)[1]),
        "num_attention_heads": 1,  # has no meaning here, but peft wants it
        "num_transformer_submodules": 1,
        "task_type": "SEQ_2_SEQ_LM" if inside.config.is_encoder_decoder else "CAUSAL_LM",
    }

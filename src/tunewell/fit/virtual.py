"""Learned vectors before the text: peft's modules around the body, the head as it was.

peft's own classifiers let the head read the virtual tokens, or the padding, and lose some heads
on reload. Here the body gives the head the text's own positions only, so that every head works.
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
from tunewell.fit import adapt, anatomy, soft
from tunewell.fit.backbones import load_tokenizer, window
from tunewell.fit.heads import head_for
from tunewell.fit.sublayers import TOKENS, run
from tunewell.values import Progress

FAULTS = (TypeError, ValueError, RuntimeError, AttributeError, LookupError, AssertionError)
"""What a body raises that cannot be given such vectors."""


def leave_room(job: Job, tokens: int) -> Job:
    """The job with rows cut so that they fit into the window after so many virtual tokens.

    Raises:
        NotApplicable: nothing is left of it, or texts are to be written and not by a decoder.
    """
    assert job.backbone is not None
    if job.task.answers == "text":
        soft.refuse_without_room(job, tokens)
        return job  # they are tokens of the row
    most = window(job.backbone) - tokens
    if most < TOKENS:
        raise NotApplicable(f"{tokens} virtual tokens leave no room for the text")
    if most >= job.backbone.max_length:
        return job
    if getattr(job.task, "windows", False):  # nothing is lost
        return replace(job, backbone=replace(job.backbone, max_length=most))
    inputs = [example.input for example in (*job.train, *job.validation)]
    head, tokenizer = head_for(job.task, job.backbone), load_tokenizer(job.backbone)
    pieces = head.encode(tokenizer, inputs, job.backbone.max_length, training=True)
    if longer := len({piece.row for piece in pieces if len(piece.ids) > most}):
        told = f"{longer} of {len(inputs)} rows are cut at {most} tokens, as {tokens} virtual ones"
        job.report_progress(Progress(note=f"{told} stand before them"))
    return replace(job, backbone=replace(job.backbone, max_length=most))


def before_text(model: nn.Module, config: Callable[[dict[str, Any]], Any]) -> nn.Module:
    """A model whose body is frozen and gets virtual input embeddings before each text.

    Args:
        config: makes peft's configuration from the sizes that it must be told.

    Raises:
        NotApplicable: the body does not take them.
    """
    if anatomy.writes(model):
        return soft.before_words(model, config)
    return _wrap(model, config(sizes_before_text(anatomy.body(model))))


def sizes_before_text(body: nn.Module) -> dict[str, Any]:
    """What peft must be told of a body for virtual input embeddings."""
    sizes = {
        "token_dim": body.get_input_embeddings().embedding_dim,  # type: ignore[operator]
        "num_layers": len(anatomy.layers(body)[1]),
        "num_attention_heads": 1,  # has no meaning here, but peft wants it
    }
    return _for_peft(sizes)


def before_layers(model: nn.Module, config: Callable[[dict[str, Any]], Any]) -> nn.Module:
    """A model whose body is frozen and gets keys and values of its own in every layer.

    They begin as those of words drawn at random (arXiv 2101.00190, section 7.4).

    Raises:
        NotApplicable: the body takes no keys from before the text.
    """
    inner, written = anatomy.body(model), anatomy.writes(model)
    if written and inner.config.is_encoder_decoder:  # type: ignore[union-attr]
        raise NotApplicable(
            "an encoder takes no keys from before the text; prompt_tuning and p_tuning stand there"
        )
    made = config(sizes_before_layers(inner))
    drawn = torch.randint(inner.get_input_embeddings().num_embeddings, (made.num_virtual_tokens,))
    pairs = [torch.stack([layer.keys[0], layer.values[0]]) for layer in _keys(inner, drawn)]
    start = torch.stack(pairs).permute(3, 0, 1, 2, 4)  # (tokens, layers, 2, heads, width)
    start = start.reshape(made.num_virtual_tokens, -1)
    if written:
        return soft.before_layers(model, start, made.num_attention_heads)
    return _wrap(model, made, start)


def sizes_before_layers(body: nn.Module) -> dict[str, Any]:
    """What peft must be told of a body for keys and values in every layer."""
    shapes = {layer.keys.shape for layer in _keys(body)}
    if len(shapes) != 1:
        raise NotApplicable("the layers' keys differ in shape, and peft has one for all")
    _, heads, _, width = shapes.pop()
    sizes = {
        "token_dim": heads * width,
        "num_layers": len(anatomy.layers(body)[1]),
        "num_attention_heads": heads,
    }
    return _for_peft(sizes)


def load_virtual(model: nn.Module, folder: Path) -> nn.Module:
    """A classifier with the virtual tokens that peft saved in a folder."""
    return _place(model, adapt.opened(anatomy.carrier(model), folder))


def _for_peft(sizes: dict[str, int]) -> dict[str, Any]:
    return {**sizes, "num_transformer_submodules": 1, "task_type": "FEATURE_EXTRACTION"}


def _keys(body: nn.Module, ids: Tensor | None = None) -> list[Any]:
    """Each layer's keys and values (1, heads, tokens, width) of some tokens."""
    from transformers import DynamicCache

    cache = DynamicCache()
    try:
        run(body, ids, past_key_values=cache)
    except FAULTS as error:
        raise NotApplicable(f"the backbone takes no past keys ({_first_line(error)})") from error
    if len(cache.layers) != len(anatomy.layers(body)[1]):
        raise NotApplicable("the backbone takes no past keys: its layers do not look at them")
    return cache.layers


def _wrap(model: nn.Module, config: Any, start: Tensor | None = None) -> nn.Module:
    moving = [p for p in anatomy.freeze_body(model).parameters() if p.requires_grad]
    wrapped = adapt.wrapped(anatomy.carrier(model), config)
    for p in moving:  # peft has frozen what is fresh in the body
        p.requires_grad_(True)
    vectors = wrapped.prompt_encoder["default"]
    if start is not None:
        vectors.embedding.weight.data.copy_(start)
    _place(model, wrapped)
    _try_out(model, vectors)
    return model


def _place(model: nn.Module, wrapped: nn.Module) -> nn.Module:
    owner, name = anatomy.place_of_body(model)
    wrapped.register_forward_hook(_without_virtual, with_kwargs=True)
    _keep_types(wrapped)
    setattr(owner, name, wrapped)
    return model


def _keep_types(wrapped: nn.Module) -> None:
    """Hand `token_type_ids` past peft, which drops them; virtual tokens are of the first text."""
    held: list[Tensor] = []

    def take(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        types = kwargs.pop("token_type_ids", None)
        held[:] = [] if types is None else [types]
        return args, kwargs

    def give(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        if not held:
            return None
        types = held.pop()  # (batch, tokens)
        vectors = kwargs.get("inputs_embeds")
        extra = 0 if vectors is None else vectors.shape[1] - types.shape[1]
        kwargs["token_type_ids"] = nn.functional.pad(types, (extra, 0))
        return args, kwargs

    wrapped.register_forward_pre_hook(take, with_kwargs=True)
    wrapped.get_base_model().register_forward_pre_hook(give, with_kwargs=True)


def _without_virtual(wrapped: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
    """Drop the positions of virtual tokens, so that the head finds the text where it expects it."""
    ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
    extra = output.last_hidden_state.shape[1] - ids.shape[1]
    if extra == 0:
        return output
    hidden = output.last_hidden_state[:, extra:]  # (batch, tokens, hidden)
    output.last_hidden_state = hidden
    if output.get("pooler_output") is not None:
        output.pooler_output = wrapped.get_base_model().pooler(hidden)
    return output


def _try_out(model: nn.Module, vectors: nn.Module) -> None:
    """A few tokens through the whole: refused where that fails, or the vectors change nothing."""
    ids = torch.arange(TOKENS).unsqueeze(0) + 1
    try:
        output = model(input_ids=ids, attention_mask=torch.ones_like(ids))
    except FAULTS as error:
        reason = f"the backbone takes no virtual tokens ({_first_line(error)})"
        raise NotApplicable(reason) from error
    logits = output if isinstance(output, Tensor) else output.logits
    gradients = torch.autograd.grad(logits.sum(), list(vectors.parameters()), allow_unused=True)
    if not any(g is not None and g.abs().max() > 0 for g in gradients):
        raise NotApplicable("virtual tokens change nothing in this backbone's answers")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}"

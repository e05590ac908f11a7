"""Rows end to end in one row of tokens, so that nothing is computed for padding.

Whoever calls a body gives padded rows and gets padded rows back. Inside they run as one row;
only attention looks at where rows begin and end, so that each reads itself alone. A body that
does not answer so as it answers rows alone, which is tried on the CPU when it is loaded, stays
padded. On a GPU attention is by a kernel (`fit.varlen`), and rows stay padded where there is none.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

from torch import Tensor, nn

from tunewell.fit import anatomy
from tunewell.fit.agreement import agrees_at_few, disagreement
from tunewell.fit.attention import NAME, PADDED, ROWS, NotPackable, register
from tunewell.fit.few import few_of
from tunewell.fit.row_by_row import Rows
from tunewell.fit.skeleton import padding_offset
from tunewell.fit.tensors import is_out_of_memory
from tunewell.fit.varlen import usable

GATHERED = ("token_type_ids", "position_ids")
"""Beside ids or embeddings, what has a value a token (batch, tokens)."""
BESIDE = ("input_ids", "inputs_embeds", "attention_mask", "past_key_values", "return_dict")
"""What else may be given for rows to run end to end."""
FAULTS = (
    TypeError,
    ValueError,
    RuntimeError,
    AttributeError,
    LookupError,
)
"""What a body raises that cannot run so."""


_TRIED: dict[tuple[str, ...], str] = {}
"""Why it stays padded, or nothing, by body and longest row: a try takes as long as a step."""
_STOPS: dict[tuple[str, ...], bool] = {}
"""Whether its last layer may stop at what is read, by the same."""


def pack(body: nn.Module, most: int, fingerprint: str) -> None:
    """Have a body run rows end to end from now on, if it answers so as it answers each alone.

    Args:
        body: a model without a head, on the CPU; `why_padded` tells what came of it.
        most: tokens of the longest row that it will be given.
        fingerprint: of its weights; what was found for them is not tried again.
    """
    config: Any = body.config
    if config._attn_implementation != "sdpa":
        body.padded_because = "it has no fused attention"  # type: ignore[assignment]
        return
    register()
    body.padded_because = ""  # type: ignore[assignment]
    body.forward = MethodType(_packing(type(body).forward, padding_offset(body)), body)
    body.last_layer = ""  # type: ignore[assignment]
    config._attn_implementation = NAME
    key = (fingerprint, type(body).__name__, str(most))
    if key not in _TRIED:
        try:
            _TRIED[key] = disagreement(body, most) or why_padded(body) or ""
        except FAULTS as error:
            if is_out_of_memory(error):
                raise
            _TRIED[key] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    if reason := _TRIED[key]:
        del body.forward
        config._attn_implementation = "sdpa"
        body.padded_because = reason  # type: ignore[assignment]
        return
    stack, layers = anatomy.layers(body)
    body.last_layer = f"{stack}.{len(layers) - 1}"  # type: ignore[assignment]
    if key not in _STOPS:
        try:
            _STOPS[key] = agrees_at_few(body, most)
        except FAULTS as error:
            if is_out_of_memory(error):
                raise
            _STOPS[key] = False
    if not _STOPS[key]:
        body.last_layer = ""  # type: ignore[assignment]


def unpack(model: nn.Module, reason: str = "it is to be written down for others") -> None:
    """Have every body in a model run its rows padded from now on, as transformers itself does."""
    for body in model.modules():
        if vars(body).get("padded_because") == "":  # its own: peft's modules hand on its names
            del body.forward
            body.config._attn_implementation = "sdpa"  # type: ignore[union-attr]
            body.padded_because = reason  # type: ignore[assignment]


def why_padded(body: nn.Module) -> str | None:
    """Why a body runs padded; None where it runs rows end to end."""
    return getattr(body, "padded_because", "it was never tried") or None


def _packing(own: Callable[..., Any], offset: int) -> Callable[..., Any]:
    """A body's forward that gathers padded rows, runs them end to end, and scatters them back."""
    parameters = inspect.signature(own).parameters

    @functools.wraps(own)
    def forward(body: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(list(parameters)[1:], args, strict=False)) | kwargs
        if not PADDED.get() and not why_padded(body) and _takes(given):
            try:
                return _end_to_end(body, own, parameters, given, offset)
            except NotPackable as reason:
                body.padded_because = str(reason)
        return own(body, *args, **kwargs)

    return forward


def _end_to_end(
    body: Any, own: Callable[..., Any], parameters: Any, given: dict[str, Any], offset: int
) -> Any:
    """What a body says to padded rows, run as one row; hidden states are 0 at padding."""
    mask = given["attention_mask"]
    inputs = given["inputs_embeds" if given.get("input_ids") is None else "input_ids"]
    past = mask.shape[1] - inputs.shape[1]
    keep = mask[:, past:] != 0  # (batch, tokens)
    at = keep.flatten().nonzero().squeeze(1)  # (all tokens,)
    packed = {
        name: value.flatten(0, 1).index_select(0, at).unsqueeze(0)
        for name, value in given.items()
        if value is not None and (name in GATHERED or value is inputs)
    }
    if "position_ids" in parameters and "position_ids" not in packed:
        positions = keep.cumsum(1) + (past + offset - 1)  # (batch, tokens)
        packed["position_ids"] = positions.flatten()[at].unsqueeze(0)
    if "use_cache" in parameters:
        packed["use_cache"] = False
    if past:
        packed["past_key_values"] = _one_copy(given["past_key_values"])
    rows = Rows(tuple(keep.sum(1).tolist()), past)
    token = ROWS.set(rows)
    try:
        with few_of(body, rows.lengths, mask.device) as few:
            output = own(body, **packed)
    finally:
        ROWS.reset(token)
    if few is not None and few.begun:
        at = at[few.at]
    return _scattered(body, output, keep, at)


def _takes(given: dict[str, Any]) -> bool:
    """Whether padded rows are given, and nothing that asks for more than hidden states."""
    mask, past = given.get("attention_mask"), given.get("past_key_values")
    inputs = given.get("input_ids")
    inputs = given.get("inputs_embeds") if inputs is None else inputs
    if mask is None or inputs is None or mask.dim() != 2 or not usable(mask.device):
        return False
    if given.get("return_dict") is False:
        return False
    for name, value in given.items():
        if name in GATHERED:
            if value is not None and value.shape != inputs.shape[:2]:
                return False
        elif name not in BESIDE and value is not None and value is not False:
            return False
    before = mask.shape[1] - inputs.shape[1]
    if before != (0 if past is None else past.get_seq_length() or -1):
        return False  # an empty cache is to be filled
    return bool(mask[:, before:].any(1).all()) and bool(mask[:, :before].all())


def _one_copy(past: Any) -> Any:
    """The keys and values that all rows have before them, once."""
    from transformers import DynamicCache

    return DynamicCache([(layer.keys[:1], layer.values[:1]) for layer in past.layers])


def _scattered(body: Any, output: Any, keep: Tensor, at: Tensor) -> Any:
    """The output with its hidden states (batch, tokens, hidden) where the rows had them."""
    hidden = output.last_hidden_state[0]  # (all tokens that are read, hidden)
    places = hidden.new_zeros(keep.numel(), hidden.shape[-1])
    output.last_hidden_state = places.index_copy(0, at, hidden).unflatten(0, keep.shape)
    if output.get("past_key_values") is not None:
        output.past_key_values = None
    if output.get("pooler_output") is not None:
        output.pooler_output = body.pooler(output.last_hidden_state)
    return output

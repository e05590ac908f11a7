"""A model on this machine or behind an endpoint, asked in words."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunewell.fit import turns
from tunewell.fit.heads import writing
from tunewell.fit.turns import Asked
from tunewell.values import Example


def fitting(
    questions: Any,
    given: Any,
    shots: Sequence[Example],
    tokens: Callable[[Asked], int],
    room: int | None,
) -> Asked:
    """What is asked about an input, after as many of its solved rows as there is room for."""
    asked = questions.asked(given, shots)
    while shots and room is not None and tokens(asked) > room:
        shots = shots[1:]
        asked = questions.asked(given, shots)
    return asked


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """Tokens of a text, without any that the tokenizer puts around it."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def read_by(model: Any, tokenizer: Any, asked: Asked, window: int, after: int) -> list[int]:
    """Tokens that the model reads of a question, so that so many more have room after it."""
    if model.config.is_encoder_decoder:
        text = asked if isinstance(asked, str) else turns.asked_text(tokenizer, asked)
        return list(tokenizer(text, truncation=True, max_length=window)["input_ids"])
    room = max(window - after, window // 2)
    shorter = writing.shortened(tokenizer, asked, room)
    return ids_of(tokenizer, turns.asked_text(tokenizer, shorter))[-(window - 1) :]


def nats(
    model: Any, tokenizer: Any, asked: Asked, answers: Sequence[str], window: int
) -> list[float]:
    """How likely each answer is after a question, to its end, as a logarithm."""
    found = []
    two = model.config.is_encoder_decoder
    endings = written_out(tokenizer, answers) if two else behind(tokenizer, asked, answers)
    before = window if two else window - max(map(len, endings))
    read = read_by(model, tokenizer, asked, before, 0)[-before:]
    for ending in endings:
        with torch.no_grad():
            if two:
                labels = torch.tensor([ending[:window]])
                logits = model(input_ids=torch.tensor([read]), labels=labels).logits[0]
            else:
                logits = model(input_ids=torch.tensor([read + ending])).logits[0]
                logits = logits[len(read) - 1 : -1]
        own = torch.tensor(ending[: len(logits)]).unsqueeze(1)
        found.append(logits.float().log_softmax(-1).gather(1, own).sum().item())
    return found


def written_out(tokenizer: Any, answers: Sequence[str]) -> list[list[int]]:
    """Tokens of each answer as a decoder of its own writes them, with the one that ends them."""
    end = tokenizer.eos_token_id
    found = [list(tokenizer(text_target=answer)["input_ids"]) for answer in answers]
    return [ids if ids[-1:] == [end] else [*ids, end] for ids in found]


def behind(tokenizer: Any, asked: Asked, answers: Sequence[str]) -> list[list[int]]:
    """Tokens of each answer as they stand behind the question, with what ends them."""
    before = turns.asked_text(tokenizer, asked)
    read, found = ids_of(tokenizer, before), []
    for answer in answers:
        text = f" {answer}\n"  # a text that is gone on with ends with its line
        if not isinstance(asked, str):
            text = turns.solved_parts(tokenizer, asked, answer)[-1].text
        whole = ids_of(tokenizer, before + text)
        same = whole[: len(read)] == read and len(whole) > len(read)
        found.append(whole[len(read) :] if same else ids_of(tokenizer, text))
    return found


def write(
    model: Any, tokenizer: Any, asked: Asked, window: int, most: int, stops: Sequence[int]
) -> str:
    """What the model writes after a question: the likeliest token each time, to its end."""
    two = model.config.is_encoder_decoder
    read = read_by(model, tokenizer, asked, window, most) or [tokenizer.pad_token_id]
    with torch.no_grad():
        output = model.generate(
            input_ids=torch.tensor([read]),
            attention_mask=torch.ones(1, len(read), dtype=torch.long),
            max_new_tokens=min(most, window - (0 if two else len(read))),
            eos_token_id=list(stops),
            pad_token_id=tokenizer.pad_token_id,
        )
    new = output[0, 1 if two else len(read) :].tolist()
    end = next((place for place, number in enumerate(new) if number in stops), len(new))
    return tokenizer.decode(new[:end], skip_special_tokens=True).strip()


def reply(address: str, model: str, asked: Asked, limit: str, most: int) -> str | None:
    """What a server that completes conversations says; None where it refuses to.

    Args:
        limit: what the server calls the most tokens that it may write.
    """
    messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
    body = {"model": model, "messages": messages, limit: most, "temperature": 0}
    headers = {"content-type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(
        f"{address.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        choice = json.load(answer)["choices"][0]
    refused = choice["message"].get("refusal") or choice["finish_reason"] == "content_filter"
    return None if refused else choice["message"]["content"] or ""

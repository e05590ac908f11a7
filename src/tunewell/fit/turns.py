"""A conversation as the text that a model reads, and in it what the model is to say.

The tokenizer's own chat template renders it, in training as wherever the model is served. What an
assistant says is found by rendering a mark in its place, so a template needs no markers of its
own; what a model must say begins where the template's prompt for an answer ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from tunewell.errors import NotApplicable

Message = dict[str, str]
"""`{"role": "system" | "user" | "assistant", "content": "..."}`."""
ASSISTANT = "assistant"
Asked = str | tuple[Message, ...]
"""What an answer follows: a conversation, or a text that is simply gone on with."""

TALK = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}Assistant: {{ message['content'] }}{{ eos_token }}\n"
    "{% elif message['role'] == 'user' %}User: {{ message['content'] }}\n"
    "{% else %}{{ message['content'] }}\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
"""The template of a model that has none; `Assistant:` ends where tokenizers divide as well."""
READ = (
    "{% if messages | length == 1 %}{{ messages[0]['content'] }}{% else %}"
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n"
    "{% endfor %}{% endif %}"
)
"""That of an encoder, which reads a single question as it is."""


class Part(NamedTuple):
    """A piece of a rendered conversation."""

    text: str
    learnt: bool
    """Whether the model is to say it."""


def equip(tokenizer: Any, encoder: bool) -> None:
    """Give a tokenizer without a chat template one, which is then saved and served with it.

    Args:
        encoder: whether the conversation is read by an encoder and the answer stands apart.
    """
    if tokenizer.chat_template is None:
        talk = begin(tokenizer) and "{{ bos_token }}" + TALK
        tokenizer.chat_template = READ if encoder else talk or TALK


def begin(tokenizer: Any) -> str:
    """What the tokenizer itself puts before each text: its BOS token, or nothing."""
    first = tokenizer("a")["input_ids"][:1]
    return tokenizer.bos_token if first == [tokenizer.bos_token_id] else ""


def _start(tokenizer: Any) -> str:
    """What a text without a conversation follows."""
    return begin(tokenizer) or tokenizer.eos_token or ""


def asked_text(tokenizer: Any, asked: Asked) -> str:
    """What a model reads before it answers.

    A text that is gone on with follows BOS, or EOS as between texts, so that its first token is
    expected like the others.

    Raises:
        NotApplicable: the template refuses the conversation.
    """
    if isinstance(asked, str):
        return _start(tokenizer) + asked
    return _rendered(tokenizer, asked, open_end=True)


def solved_parts(
    tokenizer: Any, asked: Asked, answer: str, every_turn: bool = False, whole: bool = False
) -> list[Part]:
    """The same with the answer, and the token that ends it, in parts that are learnt or not.

    Before the last learnt part stands what `asked_text` gives, to the letter, unless the whole is
    learnt.

    Args:
        every_turn: whether what the assistant said earlier is learnt as well, where the template
            shows it as it shows an answer.
        whole: whether a text that is gone on with is learnt as well.

    Raises:
        NotApplicable: the template refuses the conversation, or does not show the answer once.
    """
    if isinstance(asked, str):
        start, end = _start(tokenizer), tokenizer.eos_token
        if whole:
            return [Part(start, False), Part(asked + answer + end, True)]
        return [Part(start + asked, False), Part(answer + end, True)]
    prompt = asked_text(tokenizer, asked)
    if every_turn and any(message["role"] == ASSISTANT for message in asked):
        parts = _marked_parts(tokenizer, asked, answer, every_turn=True)
        if "".join(part.text for part in parts[:-1]) == prompt:
            return parts
    return _marked_parts(tokenizer, asked, answer, every_turn=False)


def stops(tokenizer: Any) -> list[int]:
    """Numbers of the tokens that end an answer: the template's own, and EOS.

    Raises:
        NotApplicable: the tokenizer has no EOS token.
    """
    if tokenizer.eos_token_id is None:
        raise NotApplicable("its tokenizer has no token that ends a text")
    asked = ({"role": "user", "content": "a"},)
    said = solved_parts(tokenizer, asked, "b")[-1].text
    last = tokenizer(said, add_special_tokens=False)["input_ids"][-1]
    return list(dict.fromkeys([last, tokenizer.eos_token_id]))


def _marked_parts(
    tokenizer: Any, asked: tuple[Message, ...], answer: str, every_turn: bool
) -> list[Part]:
    """The parts of a rendering in which a mark stood for each answer that is learnt."""
    whole = (*asked, {"role": ASSISTANT, "content": answer})
    last = len(asked)
    numbers = [n for n, m in enumerate(asked) if every_turn and m["role"] == ASSISTANT]
    salt = hashlib.sha256(repr(whole).encode("utf-8", "replace")).hexdigest()[:16]
    marks = {number: f"turn{number}of{salt}" for number in (*numbers, last)}
    shown = [{**m, "content": marks.get(n, m["content"])} for n, m in enumerate(whole)]
    text = _rendered(tokenizer, shown)
    if any(text.count(mark) != 1 for mark in marks.values()):
        raise NotApplicable("its chat template does not show once what the assistant says")
    end = _end(tokenizer, text.partition(marks[last])[2])
    parts: list[Part] = []
    done = 0
    opened = {n: _rendered(tokenizer, shown[:n], open_end=True) for n in marks}
    leads = {n: _lead(text[: text.index(mark)], opened[n]) for n, mark in marks.items()}
    for number, mark in marks.items():
        if leads[number] != leads[last]:
            continue  # a turn that the template shows otherwise than an answer is not learnt
        place = text.index(mark)
        stop = place + len(mark)
        stop += len(end) if text.startswith(end, stop) else 0
        begins = place - len(leads[number] or "")
        parts += [Part(text[done:begins], False), Part(text[begins:stop], True)]
        done = stop
    if leads[last] is None:  # it shows an answer otherwise than it asks for one, which counts
        parts = [Part(opened[last], False), parts[-1]]
    for number, mark in marks.items():
        said = whole[number]["content"].strip()
        parts = [Part(part.text.replace(mark, said), part.learnt) for part in parts]
    if not end:
        parts[-1] = Part(parts[-1].text + tokenizer.eos_token, True)
    return parts


def _lead(before: str, opened: str) -> str | None:
    """What a model must say before its answer; None where it is not asked for as it is shown."""
    return before[len(opened) :] if before.startswith(opened) else None


def _rendered(tokenizer: Any, messages: Sequence[Message], open_end: bool = False) -> str:
    """The template's text; with an open end the assistant is to go on.

    Raises:
        NotApplicable: it refuses the conversation, with its own words.
    """
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=open_end
        )
    except TemplateError as error:
        told = str(error).strip()[:120]
        raise NotApplicable(f"its chat template refuses a conversation: {told}") from error


def _end(tokenizer: Any, tail: str) -> str:
    """What ends an answer, of what a template puts behind the last one: to a special token."""
    specials = {str(t) for t in tokenizer.added_tokens_decoder.values() if t.special}
    specials |= set(tokenizer.all_special_tokens)
    found = [(tail.index(token), -len(token), token) for token in specials if token in tail]
    if not found:
        return ""
    place, _, token = min(found)
    return tail[: place + len(token)]

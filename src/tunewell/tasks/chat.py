"""A conversation in; what the assistant says next out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell.errors import DataError, EmptyCell
from tunewell.inputs import one_line
from tunewell.values import Column, Example
from tunewell.written import Written

ROLES = {
    "system": ("system", "developer"),
    "user": ("user", "human", "prompter", "usr", "question"),
    "assistant": ("assistant", "gpt", "bot", "model", "chatgpt", "bing", "bard", "answer"),
}
"""What each role is called in people's files."""
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}
WHO, WHAT = ("role", "from", "speaker"), ("content", "value", "text")
"""Where a message has its role and its text: OpenAI's names, ShareGPT's, others."""


@dataclass(frozen=True)
class Chat(Written):
    """What an assistant says in a conversation.

    Row in: `{"messages": [{"role": "user", "content": "What is the capital of France?"},
    {"role": "assistant", "content": "Paris."}]}`

    Answer out: `Answer(value="Paris.")`

    Metrics: as for `instruct`: `f1` decides where answers are short, else `rouge_l`.

    The files of OpenAI's fine-tuning (`messages`) and ShareGPT's (`conversations`) are read as
    they are, also where LLaMA-Factory's `dataset_info.json` beside them names the columns. The
    last message of the assistant is the answer, and what follows it is left out; earlier ones are
    learnt too. A conversation to be answered ends with the user; a text alone is a first question.
    """

    name: ClassVar[str] = "chat"
    summary: ClassVar[str] = "a conversation in; what the assistant says next out"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "messages",
            "The messages of a conversation, each with who says it and what.",
            "conversations",
            headers=("messages", "conversations", "conversation", "chat", "dialogue", "dialog"),
            nested=True,
        ),
        Column(
            "system",
            "What the assistant is told before.",
            "system prompts",
            headers=("system", "system prompt", "system_prompt"),
            needed=False,
        ),
        Column(
            "during",
            "In which part of a training the row is learnt, from 0 to 1: [0.5, 1] is the second"
            " half.",
            "parts of the training",
            headers=("during",),
            needed=False,
            nested=True,
        ),
    )

    def input(self, row: dict[str, Any], where: str) -> tuple[dict[str, str], ...]:
        """The messages; without the last one where the assistant says it."""
        messages = _messages(row, where)
        asked = messages[:-1] if messages[-1]["role"] == "assistant" else messages
        if not any(message["role"] == "user" for message in asked):
            found = f"{where}: nobody asks anything."
            raise EmptyCell(found, "A message of the user is expected.", column="messages")
        return asked

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cell `messages`, and maybe `system` -> an example."""
        messages = _messages(row, where)
        while messages and messages[-1]["role"] != "assistant":
            messages = messages[:-1]
        if not messages or not messages[-1]["content"].strip():
            found = f"{where}: the assistant says nothing."
            raise EmptyCell(found, "A message of the assistant is expected.", column="messages")
        asked = self.input({"messages": list(messages)}, where)
        answer = messages[-1]["content"].strip()
        return Example(asked, answer, source=where, during=_during(row.get("during"), where))

    def conversation(self, input: Any) -> tuple[dict[str, str], ...]:
        """The messages as they are."""
        return input

    def asked(self, input: Any) -> str:
        """A conversation that ends where the assistant speaks."""
        lines = [f"{each['role'].capitalize()}: {one_line(each['content'])}" for each in input]
        return "\n".join([*lines, "Assistant:"])

    def texts(self, input: Any) -> tuple[str, ...]:
        """What is said in each message."""
        return tuple(message["content"] for message in input)


def _messages(row: dict[str, Any], where: str) -> tuple[dict[str, str], ...]:
    """The messages of a row, with the system prompt where it stands apart."""
    cell, system = row.get("messages"), row.get("system")
    if isinstance(cell, str):
        cell = _parsed(cell)
    if not cell:
        found = f"{where}: the conversation is empty."
        raise EmptyCell(found, "Messages are expected.", column="messages")
    given = cell.get("messages", cell) if isinstance(cell, dict) else cell
    if not isinstance(given, (list, tuple)):
        raise _odd(where, "this is no list of messages")
    messages = tuple(_message(each, where) for each in given)
    if isinstance(system, str) and system.strip() and messages[0]["role"] != "system":
        messages = ({"role": "system", "content": system}, *messages)
    return messages


def _during(cell: Any, where: str) -> tuple[float, float]:
    """The part of a training in which a row is learnt; all of it where the cell says nothing."""
    if cell in (None, ""):
        return 0.0, 1.0
    try:
        since, until = map(float, json.loads(cell) if isinstance(cell, str) else cell)
    except (TypeError, ValueError):
        since, until = 1.0, 0.0
    if not 0 <= since < until <= 1:
        raise DataError(
            f"{where}: {str(cell)[:40]!r} is no part of a training.",
            "Two shares are expected, the smaller first: [0.5, 1] is the second half.",
            "Correct it or leave it empty.",
            column="during",
        )
    return since, until


def _parsed(text: str) -> Any:
    """Messages that a table holds as JSON; any other text is what a user says."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass
    return [{"role": "user", "content": text}] if text.strip() else []


def _message(given: Any, where: str) -> dict[str, str]:
    """One message with our names; a text in parts is put together."""
    if not isinstance(given, dict):
        raise _odd(where, "a message is no object")
    who = next((given[name] for name in WHO if isinstance(given.get(name), str)), None)
    what = next((given[name] for name in WHAT if given.get(name) is not None), None)
    if isinstance(what, (list, tuple)):
        parts = [part.get("text") if isinstance(part, dict) else part for part in what]
        what = "".join(parts) if all(isinstance(part, str) for part in parts) else None
    if who is None or what is None or not isinstance(what, str):
        raise _odd(where, "a message lacks its role or its text")
    role = ROLE_OF.get(who.strip().lower())
    if role is None:
        raise _odd(where, f"a message is by {who[:40]!r}")
    return {"role": role, "content": what}


def _odd(where: str, found: str) -> DataError:
    return DataError(
        f"{where}: {found}.",
        'Messages as {"role": "user", "content": "..."} are expected, by system, user, assistant.',
        "Correct the row or leave it out.",
        column="messages",
    )

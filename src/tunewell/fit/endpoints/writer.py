"""A model that is asked over HTTP, several questions at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tunewell.endpoint import Endpoint
from tunewell.fit.endpoints import kept, requests
from tunewell.fit.endpoints.account import account_of
from tunewell.fit.prompting.writers import Said
from tunewell.fit.turns import Asked

AT_ONCE = 8
"""Questions that are under way together."""
SECONDS = 1.0
"""That an answer is taken to need in a plan, which asks nothing."""
AROUND = 16
"""Tokens at most that a server puts around a message."""
FEW_BYTES = 2
"""Bytes of a token of an answer, if they are few."""


@dataclass(frozen=True)
class EndpointWriter:
    """A server that completes conversations."""

    endpoint: Endpoint

    talks = True
    window = None
    weights = 0

    def tokens(self, asked: Asked) -> int:
        """At most so many: a token is a byte or more."""
        texts = [message["content"] for message in _messages(asked)]
        return sum(len(text.encode("utf-8", "replace")) + AROUND for text in texts) + AROUND

    def length(self, answer: str) -> int:
        """Tokens of an answer, or more; other models divide texts otherwise."""
        return len(answer.encode("utf-8", "replace")) // FEW_BYTES + 1

    def write(self, asked: Sequence[Asked], most: int) -> list[Said]:
        """What it replies to each question; equal ones are asked once.

        Raises:
            CapReached: no more may be spent; replies so far are kept.
            ConfigError, ResourceError: as for `requests.send`.
        """
        wanted = [self._request(each, most) for each in asked]
        keys = [kept.key_of(self.endpoint, request) for request in wanted]
        found = {key: kept.find(key, self.endpoint.kept_since) for key in dict.fromkeys(keys)}
        new = {k: r for k, r in zip(keys, wanted, strict=True) if found[k] is None}
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            replies = {key: pool.submit(self._ask, key, each, most) for key, each in new.items()}
            found |= {key: reply.result() for key, reply in replies.items()}
        finally:
            pool.shutdown(cancel_futures=True)
        return [said for key in keys if (said := found[key]) is not None]

    def _request(self, asked: Asked, most: int) -> dict[str, Any]:
        """As it is sent; OpenAI's own models have another name for the most that is written."""
        name = "max_completion_tokens" if self.endpoint.base_url is None else "max_tokens"
        request = {"model": self.endpoint.model, "messages": _messages(asked), name: most}
        return {**request, "temperature": 0}

    def _ask(self, key: str, request: dict[str, Any], most: int) -> Said:
        account = account_of(self.endpoint)
        bound = self.tokens(tuple(request["messages"])), most
        said = requests.send(self.endpoint, request, account, bound)
        kept.keep(key, said)
        return said


def _messages(asked: Asked) -> list[dict[str, str]]:
    return [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)

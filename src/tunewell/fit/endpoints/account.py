"""What a run has spent at an endpoint: no request is sent that might pass what it may spend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tunewell.endpoint import Endpoint
from tunewell.errors import ResourceError
from tunewell.values import read_json, write_json


class CapReached(ResourceError):
    """The next request might pass what may be spent; it was not sent."""


@dataclass(frozen=True)
class Spent:
    """Tokens and money; what is under way counts with the most that it may take."""

    tokens: int = 0
    money: float = 0.0
    requests: int = 0


@dataclass
class Use:
    """What one request takes: at most so much, until its reply says what it was."""

    read: int
    written: int


class Account:
    """The spending of a run, shared by all its threads; kept in a file, so that it goes on.

    The file holds reservations too: what is killed while it waits for a reply counts as spent.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path if path is not None and path.parent.is_dir() else None
        self._lock = threading.Lock()
        self._spent = Spent()
        if self._path is not None and self._path.exists():
            self._spent = Spent(**read_json(self._path))

    @property
    def spent(self) -> Spent:
        """So far."""
        return self._spent

    @contextmanager
    def request(self, endpoint: Endpoint, read: int, written: int) -> Iterator[Use]:
        """Around a request that reads and writes at most so many tokens.

        What is set in the record that it gives counts at the end instead of the most; a request
        that ends with an error counts in full unless it sets 0, as it may have been paid for.

        Raises:
            CapReached: it might pass a cap.
        """
        use = Use(read, written)
        with self._lock:
            after = self._with(endpoint, use, 1)
            _refuse(endpoint, self._spent, after)
            self._set(after)
        most = Use(read, written)
        try:
            yield use
        finally:
            with self._lock:
                self._set(self._with(endpoint, use, 0, less=most))

    def _with(self, endpoint: Endpoint, use: Use, requests: int, less: Use | None = None) -> Spent:
        less = less or Use(0, 0)
        read, written = use.read - less.read, use.written - less.written
        money = endpoint.money(read, written) or 0.0
        before = self._spent
        return replace(
            before,
            tokens=before.tokens + read + written,
            money=before.money + money,
            requests=before.requests + requests,
        )

    def _set(self, spent: Spent) -> None:
        self._spent = spent
        if self._path is not None:
            write_json(self._path, spent)


def account_of(endpoint: Endpoint) -> Account:
    """That of a run, one for all threads; it is in memory where the run's folder is gone."""
    with _OPENING:
        if endpoint.account not in _OPEN:
            path = Path(endpoint.account) if endpoint.account else None
            _OPEN[endpoint.account] = Account(path)
        return _OPEN[endpoint.account]


_OPEN: dict[str, Account] = {}
_OPENING = threading.Lock()


def _refuse(endpoint: Endpoint, spent: Spent, after: Spent) -> None:
    """CapReached where a cap might be passed."""
    cap = ""
    if endpoint.most_tokens is not None and after.tokens > endpoint.most_tokens:
        cap = f"{spent.tokens:,} of {endpoint.most_tokens:,} tokens are spent"
        option = "--max-tokens-spent"
    if endpoint.most_money is not None and after.money > endpoint.most_money + 1e-12:
        cap = f"{spent.money:.4g} of {endpoint.most_money:g} is spent"
        option = "--max-money-spent"
    if cap:
        raise CapReached(
            f"The next question to {endpoint.model} might cost more than may be spent: {cap}.",
            "",
            f"Raise {option} and give the same command again; answers so far are kept.",
        )

"""A model that is asked over HTTP instead of one on this machine."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "openai:"
"""What the name of such a backbone begins with."""


@dataclass(frozen=True)
class Caps:
    """How much may be spent at an endpoint, and how long a question may take; None: no bound."""

    tokens: int | None = None
    """Read and written."""
    money: float | None = None
    prices: tuple[float, ...] | None = None
    """Of a million tokens read, and of a million written; None: those that are known."""
    seconds: float | None = None
    """For one question."""


@dataclass(frozen=True)
class Endpoint:
    """A server that is asked in OpenAI's way, and what may be spent on it."""

    model: str
    base_url: str | None = None
    """Where it answers; None: OpenAI's own."""
    most_tokens: int | None = None
    """That a run may read and write there."""
    most_money: float | None = None
    price_read: float | None = None
    """Of a million tokens read."""
    price_written: float | None = None
    account: str = ""
    """The file in which a run writes down what it has spent; "": it is kept in memory."""
    created: int | None = None
    """When the model was made, in seconds since 1970; None where the server does not say."""
    kept_since: float = 0.0
    """Replies that were kept before that moment, in seconds since 1970, are asked for anew."""
    seconds: float | None = None
    """After which a question without an answer is given up; None: as long as tries may help."""

    def money(self, read: int, written: int) -> float | None:
        """What so many tokens cost; None where the prices are not known."""
        if self.price_read is None or self.price_written is None:
            return None
        return (read * self.price_read + written * self.price_written) / 1e6

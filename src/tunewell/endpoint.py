"""A model that is asked over HTTP instead of one on this machine."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "openai:"
"""What the name of such a backbone begins with."""


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

    def money(self, read: int, written: int) -> float | None:
        """What so many tokens cost; None where the prices are not known."""
        if self.price_read is None or self.price_written is None:
            return None
        return (read * self.price_read + written * self.price_written) / 1e6

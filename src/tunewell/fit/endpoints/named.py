"""`openai:MODEL` as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewell.endpoint import PREFIX, Endpoint
from tunewell.errors import ConfigError
from tunewell.values import Backbone, fingerprint

WINDOW = 2**20
"""Tokens of which no server is asked more; what it reads at once it says itself."""


def is_endpoint(name: str | None) -> bool:
    """Whether a backbone's name is that of an endpoint."""
    return name is not None and name.startswith(PREFIX)


def endpoint_named(
    name: str,
    *,
    base_url: str | None = None,
    most_tokens: int | None = None,
    most_money: float | None = None,
    prices: Sequence[float] | None = None,
    account: Path | None = None,
) -> Backbone:
    """The backbone that a name such as `openai:MODEL` stands for; nothing is asked yet.

    Args:
        prices: of a million tokens read, and of a million written.
        account: the file in which is written down what is spent.

    Raises:
        ConfigError: no model is named, or money is bounded without prices.
    """
    model = name.removeprefix(PREFIX).strip()
    if not model:
        raise ConfigError(f"{name!r} names no model.", f"Expected a name such as {PREFIX}MODEL.")
    if most_money is not None and prices is None:
        raise ConfigError(
            "What may be spent is bounded, and what tokens cost is not known.",
            "",
            "Give the prices of a million tokens read and written: --price-per-million 0.15,0.60",
        )
    if prices is not None and len(prices) != 2:
        raise ConfigError(
            f"price_per_million has {len(prices)} numbers.",
            "Two are expected: of a million tokens read, and of a million written.",
        )
    read, written = prices if prices is not None else (None, None)
    endpoint = Endpoint(model, base_url, most_tokens, most_money, read, written, str(account or ""))
    mark = fingerprint({"endpoint": base_url, "model": model})
    return Backbone(name, Path(name), mark, None, WINDOW, endpoint)

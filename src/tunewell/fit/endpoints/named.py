"""`openai:MODEL` as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunewell.endpoint import PREFIX, Caps, Endpoint
from tunewell.errors import ConfigError
from tunewell.values import Backbone, fingerprint

WINDOW = 2**20
"""Tokens of which no server is asked more; what it reads at once it says itself."""


def is_endpoint(name: str | None) -> bool:
    """Whether a backbone's name is that of an endpoint."""
    return name is not None and name.startswith(PREFIX)


def model_in(name: str) -> str:
    """What the server calls the model that a name such as `openai:MODEL` stands for."""
    return name.removeprefix(PREFIX).strip()


def endpoint_named(
    name: str,
    *,
    base_url: str | None = None,
    most_tokens: int | None = None,
    most_money: float | None = None,
    prices: Sequence[float] | None = None,
    account: Path | None = None,
    created: int | None = None,
    kept_since: float = 0.0,
) -> Backbone:
    """The backbone that a name such as `openai:MODEL` stands for; nothing is asked yet.

    Args:
        prices: of a million tokens read, and of a million written.
        account: the file in which is written down what is spent.
        created: when the model was made, as `listed.created` has it.
        kept_since: from when on kept replies count, in seconds since 1970.

    Raises:
        ConfigError: no model is named, or money is bounded without prices.
    """
    model = model_in(name)
    if not model:
        raise ConfigError(f"{name!r} names no model.", f"Expected a name such as {PREFIX}MODEL.")
    read, written = _both(prices, most_money)
    kept = str(account or "")
    caps = most_tokens, most_money, read, written, kept
    endpoint = Endpoint(model, base_url, *caps, created, kept_since)
    which = {"endpoint": base_url, "model": model}
    mark = fingerprint(which if created is None else {**which, "created": created})
    return Backbone(name, Path(name), mark, None, WINDOW, endpoint)


def bounded(endpoint: Endpoint, caps: Caps) -> Endpoint:
    """The same with these caps and no others, for all such endpoints of the process together.

    Raises:
        ConfigError: money is bounded without prices.
    """
    known = None
    if endpoint.price_read is not None and endpoint.price_written is not None:
        known = endpoint.price_read, endpoint.price_written
    read, written = _both(caps.prices or known, caps.money)
    return replace(
        endpoint,
        most_tokens=caps.tokens,
        most_money=caps.money,
        price_read=read,
        price_written=written,
        account="",
        seconds=caps.seconds,
    )


def _both(
    prices: Sequence[float] | None, most_money: float | None
) -> tuple[float, float] | tuple[None, None]:
    """The prices of what is read and of what is written; ConfigError where money needs them."""
    if most_money is not None and prices is None:
        raise ConfigError(
            "What may be spent is bounded, and what tokens cost is not known.",
            "",
            "Give the prices of a million tokens read and written: --price-per-million 0.15,0.60",
        )
    if prices is None:
        return None, None
    if len(prices) != 2:
        raise ConfigError(
            f"price_per_million has {len(prices)} numbers.",
            "Two are expected: of a million tokens read, and of a million written.",
        )
    return prices[0], prices[1]

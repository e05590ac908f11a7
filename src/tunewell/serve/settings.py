"""What a server is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewell.errors import ConfigError

LEAST_KEY = 8
Form = Literal["hf", "merged", "adapter", "onnx", "onnx-int8"]
"""In which form a model leaves."""


@dataclass(frozen=True)
class ServeOptions:
    """How a server listens, and how much it takes on."""

    host: str = "127.0.0.1"
    """The address to listen on. Any but this machine's own needs a key in the environment:
    TUNEWELL_KEY."""
    port: int = 8000
    """The port to listen on."""
    timeout: str = "30s"
    """The longest that a request may take, such as 30s or 2m; it is answered with 504 then."""
    queue: int = 256
    """Requests that may wait; more are answered with 429 and told when to come again."""
    batch_tokens: int = 8192
    """About how many tokens are computed at once; fewer answer sooner, more answer more."""
    most_inputs: int = 1024
    """Inputs that one request may have."""
    most_tokens: int = 4096
    """Tokens that a conversation and its answer may have together, if the model reads so many."""
    most_bytes: str = "1MB"
    """The largest body that is read."""
    max_tokens_spent: int | None = None
    """Tokens that models behind an endpoint may read and write there, all together, as long as the
    server runs; a question that might pass it is not sent. Not given: a million."""
    max_money_spent: float | None = None
    """The same in money, by the prices of price_per_million."""
    price_per_million: tuple[float, ...] | None = None
    """What the endpoint takes for a million tokens read, and for a million written: 0.15,0.60. Not
    given: as the run was told."""

    def __post_init__(self) -> None:
        """Refuse what cannot be served with."""
        if not 1 <= self.port <= 65535:
            raise ConfigError(f"port is {self.port}.", "A number from 1 to 65535 is expected.")

"""One request to an endpoint: sent, tried again where that may help, and its reply read."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tunewell.endpoint import Endpoint
from tunewell.errors import ConfigError, ResourceError
from tunewell.fit.endpoints.account import Account
from tunewell.fit.prompting.writers import Said

if TYPE_CHECKING:
    import openai

OPENAI = "https://api.openai.com/v1"
ADDRESS = "OPENAI_BASE_URL"
"""The environment variable in which OpenAI's own client looks for an address."""
TRIES = 6
"""Times that a request is sent."""
FIRST_WAIT_SECONDS = 0.5
"""Before the second; each further wait is twice as long, but for chance."""
LONGEST_WAIT_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
"""For one reply."""
LEAST_SECONDS = 0.1
"""For one reply, however little time is left."""
AGAIN = (408, 409, 429)
"""Statuses, beside those from 500 on, after which the same request may be answered."""
LATE = (408, 502, 504, 524)
"""Statuses by which something in between gives up on a reply that may have been made and billed."""
NO_ANSWER = ("content_filter", "context_length_exceeded")
"""Codes of refusals that are about one row alone."""


@cache
def client(base_url: str | None, key: str | None) -> openai.OpenAI:
    """OpenAI's own client, which must not try again by itself: each request is paid for.

    Raises:
        ResourceError: the package is missing.
        ConfigError: there is no key, and the server is OpenAI's own.
    """
    try:
        import openai
    except ImportError:
        raise ResourceError(
            "The package openai is missing.", "", "Install it: pip install 'tunewell[endpoints]'"
        ) from None
    if not key and base_url is None:
        raise ConfigError(
            "There is no key for the endpoint.",
            "The environment variable OPENAI_API_KEY is expected to hold it.",
            "For a server without keys name it with --base-url.",
        )
    return openai.OpenAI(api_key=key or "none", base_url=base_url or OPENAI, max_retries=0)


def key_at_hand() -> str | None:
    """The key in the environment."""
    return os.environ.get("OPENAI_API_KEY")


_NAMED: set[str] = set()


def address(base_url: str | None) -> str | None:
    """Where the user wants models to be asked, so that the key may go there; None: at OpenAI.

    Args:
        base_url: as typed; the address in `OPENAI_BASE_URL` unless given.
    """
    named = base_url or os.environ.get(ADDRESS) or None
    if named is not None:
        _NAMED.add(named)
    return named


def key_for(base_url: str | None) -> str | None:
    """The key, where it may be sent: to OpenAI, this machine, or an address that the user named.

    Any other stands in a model's folder, which may come from somebody else.

    Raises:
        ConfigError: the address is such another, and there is a key.
    """
    key = key_at_hand()
    own = base_url is None or base_url in _NAMED or base_url == os.environ.get(ADDRESS)
    if own or not key or urlsplit(base_url).hostname in ("localhost", "127.0.0.1", "::1"):
        return key
    raise ConfigError(
        f"The model asks {base_url}, which this command does not name.",
        "The key in OPENAI_API_KEY goes only to addresses that you name.",
        "If it is yours, set OPENAI_BASE_URL to it; else take the key out of the environment.",
    )


def send(
    endpoint: Endpoint,
    request: dict[str, Any],
    account: Account,
    most: tuple[int, int],
    wait: Callable[[float], None] = time.sleep,
) -> Said:
    """The reply to a request.

    Args:
        most: tokens that it reads and writes at most.
        wait: called with seconds between two tries.

    Raises:
        CapReached: it might cost more than may be spent.
        ConfigError: key, model or request are refused.
        ResourceError: there is no usable reply after `TRIES` tries, or in the endpoint's `seconds`.
    """
    import openai

    asking = client(endpoint.base_url, key_for(endpoint.base_url))
    ends = time.monotonic() + (math.inf if endpoint.seconds is None else endpoint.seconds)
    for attempt in range(1, TRIES + 1):
        asked_to_wait = 0.0
        patience = max(LEAST_SECONDS, min(PATIENCE_SECONDS, ends - time.monotonic()))
        try:
            with account.request(endpoint, *most) as use:
                begun = time.perf_counter()
                try:
                    reply = asking.chat.completions.create(**request, timeout=patience)
                    said = _read(reply, time.perf_counter() - begun, most)
                except openai.APIStatusError as error:
                    if error.status_code not in LATE:  # what is refused costs nothing
                        use.read = use.written = 0
                    raise
                use.read, use.written = said.read, said.written
            return said
        except openai.APIStatusError as error:
            if _code(error) in NO_ANSWER:
                return Said(None, 0, 0)
            if not _may_help(error):
                raise _refused(endpoint, error) from error
            why = f"status {error.status_code}"
            asked_to_wait = _retry_after(error.response.headers.get("retry-after"))
        except openai.APITimeoutError:
            why = f"no reply within {patience:.0f} s"
        except openai.APIConnectionError as error:
            why = f"no whole reply ({type(error.__cause__ or error).__name__})"
        except (openai.APIError, ValueError, TypeError, AttributeError, LookupError) as error:
            why = f"a reply that cannot be read ({type(error).__name__})"
        pause = max(asked_to_wait, _wait(attempt))
        if attempt == TRIES or time.monotonic() + pause >= ends:
            break
        wait(pause)
    times = "once" if attempt == 1 else f"{attempt} times"
    raise ResourceError(
        f"{endpoint.model} did not answer: {why}, {times}.",
        "",
        "Give the same command again later; answers so far are kept.",
    )


def _read(reply: Any, seconds: float, most: tuple[int, int]) -> Said:
    """What a reply says.

    Raises:
        ValueError, TypeError, AttributeError, LookupError: it is no completion.
    """
    choice = reply.choices[0]
    message, usage = choice.message, reply.usage
    text = message.content
    if getattr(message, "refusal", None) or choice.finish_reason == "content_filter":
        text = None
    elif not isinstance(text, str):
        if choice.finish_reason not in ("length", "stop"):
            raise ValueError("there is no text in it")
        text = ""
    read, written = most if usage is None else (usage.prompt_tokens, usage.completion_tokens)
    return Said(text, int(read), int(written), seconds)


def _code(error: Any) -> str:
    return str(getattr(error, "code", None) or "")


def _may_help(error: Any) -> bool:
    """Whether the same request may be answered later."""
    if _code(error) == "insufficient_quota":
        return False
    return error.status_code in AGAIN or error.status_code >= 500


def _refused(endpoint: Endpoint, error: Any) -> ConfigError:
    """What the server says of a request that it will never answer."""
    where = endpoint.base_url or "OpenAI"
    told = " ".join(str(error.message).split())[:200]
    if error.status_code in (401, 403):
        remedy = "The environment variable OPENAI_API_KEY holds the key that is sent."
    elif error.status_code == 404:
        remedy = f"Is {endpoint.model!r} the name of a model there?"
    else:
        remedy = ""
    return ConfigError(f"{where} refuses the question: {told}", remedy)


def _wait(attempt: int) -> float:
    """Seconds after so many tries; chance keeps requests from coming back together."""
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
    return longest * random.uniform(0.75, 1.0)


def _retry_after(header: str | None) -> float:
    """Seconds that a server asks to wait, as a number or as a date; 0 where it does not say."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(0.0, seconds), LONGEST_WAIT_SECONDS)

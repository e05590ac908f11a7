"""What a server says of the models that it has."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from tunewell.fit.endpoints.requests import client, key_for

PATIENCE_SECONDS = 5.0
CLOCK_SECONDS = 5
"""A time so near to the server's own is no time of a model."""


def created(base_url: str | None, model: str) -> int | None:
    """When a model was made, in seconds since 1970; None where its server does not say.

    Some servers list the time of the asking with every model: they do not say either.

    Raises:
        ConfigError, ResourceError: as for `requests.client` and `requests.key_for`.
    """
    asking = client(base_url, key_for(base_url))
    import openai

    try:
        reply = asking.models.with_raw_response.list(timeout=PATIENCE_SECONDS)
        models = reply.parse().data
        found = [int(each.created) for each in models if each.id == model]
        date = reply.headers.get("date")
        now = parsedate_to_datetime(date).timestamp() if date else time.time()
    except (openai.OpenAIError, ValueError, TypeError, AttributeError):
        return None
    if not found or abs(found[0] - now) <= CLOCK_SECONDS:
        return None
    return found[0]

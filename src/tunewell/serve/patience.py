"""Waiting for an answer as long as there is a client that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

T = TypeVar("T")
LOOK_SECONDS = 0.5
"""Between two looks whether the client of a waiting request is still there."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is given up where the client has gone."""
    working = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({working}, timeout=LOOK_SECONDS))[0]:
            if await request.is_disconnected():
                raise HTTPException(499, "The client has gone")
    finally:
        working.cancel()
    return working.result()

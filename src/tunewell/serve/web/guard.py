"""What stands before every request: Host, password, Origin, the size of the body, the headers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunewell.serve.guard import LOOPBACK, knows, site

SMALL_BODY = 1_000_000
"""Bytes that a form without a file may have."""
_PATIENCE_SECONDS = 0.5
"""Before a wrong password is answered, so that guessing takes its time."""
HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: with that, browsers send forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """Lets a request through to the page, or answers it itself with 400, 401 or 403.

    Args:
        app: the page.
        hosts: names that the page goes by; another one is a trick of another site (DNS rebinding).
        password: what must be given, under any user name; None: nothing.
        largest_upload: bytes that a form with a file may have.
    """

    app: ASGIApp
    hosts: frozenset[str]
    password: str | None
    largest_upload: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _refused_host(headers, self.hosts)
        if refusal is None and not knows(headers, self.password):
            await asyncio.sleep(_PATIENCE_SECONDS if "authorization" in headers else 0)
            refusal = PlainTextResponse(
                "This page asks for a password.",
                401,
                {"www-authenticate": 'Basic realm="Tunewell"'},
            )
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            refusal = _refused_origin(headers)
        upload = headers.get("content-type", "").startswith("multipart/form-data")
        most = self.largest_upload if upload else SMALL_BODY
        length = headers.get("content-length", "0")
        announced = int(length) if length.isdecimal() else most + 1
        answer = self.app if refusal is None else refusal
        await answer(scope, _bounded(receive, most, announced), _with_headers(send))


def names_of(host: str) -> frozenset[str]:
    """Names that a page bound to this address may be asked for by."""
    names = {*LOOPBACK, host.lower()}
    if host not in LOOPBACK:
        import psutil

        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        for addresses in psutil.net_if_addrs().values():
            names |= {address.address.partition("%")[0].lower() for address in addresses}
    return frozenset(names - {"", "0.0.0.0", "::"})


def _refused_host(headers: Headers, hosts: Iterable[str]) -> PlainTextResponse | None:
    try:
        name = urlsplit("//" + headers.get("host", "")).hostname
    except ValueError:
        name = None
    if len(headers.getlist("host")) == 1 and name in hosts:
        return None
    return PlainTextResponse("This page does not go by that name. Open it by its address.", 400)


def _refused_origin(headers: Headers) -> PlainTextResponse | None:
    """A form that another site sends, or one that does not say which site sends it."""
    origin = headers.get("origin")
    if origin is None:
        same = headers.get("sec-fetch-site") == "same-origin"
    else:
        same = site(origin) == headers.get("host", "").lower()
    if same:
        return None
    return PlainTextResponse("Forms are taken from this page alone, not from other sites.", 403)


def _bounded(receive: Receive, most: int, announced: int) -> Receive:
    """The body as it comes, up to so many bytes; one that says it is larger is not begun."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive() if announced <= most else {"type": "http.disconnect"}
        taken += len(message.get("body", b""))
        if max(taken, announced) > most:
            told = f"That is more than {most // 1_000_000} MB, the most that this page takes."
            raise HTTPException(413, told)
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def with_headers(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers

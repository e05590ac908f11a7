"""What stands before every request: the name it was sent to, where it comes from, key and size."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunewell.errors import UserError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN = frozenset({"/health"})
"""The only paths that are answered without the key."""


@dataclass(frozen=True)
class Rules:
    """What a request has to meet."""

    key: str | None
    """Must be given, as a bearer token or as the password of HTTP Basic; None: nothing."""
    hosts: frozenset[str] | None
    """Names that the server goes by; another one is a trick of a web page. None: any."""
    most_bytes: int
    """Of a body."""
    body_seconds: float
    """In which a body must have come."""


class Refused(UserError):
    """A request that is answered before it reaches a route."""

    def __init__(self, status: int, found: str, expected: str = "", remedy: str = "") -> None:
        super().__init__(found, expected, remedy)
        self.status = status


@dataclass(frozen=True)
class Guard:
    """Lets a request through to the app, or answers it itself with 400 to 413."""

    app: ASGIApp
    rules: Rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the key is looked at before any of the body is read."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        body = _Body(receive, self.rules)
        try:
            check(scope["path"], Headers(scope=scope), self.rules)
        except Refused as refusal:
            await refuse(send, refusal)
            return
        answer = _Answer(send, body)
        try:
            await self.app(scope, body.receive, answer.send)
        except ClientDisconnect:
            if body.refusal is None:
                raise
        if body.refusal is not None and not answer.begun:
            await refuse(send, body.refusal)


def check(path: str, headers: Headers, rules: Rules) -> None:
    """Raises `Refused` where a request may not go on."""
    names = headers.getlist("host")
    if len(names) != 1 or (rules.hosts is not None and _name(names[0]) not in rules.hosts):
        raise Refused(
            400,
            "The server does not go by the name that this request was sent to.",
            f"Names: {', '.join(sorted(rules.hosts or ()))}.",
        )
    origin = headers.get("origin")
    other = origin is not None and site(origin) != names[0].lower()
    if other or headers.get("sec-fetch-site") == "cross-site":
        raise Refused(403, "A page of another site may not ask this server.")
    if path not in OPEN and not knows(headers, rules.key):
        raise Refused(
            401,
            "The key is missing or wrong.",
            "Expected the header `Authorization: Bearer KEY`.",
            "The key is what TUNEWELL_KEY was when the server was started.",
        )
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > rules.most_bytes:
        raise _too_large(rules)


def site(origin: str) -> str | None:
    """Host and port in an Origin header; None where it is no address."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def knows(headers: Headers, key: str | None) -> bool:
    """Whether the key is given, compared in a time that does not depend on it."""
    if key is None:
        return True
    kind, _, given = headers.get("authorization", "").partition(" ")
    told = given.strip().encode()
    if kind.lower() == "basic":
        try:
            told = base64.b64decode(told, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            told = b""
    digests = (hashlib.sha256(text).digest() for text in (told, key.encode()))
    return hmac.compare_digest(*digests) and kind.lower() in ("bearer", "basic")


async def refuse(send: Send, refusal: Refused) -> None:
    """Answer with a refusal; what of the body has not come is not waited for."""
    content = json.dumps(error_json(refusal), ensure_ascii=False).encode()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "connection": "close",
        "x-content-type-options": "nosniff",
    }
    if refusal.status == 401:
        headers["www-authenticate"] = 'Basic realm="Tunewell"'
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


def error_json(error: UserError) -> dict[str, object]:
    """An error as OpenAI's clients read it, with what was found, what was expected, what to do."""
    parts = {"found": error.found, "expected": error.expected, "remedy": error.remedy}
    known = {"code": error.code} if hasattr(error, "code") else {}
    return {"error": {"message": str(error), "type": type(error).__name__, **known, **parts}}


class _Body:
    """A body as it comes, up to so many bytes and for so long."""

    def __init__(self, receive: Receive, rules: Rules) -> None:
        self.given, self.rules = receive, rules
        self.bytes, self.whole = 0, False
        self.ends = asyncio.get_running_loop().time() + rules.body_seconds
        self.refusal: Refused | None = None

    async def receive(self) -> Message:
        """The next part; once refused, as if the client had gone."""
        if self.whole:
            return await self.given()
        try:
            async with asyncio.timeout_at(self.ends):
                message = await self.given()
        except TimeoutError:
            self.refusal = Refused(408, "The body did not come in time.", "", "Send it again.")
            return {"type": "http.disconnect"}
        self.bytes += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.bytes > self.rules.most_bytes:
            self.refusal = _too_large(self.rules)
            return {"type": "http.disconnect"}
        return message


class _Answer:
    """What the app answers; nothing of it is sent where the body was refused."""

    def __init__(self, send: Send, body: _Body) -> None:
        self.given, self.body, self.begun = send, body, False

    async def send(self, message: Message) -> None:
        if self.body.refusal is not None and not self.begun:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            MutableHeaders(scope=message)["x-content-type-options"] = "nosniff"
        await self.given(message)


def _too_large(rules: Rules) -> Refused:
    most = rules.most_bytes
    return Refused(413, "The body is too large.", f"At most {most:,} bytes.", "Send fewer at once.")


def _name(host: str) -> str | None:
    """The name in a Host header, without its port."""
    try:
        return urlsplit("//" + host).hostname
    except ValueError:
        return None

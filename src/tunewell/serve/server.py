"""Running the service until it is told to stop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence

from tunewell.errors import ConfigError, ResourceError
from tunewell.serve.guard import LOOPBACK
from tunewell.serve.settings import LEAST_KEY, ServeOptions

KEY = "TUNEWELL_KEY"
"""The environment variable that holds the key; everybody on a machine sees its command lines."""
CONNECTIONS = 2048
"""Connections that may be open; more are answered with 503."""
FAREWELL_SECONDS = 30
"""For requests that are under way when the server is told to stop."""


def key_for(host: str) -> str | None:
    """The key that this server asks for: always one beyond loopback, else where one is set.

    Raises:
        ConfigError: it is missing or too short.
    """
    key = os.environ.get(KEY) or None
    if key is None and host not in LOOPBACK:
        raise ConfigError(
            f"--host {host} lets other machines in, and there is no key.",
            f"A key of {LEAST_KEY} characters or more in the environment variable {KEY}.",
            f"For example: {KEY}=$(openssl rand -hex 16) tunewell serve ...",
        )
    if key is not None and len(key) < LEAST_KEY:
        raise ConfigError(f"The key in {KEY} is short.", f"{LEAST_KEY} characters or more.")
    return key


def serve(
    named: Sequence[str], options: ServeOptions, tell: Callable[[str, list[str]], None]
) -> None:
    """Serve the models of runs until Ctrl-C or SIGTERM; what is under way is still answered.

    Args:
        named: folders of runs, or `NAME=FOLDER`.
        options: how to listen.
        tell: is given the address and the models' names, when all are there.

    Raises:
        UserError: a folder has no model, the port is taken, or there is no key.
    """
    key = key_for(options.host)
    port = _bound(options)
    try:
        from tunewell.serve import api, models

        opened = models.open_models(named, options)
        app = api.build(opened, options, key)
        where = f"[{options.host}]" if ":" in options.host else options.host
        address = f"http://{where}:{port.getsockname()[1]}"
        tell(address, list(opened))
        _run(app, port)
    finally:
        port.close()


def _run(app: object, port: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=FAREWELL_SECONDS,
        h11_max_incomplete_event_size=65536,
    )
    uvicorn.Server(config).run(sockets=[port])


def _bound(options: ServeOptions) -> socket.socket:
    """The port, taken before any model is loaded."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    port = socket.socket(family, socket.SOCK_STREAM)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        port.bind((options.host, options.port))
    except OSError as error:
        port.close()
        raise ResourceError(
            f"Cannot listen on {options.host}, port {options.port}: {error.strerror}.",
            "",
            "Choose another with --port or --host.",
        ) from None
    return port

"""The page on an address of this machine, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable

from tunewell.errors import ConfigError, ResourceError
from tunewell.serve.guard import LOOPBACK
from tunewell.serve.server import KEY
from tunewell.serve.settings import LEAST_KEY
from tunewell.serve.web.app import WebOptions, application


def start(options: WebOptions, open_browser: bool, tell: Callable[[str], None]) -> None:
    """Serve the page until it is stopped.

    Args:
        options: how to listen, and where runs are kept.
        open_browser: whether to show it, where there is a screen.
        tell: is given the address once it can be opened.

    Raises:
        ConfigError: the address can be reached from other machines, and there is no password.
        ResourceError: the address cannot be had.
    """
    import uvicorn

    refuse_open(options)
    listening = _listen(options)
    address = url(options.host, listening.getsockname()[1])
    tell(address)
    if open_browser and _has_screen():
        threading.Timer(0.5, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        application(options),
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listening])


def refuse_open(options: WebOptions) -> None:
    """A ConfigError where others could open the page and nothing is asked of them."""
    if _is_loopback(options.host):
        return
    if options.password is None:
        raise ConfigError(
            f"With --host {options.host} other computers can open the page, and it has no "
            "password.",
            f"A password in the environment variable {KEY} is expected.",
            f"{KEY}='a long sentence' tunewell web --host {options.host}",
        )
    if len(options.password) < LEAST_KEY:
        raise ConfigError(
            f"The password in {KEY} has {len(options.password)} characters.",
            f"{LEAST_KEY} or more are expected.",
        )


def url(host: str, port: int) -> str:
    """The address to type into a browser."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def _listen(options: WebOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((options.host, options.port))
    except OSError as error:
        listening.close()
        raise ResourceError(
            f"The page cannot be at {url(options.host, options.port)}: {error.strerror}.",
            "Perhaps it is open already, in another terminal.",
            "Choose another port, as in `tunewell web --port 8001`.",
        ) from error
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_screen() -> bool:
    """Whether a browser would open in a window and not in this terminal."""
    linux = sys.platform.startswith("linux")
    return not linux or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

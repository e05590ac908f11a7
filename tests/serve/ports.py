"""A service behind a real port of this machine."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn


@contextlib.contextmanager
def listening(app) -> Iterator[int]:
    """An app behind a real port of this machine, in a thread; its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([port],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield port.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)

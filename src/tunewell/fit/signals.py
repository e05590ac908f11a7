"""Ctrl-C at a moment of one's own choosing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Inside, a first Ctrl-C only makes what is yielded answer True; a second one goes through.

    Holds for SIGTERM as well where a program handles it. Threads other than the main one get no
    signals, so nothing is held back there.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    own = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handled = {number: handler for number, handler in own.items() if callable(handler)}

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            handled[signal.Signals(number)](number, frame)
        came.append(number)

    for number in handled:
        signal.signal(number, note)
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)

"""What was freed, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def return_freed() -> None:
    """Give what was freed back to the system, or the next block would use it without a trace."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)

"""What the C library keeps of the memory that Python gave back (mallopt(3), malloc_trim(3)); glibc alone."""

from __future__ import annotations

import contextlib
import sys

_M_ARENA_MAX = -8  # malloc.h


def share_one_arena() -> None:
    """Let all threads allocate from one arena; to be called before there is another thread.

    There are up to eight of them a core, each with free memory of its own: 7 MB in an app with eight threads,
    which take turns at Python's lock anyhow.
    """
    _call("mallopt", _M_ARENA_MAX, 1)


def return_free_memory() -> None:
    """Give free memory back to the system, a millisecond's work: 1 MB of what reading modules took."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    if sys.platform == "linux":
        import ctypes  # not on the way to a command's answer

        with contextlib.suppress(OSError, AttributeError):  # another C library
            getattr(ctypes.CDLL(None), name)(*numbers)

"""One writer of a file: an advisory lock on it, where the system has one."""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import cache
from importlib import import_module

_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this program; False if another one (or another transfer) holds it.

    The lock goes with the open file (flock), so closing it or the end of the process, whatever ends it,
    releases it. File systems without locks answer an error that is taken for "not held": the owner record
    in the database is the second guard there.
    """
    try:
        _lock()(descriptor)
    except OSError as error:
        return error.errno not in _HELD
    return True


@cache
def _lock() -> Callable[[int], None]:
    """Return flock(2); on Windows, which has none, the owner record in the database has to do."""
    try:
        fcntl = import_module("fcntl")
    except ImportError:
        return lambda _: None
    how = fcntl.LOCK_EX | fcntl.LOCK_NB
    return lambda descriptor: fcntl.flock(descriptor, how)

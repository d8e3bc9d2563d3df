"""A speed limit for all transfers together, changed while they run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SLICE = 0.1  # seconds of the limit that one read may take at a time
_LEAST = 512  # bytes: smaller reads would cost more than they even out


class Limit:
    """Bytes per second that readers share, in the order in which they come.

    Each reader pays for what it has read by waiting, and while it waits the receive window of its
    connection fills up and the server slows down: nothing is thrown away.

    Parameters
    ----------
    rate
        Bytes per second; None for no limit.
    clock
        Monotonic seconds.
    """

    def __init__(self, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._rate = rate
        self._free = 0.0  # the moment from which on the next bytes may come

    @property
    def rate(self) -> float | None:
        """Bytes per second."""
        return self._rate

    def set(self, rate: float | None) -> None:
        """Change it, for those who wait now too; None or 0 lifts it."""
        with self._changed:
            self._rate, self._free = rate or None, 0.0
            self._changed.notify_all()

    def share(self, room: int) -> int:
        """Return how many of `room` bytes to read at once."""
        rate = self._rate
        return room if rate is None else min(room, max(_LEAST, int(rate * _SLICE)))

    def book(self, count: int) -> float:
        """Pay for bytes that were read; return the moment from which on more may be read."""
        with self._changed:
            now = self._clock()
            if self._rate is None:
                return now
            self._free = max(self._free, now) + count / self._rate
            return self._free

    def wait(self, due: float, patience: float) -> bool:
        """Wait for a moment or a change, `patience` seconds at most; return whether to go on."""
        with self._changed:
            rate = self._rate
            if rate is None or (left := due - self._clock()) <= 0:
                return True
            changed = self._changed.wait_for(lambda: self._rate != rate, min(left, patience))
            return changed or self._clock() >= due

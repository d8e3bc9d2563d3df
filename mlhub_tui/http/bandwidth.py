"""Bandwidth: the bytes per second that all responses of a process, or of some of its jobs, share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

POLL = 0.2
"""Seconds between looks at a limit that may be changed while others wait for it."""
_SLICE = 0.1  # seconds of the limit that one read may take at a time
_MIN_CHUNK = 512  # bytes: smaller reads cost more than they even out


class BandwidthLimiter:
    """Bytes per second that all transfers of a process share; None for no limit.

    A response pays for what was read of it by not being read for a while: the receive window of its
    connection fills up and the server slows down, so nothing is thrown away. `set_rate` may be called from
    any thread.
    """

    def __init__(self, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.rate = rate or None
        self._free = 0.0  # the moment from which on the next bytes may come

    def set_rate(self, rate: float | None) -> None:
        """Change the limit, also for those who wait at the moment; None or 0 lifts it."""
        self.rate, self._free = rate or None, 0.0

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it."""
        return self.rate is not None and self._free > self._clock()

    def chunk_size(self, most: int) -> int:
        """Return how many bytes, `most` at most, to read at once."""
        rate = self.rate
        return most if rate is None else min(most, max(_MIN_CHUNK, int(rate * _SLICE)))

    def consume(self, count: int) -> float:
        """Count bytes that were read; return the monotonic time before which the next read must wait."""
        rate = self.rate
        if rate is None:
            return 0.0
        self._free = max(self._free, self._clock()) + count / rate
        return self._free

    async def settle(self) -> None:
        """Wait until what was read is paid for, or the limit is changed: small bodies are whole before."""
        rate, due = self.rate, self._free
        while self.rate == rate is not None and (left := due - self._clock()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, POLL))

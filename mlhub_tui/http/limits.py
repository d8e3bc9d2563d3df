"""Limits that the jobs of a process share: bytes per second of all responses, and requests to each host."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

POLL = 0.2
"""Seconds between looks at a limit that may be changed while others wait for it."""
_SLICE = 0.1  # seconds of the limit that one read may take at a time
_MIN_CHUNK = 512  # bytes: smaller reads cost more than they even out
MAX_PER_HOST = 16
"""Concurrent requests to one host, of all jobs of the process together."""
_WANTS = 1.0  # seconds after its last request that a job still counts as one that wants a host


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


@dataclass(slots=True)
class _HostUsage:
    """The requests at one host, by job, and when each job asked last."""

    active: dict[Hashable, int] = field(default_factory=dict)
    asked: dict[Hashable, float] = field(default_factory=dict)
    total: int = 0
    blocked_until: float = 0.0


class HostLimits:
    """Keeps the requests of all jobs to one host within one limit, in equal parts; for any thread."""

    def __init__(self, per_host: int = MAX_PER_HOST, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_host = per_host
        self._clock = clock
        self._lock = threading.Lock()
        self._hosts: dict[Hashable, _HostUsage] = {}

    def try_acquire(self, host: Hashable, job: Hashable, most: int | None = None) -> bool:
        """Begin a request of a job if all jobs together have fewer than `most`, and fewer than `per_host`."""
        now = self._clock()
        limit = self.per_host if most is None else min(most, self.per_host)
        with self._lock:
            if (usage := self._hosts.get(host)) is None:
                usage = self._hosts[host] = _HostUsage()
            usage.asked[job] = now
            if usage.total >= limit:
                return False
            mine = usage.active.get(job, 0)
            if mine and len(usage.asked) > 1:
                wanting = {other for other, at in usage.asked.items() if now - at < _WANTS}
                if mine >= max(1, limit // len(wanting | usage.active.keys())):
                    return False
            usage.active[job] = mine + 1
            usage.total += 1
            return True

    def release(self, host: Hashable, job: Hashable) -> None:
        """End a request."""
        with self._lock:
            usage = self._hosts[host]
            usage.active[job] -= 1
            usage.total -= 1
            if not usage.active[job]:
                del usage.active[job]

    def forget(self, job: Hashable) -> None:
        """Forget a job that has ended."""
        with self._lock:
            for host, usage in list(self._hosts.items()):
                usage.total -= usage.active.pop(job, 0)
                usage.asked.pop(job, None)
                if not usage.asked and usage.blocked_until <= self._clock():
                    del self._hosts[host]

    def blocked_until(self, host: Hashable) -> float:
        """Return the monotonic time before which no job asks a host, as any of them has found out."""
        usage = self._hosts.get(host)
        return usage.blocked_until if usage is not None else 0.0

    def block(self, host: Hashable, until: float) -> None:
        """Have no job ask a host before a monotonic time in seconds."""
        with self._lock:
            usage = self._hosts.setdefault(host, _HostUsage())
            usage.blocked_until = max(usage.blocked_until, until)

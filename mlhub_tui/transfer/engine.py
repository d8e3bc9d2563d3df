"""The engine's thread: one event loop for all transfers of a process; and the limits that these share."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..threads import DaemonExecutor, shielded

if TYPE_CHECKING:  # needed by transfers only, not before the first request of a command
    import ssl

    from ..http.client import HTTPClient
    from ..http.connection import Response

T = TypeVar("T")
_TICK = 0.25  # seconds: progress of slow bodies is shown twice a second

MAX_PER_HOST = 16
"""Concurrent requests to one host, of all jobs of the process together."""
MAX_EXTRA_CONNECTIONS = 12
"""Connections that all single files of the process have beside their first ones."""
POLL = 0.2
"""Seconds between looks at a limit that may be changed while others wait for it."""

_SLICE = 0.1  # seconds of the limit that one read may take at a time
_MIN_CHUNK = 512  # bytes: smaller reads cost more than they even out
MAX_READ = 1 << 20  # bytes at once, of one connection
_NEGLIGIBLE = 0.001  # seconds: a shorter wait is not worth a timer
_WANTS = 1.0  # seconds after its last request that a job still counts as one that wants a host


class BandwidthLimiter:
    """Bytes per second that all transfers of a process share; None for no limit.

    A transfer pays for what it has read by not reading for a while: the receive window of its connection
    fills up and the server slows down, so nothing is thrown away. `set_rate` may be called from any thread.
    """

    def __init__(self, rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.rate = rate or None
        self._free = 0.0  # the moment from which on the next bytes may come

    def set_rate(self, rate: float | None) -> None:
        """Change the limit, also for those who wait at the moment; None or 0 lifts it."""
        self.rate, self._free = rate or None, 0.0

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

    async def wait(self, due: float) -> None:
        """Wait until a monotonic time, or until the limit is changed."""
        rate = self.rate
        while self.rate == rate is not None and (left := due - self._clock()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, POLL))


class Throttle:
    """Pauses one response whenever it has used up its share of the bandwidth, and calls `on_wait` then."""

    def __init__(
        self, limiter: BandwidthLimiter, response: Response, on_wait: Callable[[], None] = lambda: None
    ) -> None:
        self._limiter, self._response, self._on_wait = limiter, response, on_wait
        self._rate: float | None = None
        self._due = 0.0
        if limiter.rate is not None:
            response.limit_reads(limiter.chunk_size(MAX_READ))

    def consume(self, count: int) -> None:
        """Pay for bytes of the body; only on the event loop."""
        limiter = self._limiter
        if limiter.rate is None:
            return
        self._response.limit_reads(limiter.chunk_size(MAX_READ))
        self._rate, self._due = limiter.rate, limiter.consume(count)
        if self._due - time.monotonic() > _NEGLIGIBLE:
            self._response.pause()
            self._check()

    def _check(self) -> None:
        wait = self._due - time.monotonic()
        if self._limiter.rate != self._rate or wait <= 0:
            self._response.resume()
            return
        self._on_wait()
        asyncio.get_running_loop().call_later(min(wait, POLL), self._check)


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
            usage = self._hosts.setdefault(host, _HostUsage())
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


class SharedLimits:
    """What the transfers of a process share, changed while they run: `connections` to one file at most."""

    def __init__(self, connections: int = 8) -> None:
        self.bandwidth = BandwidthLimiter()
        self.hosts = HostLimits()
        self.connections = connections
        self.extra_connections = threading.Semaphore(MAX_EXTRA_CONNECTIONS)


class TransferCancelled(Exception):
    """Blocking work was cancelled."""


class TransferEngine:
    """One event loop in one daemon thread, shared by all jobs of a process; started by its first work.

    Its methods may be called from any thread. The thread never keeps the program from ending.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: dict[tuple[int, float], HTTPClient] = {}
        self._tasks: dict[concurrent.futures.Future[Any], asyncio.Task[Any]] = {}

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the engine's loop; its future is cancelled by `cancel` alone."""
        loop = self._started()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()

        def begin() -> None:
            task = loop.create_task(work)
            self._tasks[future] = task
            task.add_done_callback(end)

        def end(task: asyncio.Task[T]) -> None:
            del self._tasks[future]
            if task.cancelled():
                future.set_exception(concurrent.futures.CancelledError())
            elif (error := task.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(task.result())

        loop.call_soon_threadsafe(begin)
        return future

    def cancel(self, future: concurrent.futures.Future[Any]) -> None:
        """Cancel submitted work; its future ends when the work has: flushed and recorded."""

        def cancel() -> None:
            if (task := self._tasks.get(future)) is not None:
                task.cancel()

        self._started().call_soon_threadsafe(cancel)

    async def run(self, work: Coroutine[Any, Any, T], *, grace: float = 0.25) -> T:
        """Run a coroutine on the engine's loop and wait for it on another loop.

        When this is cancelled, its end is waited for `grace` seconds, also by who is cancelled once more.
        """
        future = self.submit(work)
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen
        return await shielded(waiting, lambda: self.cancel(future), grace)

    def client(self, tls: ssl.SSLContext | None = None, connect_timeout: float = 15.0) -> HTTPClient:
        """Return the HTTP client for TLS settings, None for the system's; only on the engine's loop."""
        from ..http.client import ClientConfig, HTTPClient  # start-up time: first needed by a transfer

        key = (id(tls), connect_timeout)
        if key not in self._clients:
            config = ClientConfig(connect_timeout=connect_timeout, tick=_TICK)
            self._clients[key] = HTTPClient(
                config if tls is None else replace(config, tls_context=lambda: tls)
            )
        return self._clients[key]

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(DaemonExecutor())  # looks up names
                threading.Thread(target=self._loop.run_forever, name="transfers", daemon=True).start()
            return self._loop


_shared: dict[int, TransferEngine] = {}


def shared_engine() -> TransferEngine:
    """Return the engine of this process; a forked child has one of its own."""
    return _shared.setdefault(os.getpid(), TransferEngine())

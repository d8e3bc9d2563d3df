"""The engine's thread: one event loop for all transfers of a process; and the limits that these share."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from .. import http
from ..concurrency import DaemonExecutor, shielded
from ..fileio import allow_open_files
from ..http.limits import BandwidthLimiter, HostLimits

if TYPE_CHECKING:  # needed by transfers only, not before the first request of a command
    import ssl

    from ..http.client import HTTPClient

T = TypeVar("T")
_TICK = 0.25  # seconds: progress of slow bodies is shown twice a second

MAX_EXTRA_CONNECTIONS = 12
"""Connections that all single files of the process have beside their first ones."""


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

    def client(
        self, tls: ssl.SSLContext | None = None, connect_timeout: float = 15.0
    ) -> http.client.HTTPClient:
        """Return the HTTP client for TLS settings, None for the system's; only on the engine's loop."""
        key = (id(tls), connect_timeout)
        if key not in self._clients:
            config = http.client.ClientConfig(connect_timeout=connect_timeout, tick=_TICK)
            self._clients[key] = http.client.HTTPClient(
                config if tls is None else replace(config, tls_context=lambda: tls)
            )
        return self._clients[key]

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                allow_open_files()
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(DaemonExecutor())  # looks up names
                threading.Thread(target=self._loop.run_forever, name="transfers", daemon=True).start()
            return self._loop


_shared: dict[int, TransferEngine] = {}


def shared_engine() -> TransferEngine:
    """Return the engine of this process; a forked child has one of its own."""
    return _shared.setdefault(os.getpid(), TransferEngine())

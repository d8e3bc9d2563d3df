"""The engine's thread: one event loop for all transfers of a process, and blocking work beside it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, TypeVar

from ..http.client import ClientConfig, HTTPClient
from ..threads import DaemonExecutor

T = TypeVar("T")
_TICK = 0.25  # seconds: progress of slow bodies is shown twice a second
_MAX_IDLE = 8  # threads that wait for blocking work


class TransferCancelled(Exception):
    """Blocking work was told to stop."""


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
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self.cancel(future)
            loop = asyncio.get_running_loop()
            end = loop.time() + grace
            while not waiting.done() and (left := end - loop.time()) > 0:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({waiting}, timeout=left)
            raise

    def client(self, tls: ssl.SSLContext | None = None, connect_timeout: float = 15.0) -> HTTPClient:
        """Return the HTTP client for TLS settings, None for the system's; only on the engine's loop."""
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
_idle: dict[int, list[SimpleQueue[Callable[[], None]]]] = {}


def shared_engine() -> TransferEngine:
    """Return the engine of this process; a forked child has one of its own."""
    return _shared.setdefault(os.getpid(), TransferEngine())


async def in_thread(work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
    """Run blocking work in a daemon thread and wait for it, also when cancelled: `stop` is called then.

    The threads of `asyncio.to_thread` are waited for at exit: one that hangs in a flush or in a lookup of a
    name would hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a T, unless there is an error

    def body() -> None:
        result: T | None = None
        raised: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            raised = error
        with contextlib.suppress(RuntimeError):  # the loop ended first
            loop.call_soon_threadsafe(settle, result, raised)

    # Starting a thread holds up the loop until it runs, a millisecond with every 256 files: they are reused.
    idle = _idle.setdefault(os.getpid(), [])
    try:
        orders = idle.pop()
    except IndexError:
        orders = SimpleQueue()
        threading.Thread(target=_serve, args=(orders, idle), name="transfer", daemon=True).start()
    orders.put(body)
    return await uncancelled(future, stop)


def _serve(orders: SimpleQueue[Callable[[], None]], idle: list[SimpleQueue[Callable[[], None]]]) -> None:
    while True:
        orders.get()()
        if len(idle) >= _MAX_IDLE:
            return
        idle.append(orders)


async def uncancelled(future: asyncio.Future[T], stop: Callable[[], None] | None = None) -> T:
    """Wait for a future even if cancelled, call `stop` then, and raise the cancellation after it."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.shield(future)
        except asyncio.CancelledError as error:
            if future.cancelled():
                raise
            cancelled = error
            if stop is not None:
                stop()
        except BaseException:  # noqa: S110  (it is raised below, unless a cancellation comes first)
            pass
    if cancelled is not None:
        if not future.cancelled():
            future.exception()  # seen
        raise cancelled
    return future.result()

"""Concurrent work of an event loop: coroutines, so many at a time, and blocking calls in daemon threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
_MAX_IDLE = 8  # threads that wait for work
_SLICE, _QUICK = 16, 0.0002  # calls at a time; seconds of each where a file system is quick

_idle: dict[int, list[SimpleQueue[Callable[[], None]]]] = {}


class DaemonExecutor(ThreadPoolExecutor):
    """Runs each call in a daemon thread, which the end of the program does not wait for.

    As the default executor of a loop: the lookup of a host name may hang for half a minute.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a call; what it returns or raises is the future's."""
        future: Future[T] = Future()

        def body() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        if future.set_running_or_notify_cancel():
            _start(body)
        return future


async def in_thread(
    work: Callable[[], T], *, interrupt: Callable[[], None] | None = None, grace: float = 0.25
) -> T:
    """Run blocking work in a daemon thread.

    The threads of `asyncio.to_thread` are waited for at exit; one that hangs in a flush, or in a look-up of a
    name, would hold up the end of the program.

    - `interrupt`: Called when the awaiting task is cancelled; should make `work` return soon.
    - `grace`: Seconds to wait for it then, before the thread is left to itself; a task that is cancelled once
      more, as a paused transfer is when the program ends, still waits for them.
    """
    return await shielded(_future_of(work), interrupt, grace)


async def in_thread_to_end(work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
    """Run blocking work in a daemon thread and wait for its end, also when cancelled: `stop` is called then.

    For work on files that are closed, or whose lock is given up, right after it.
    """
    return await uncancelled(_future_of(work), stop)


async def stoppable_in_thread(work: Callable[[threading.Event], T]) -> T:
    """Run blocking work as `in_thread_to_end`; a cancellation sets the event that it watches."""
    stop = threading.Event()
    return await in_thread_to_end(lambda: work(stop), stop=stop.set)


async def quickly(work: Callable[[S], T], subjects: Sequence[S]) -> list[T]:
    """Do short work on files, one after the other: on the event loop while it is quick, else in a thread.

    Where the file system is quick, a thread costs more than it saves: it and the loop take the interpreter
    from each other at each call.
    """
    results: list[T] = []
    while len(results) < len(subjects):
        began = time.monotonic()
        results += map(work, subjects[len(results) : len(results) + _SLICE])
        if time.monotonic() - began > _SLICE * _QUICK:
            break
        await asyncio.sleep(0)  # the connections first
    if rest := subjects[len(results) :]:
        results += await in_thread_to_end(lambda: [*map(work, rest)])
    return results


async def shielded(future: asyncio.Future[T], interrupt: Callable[[], None] | None, grace: float) -> T:
    """Wait for a future; when this is cancelled, call `interrupt` and wait so many seconds more."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if interrupt is not None:
            interrupt()
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        while not future.done() and (left := end - loop.time()) > 0:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({future}, timeout=left)
        raise


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
        raise cancelled
    return future.result()


def _future_of(work: Callable[[], T]) -> asyncio.Future[T]:
    """Start blocking work and return its future, which nobody need wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
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

    _start(body)
    return future


def _start(body: Callable[[], None]) -> None:
    """Run something in a thread that is idle, or in a new one, which holds up the loop for a moment."""
    idle = _idle.setdefault(os.getpid(), [])  # a forked child has none of its parent's
    try:
        orders = idle.pop()
    except IndexError:
        orders = SimpleQueue()
        threading.Thread(target=_serve, args=(orders, idle), name="blocking work", daemon=True).start()
    orders.put(body)


def _serve(orders: SimpleQueue[Callable[[], None]], idle: list[SimpleQueue[Callable[[], None]]]) -> None:
    while True:
        orders.get()()
        if len(idle) >= _MAX_IDLE:
            return
        idle.append(orders)


A = TypeVar("A")
B = TypeVar("B")


async def together(do: Callable[[A], Awaitable[B]], things: Iterable[A], at_once: int) -> list[B]:
    """Return what `do` gives for each thing, in order; at most `at_once` run at a time.

    The first failure is raised as it is; what still runs is cancelled then.
    """
    places = asyncio.Semaphore(at_once)

    async def one(thing: A) -> B:
        async with places:
            return await do(thing)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(thing)) for thing in things]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]

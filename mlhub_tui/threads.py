"""Blocking work beside an event loop, in threads that never keep the program from ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonExecutor(ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own, which the end of the program does not wait for.

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
            threading.Thread(target=body, name="look-up", daemon=True).start()
        return future


async def in_thread(
    work: Callable[[], T], *, interrupt: Callable[[], None] | None = None, grace: float = 0.25
) -> T:
    """Run blocking work in a daemon thread of its own.

    The threads of `asyncio.to_thread` are waited for at exit; one that hangs in a look-up of a name would
    hold up the end of the program.

    Parameters
    ----------
    work
        What to run.
    interrupt
        Called when the awaiting task is cancelled; should make `work` return soon.
    grace
        Seconds to wait for it then, before the thread is left to itself; a task that is cancelled once
        more, as a paused transfer is when the program ends, still waits for them.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def body() -> None:
        try:
            result = work()
        except BaseException as error:
            _post(loop, future, None, error)
        else:
            _post(loop, future, lambda: future.set_result(result), None)

    threading.Thread(target=body, name="transfer", daemon=True).start()
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if interrupt is not None:
            interrupt()
        await _wait(future, grace)
        raise


async def _wait(future: asyncio.Future[T], seconds: float) -> None:
    """Wait for a future, so long at most, whoever cancels: the caller is about to end by it anyway."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not future.done() and (left := end - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({future}, timeout=left)


def _post(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[T],
    succeed: Callable[[], None] | None,
    error: BaseException | None,
) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if succeed is not None:
            succeed()
        elif error is not None:
            future.set_exception(error)
            future.exception()  # seen: nobody may be waiting any more

    with contextlib.suppress(RuntimeError):  # the loop ended first
        loop.call_soon_threadsafe(settle)

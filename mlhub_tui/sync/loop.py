"""Blocking calls of coroutines: one event loop in a thread of its own, for the whole process."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import suppress
from functools import wraps
from inspect import signature
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from .progress import reporter

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")
D_co = TypeVar("D_co", covariant=True)
Calls = SimpleQueue[Callable[[], object] | None]
"""Functions to call in the thread that waits; None says that the coroutine has ended."""

_END_SECONDS = 10.0


class _Background:
    """The event loop and its thread; started at the first call, closed at exit."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: threading.Thread | None = None

    def running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, started if there is none yet."""
        with self.lock:
            if self.loop is None or self.loop.is_closed():
                self.loop = asyncio.new_event_loop()
                self.thread = threading.Thread(
                    target=self.loop.run_forever, name="mlhub_tui.sync", daemon=True
                )
                self.thread.start()
            return self.loop

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        with self.lock:
            loop, thread, self.loop, self.thread = self.loop, self.thread, None, None
        if loop is None or thread is None or loop.is_closed():
            return

        async def end() -> None:
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await loop.shutdown_asyncgens()

        with suppress(Exception):
            asyncio.run_coroutine_threadsafe(end(), loop).result(_END_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_END_SECONDS)
        if not thread.is_alive():
            loop.close()


_background = _Background()
atexit.register(lambda: _background.close())


def _forget() -> None:
    """Start over in a forked child: it has neither the parent's thread nor the holder of its lock."""
    global _background
    _background = _Background()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that blocking calls run in: another one after a fork."""
    return _background.running_loop()


def run(coroutine: Coroutine[Any, Any, T], calls: Calls | None = None) -> T:
    """Run a coroutine in the background loop and return its result; blocks.

    It may be called from any thread, also while an event loop runs in it, as in Jupyter. Ctrl+C
    (`KeyboardInterrupt`) cancels the coroutine and is raised once it has ended.

    Parameters
    ----------
    coroutine
        What to run.
    calls
        Functions put here meanwhile are called in the thread of the caller.

    Raises
    ------
    RuntimeError
        If it is called from within the background loop, which would wait for itself.
    """
    loop = running_loop()
    if threading.current_thread() is _background.thread:
        coroutine.close()
        raise RuntimeError("a blocking call inside the event loop of mlhub_tui.sync would never end")
    calls = SimpleQueue() if calls is None else calls
    tasks: list[asyncio.Task[T]] = []

    def begin() -> None:
        task = loop.create_task(coroutine)
        task.add_done_callback(lambda _: calls.put(None))
        tasks.append(task)

    loop.call_soon_threadsafe(begin)
    try:
        while (call := calls.get()) is not None:
            call()
    except BaseException:
        if not (tasks and tasks[0].done()):  # else what says that it ended may be taken already
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            while calls.get() is not None:
                pass
        raise
    return tasks[0].result()


def iterate(generator: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what an async generator yields; each is requested when it is wanted."""
    end = object()

    async def step() -> T | object:
        return await anext(generator, end)

    try:
        while (value := run(step())) is not end:
            yield value  # type: ignore[misc]  # anything but the end is a value
    finally:
        _close(generator)


def _close(generator: AsyncGenerator[Any, None]) -> None:
    """Close an async generator, also where the garbage collector does it in the loop or at exit."""

    async def close() -> None:
        await generator.aclose()

    loop = _background.loop
    if loop is None or loop.is_closed():
        return
    if threading.current_thread() is _background.thread:
        loop.create_task(close())
    else:
        run(close())


class HasDocument(Protocol[D_co]):
    """An object that stands for a document of the async API."""

    @property
    def document(self) -> D_co:
        """The document, with the key or profile that the object remembers."""
        ...


def blocking(function: Callable[P, Coroutine[Any, Any, T]], **renamed: str) -> Callable[P, T]:
    """Return the blocking form of a coroutine function, with its signature and documentation.

    Parameters
    ----------
    function
        The coroutine function; its argument `progress`, if it has one, is called in the caller's thread.
    renamed
        Names that arguments had in earlier releases of radiant_mlhub, and have now.
    """

    def call(*args: P.args, **options: P.kwargs) -> T:
        for name in renamed.keys() & options.keys():
            options[renamed[name]] = options.pop(name)
        return _call(function, args, options)

    return documented(function)(wraps(function)(call))


def blocking_method(
    function: Callable[Concatenate[D, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[HasDocument[D], P], T]:
    """Return the blocking form of a method, which acts on the `document` of its object."""

    def call(self: HasDocument[D], /, *args: P.args, **options: P.kwargs) -> T:
        return _call(function, (self.document, *args), options)

    return cast("Callable[Concatenate[HasDocument[D], P], T]", documented(function)(wraps(function)(call)))


def _call(
    function: Callable[..., Coroutine[Any, Any, T]], args: tuple[Any, ...], options: dict[str, Any]
) -> T:
    if "progress" not in signature(function).parameters:
        return run(function(*args, **options))
    with reporter(options.pop("progress", None)) as report:
        if report is None:
            return run(function(*args, **options))
        calls: Calls = SimpleQueue()

        def post(*state: Any) -> None:
            calls.put(lambda: report(*state))

        return run(function(*args, progress=post, **options), calls)


def blocking_iterator(function: Callable[P, AsyncGenerator[T, None]]) -> Callable[P, Iterator[T]]:
    """Return the blocking form of an async generator function: an iterator."""

    def call(*args: P.args, **options: P.kwargs) -> Iterator[T]:
        return iterate(function(*args, **options))

    return documented(function)(wraps(function)(call))


_WORDS = (
    ("await ", ""),
    ("async for ", "for "),
    ("async with ", "with "),
    ("aclose", "close"),
    ("from mlhub_tui import", "from mlhub_tui.sync import"),
)


def blocking_doc(function: Any) -> str:
    """Return the docstring of an async function as its blocking form has it: without `await`."""
    text = function.__doc__ or ""
    for word, other in _WORDS:
        text = text.replace(word, other)
    return text


def documented(function: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Give a blocking function the documentation of its async form."""

    def give(call: Callable[P, T]) -> Callable[P, T]:
        call.__doc__ = blocking_doc(function)
        return call

    return give

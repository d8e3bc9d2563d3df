"""Tasks of an event loop, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

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

"""Several requests at a time, in order, with the first failure raised as itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def together(do: Callable[[A], Awaitable[B]], things: Sequence[A], at_once: int) -> list[B]:
    """Return what `do` gives for each thing, in order; at most `at_once` run at a time.

    Raises
    ------
    Exception
        The first failure; what still runs is cancelled.
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

"""Waiting for a condition, as long as a busy machine may need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds to wait for what takes a fraction of one: on a busy machine anything may be late."""


async def until(
    condition: Callable[[], T],
    describe: Callable[[], object] | str = "",
    *,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    patience: float = PATIENCE,
) -> T:
    """Wait until a condition holds and return its value; the loop goes on meanwhile.

    Parameters
    ----------
    condition
        Asked again and again.
    describe
        What is waited for, or a function that returns how things stand: for the error.
    pause
        Waits some seconds.
    patience
        Seconds after which it fails.
    """
    for seconds in _pauses(condition, describe, patience):
        if value := condition():
            return value
        await pause(seconds)
    raise AssertionError("unreachable")


def until_sync(
    condition: Callable[[], T],
    describe: Callable[[], object] | str = "",
    *,
    pause: Callable[[float], object] = time.sleep,
    patience: float = PATIENCE,
) -> T:
    """Wait as `until` does, in this thread."""
    for seconds in _pauses(condition, describe, patience):
        if value := condition():
            return value
        pause(seconds)
    raise AssertionError("unreachable")


def _pauses(condition: object, describe: Callable[[], object] | str, patience: float) -> Iterator[float]:
    """Yield pauses in seconds, longer and longer; fail when patience is at its end."""
    deadline, pause = time.monotonic() + patience, 0.002
    late = False
    while not late:
        # One more look after the deadline: the process may not have been run since the last.
        late = time.monotonic() > deadline
        yield pause
        pause = min(1.5 * pause, 0.02)
    stands: Any = describe() if callable(describe) else describe
    raise AssertionError(f"not within {patience:.0f} s: {stands or condition}")

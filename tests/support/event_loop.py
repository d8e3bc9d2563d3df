"""An event loop that tells when it has nothing to run, by the public interface of its selector.

A loop asks its selector to wait, and not only to look, when there is nothing that it can run.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

_PATIENCE = 5.0
"""Seconds to wait for a loop that always has something to run."""


class WatchedSelector(selectors.DefaultSelector):
    """A selector that tells who waits for it when its event loop has nothing to run."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> Any:
        """Wait for files; where somebody waits for the loop to be idle, only look."""
        if self.waiting and (timeout is None or timeout > 0):
            for future in self.waiting:
                if not future.done():
                    future.set_result(None)
            self.waiting.clear()
            timeout = 0
        return super().select(timeout)


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop that can be waited for."""

    def __init__(self) -> None:
        self.watched = WatchedSelector()
        super().__init__(self.watched)

    async def idle(self) -> None:
        """Return once nothing is left to run but what timers, threads and the network bring; or soon."""
        future = self.create_future()
        self.watched.waiting.append(future)
        await asyncio.wait([future], timeout=_PATIENCE)


class WatchedPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes such loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop."""
        return WatchedLoop()

"""Wakes all who wait for something to change; each then looks for himself."""

from __future__ import annotations

import asyncio


class Bell:
    """A condition without a lock, for one event loop."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def heard(self) -> None:
        """Wait until it rings."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def ring(self) -> None:
        """Wake them."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

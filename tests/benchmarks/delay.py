"""A relay on loopback that holds each request back for a while, as a distant server does."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self


class Delay:
    """Relays connections to a port of this machine; what clients send arrives later, answers at once.

    Parameters
    ----------
    port
        Where to.
    seconds
        How much later.
    """

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _open(self) -> int:
        server = await self._loop.create_server(lambda: _Near(self._port, self._seconds), "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])


class _Near(asyncio.Protocol):
    """The side of the client."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._far: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opening = asyncio.ensure_future(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        far, _ = await loop.create_connection(lambda: _Far(self._transport), "127.0.0.1", self._port)
        self._far = far

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if self._far is not None and not self._far.is_closing():
            self._far.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._far is not None:
            self._far.close()


class _Far(asyncio.Protocol):
    """The side of the server."""

    def __init__(self, near: asyncio.Transport) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        self._near.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._near.close()

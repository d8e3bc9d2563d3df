"""A slow line in front of a server on loopback: what either side sends arrives later, and at a rate."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

_PIECE = 1400
"""Bytes in a packet: what is drawn arrives bit by bit, not all of it at the end."""


class Line:
    """Relays connections to a port, both ways with a delay and at a rate.

    Parameters
    ----------
    where
        Address and port of the server.
    delay
        Seconds that anything needs from one end to the other: half of a round trip.
    rate
        Bytes per second in each direction.
    """

    def __init__(self, where: tuple[str, int], delay: float, rate: float) -> None:
        self._where = where
        self.delay = delay
        self.rate = rate
        self.dead = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
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
        self._loop.close()

    def die(self) -> None:
        """Carry nothing from here on, and tell neither end: a cable that is pulled."""
        self.dead = True

    async def _open(self) -> int:
        server = await self._loop.create_server(lambda: _End(self, self._where), "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])


class _End(asyncio.Protocol):
    """One end of a connection; that on the client's side opens the other."""

    def __init__(self, line: Line, where: tuple[str, int] | None = None, other: _End | None = None) -> None:
        self._line = line
        self._where = where
        self._other = other
        self._free = 0.0
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        for data in self._early:
            transport.write(data)
        if self._where is not None:
            self._opening = asyncio.ensure_future(self._connect(*self._where))

    async def _connect(self, host: str, port: int) -> None:
        other = self._other = _End(self._line, other=self)
        await asyncio.get_running_loop().create_connection(lambda: other, host, port)

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._free = max(self._free, loop.time()) + len(piece) / self._line.rate
            loop.call_at(self._free + self._line.delay, self._arrive, piece)

    def _arrive(self, data: bytes) -> None:
        other = self._other
        if self._line.dead or other is None:
            return
        if other._transport is None:
            other._early.append(data)
        elif not other._transport.is_closing():
            other._transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if self._other is not None and self._other._transport is not None and not self._line.dead:
            self._other._transport.close()

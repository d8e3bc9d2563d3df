"""A relay on loopback: delays, slows, holds and cuts the connections to a server."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

_PACKET = 1400
"""Bytes in a packet: at a rate, data arrives bit by bit, not all of it at the end."""


class Relay:
    """Relays connections to a server.

    Parameters
    ----------
    host, port
        Address of the server.
    delay
        Seconds that data needs from the client to the server.
    delay_back
        Seconds from the server to the client; None for as many.
    rate
        Bytes per second in each direction; None for no limit.
    """

    def __init__(
        self,
        port: int,
        delay: float = 0.0,
        rate: float | None = None,
        *,
        host: str = "127.0.0.1",
        delay_back: float | None = None,
    ) -> None:
        self.server = host, port
        self.delay = delay
        self.delay_back = delay if delay_back is None else delay_back
        self.rate = rate
        self.held = False
        self.ends: set[_End] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hold(self) -> None:
        """Lose what is sent from here on, and tell neither end: a cable that is pulled."""
        self.held = True

    def release(self) -> None:
        """Carry again what is sent from here on."""
        self.held = False

    def cut(self) -> None:
        """Reset all connections at both ends."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for end in list(self.ends):
            end.abort()

    async def _open(self) -> int:
        server = await self._loop.create_server(lambda: _End(self), "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])


class _End(asyncio.Protocol):
    """One end of a connection; the client's opens the server's."""

    def __init__(self, relay: Relay, other: _End | None = None) -> None:
        self.relay = relay
        self.other = other
        self.early: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.is_client = other is None
        self.free = 0.0
        self.opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.relay.ends.add(self)
        for data in self.early:
            transport.write(data)
        if self.is_client:
            self.opening = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        other = self.other = _End(self.relay, self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: other, *self.relay.server)
        except OSError:
            self.abort()

    def data_received(self, data: bytes) -> None:
        loop, relay = asyncio.get_running_loop(), self.relay
        delay = relay.delay if self.is_client else relay.delay_back
        step = _PACKET if relay.rate else len(data)
        for start in range(0, len(data), step):
            packet = data[start : start + step]
            self.free = max(self.free, loop.time()) + (len(packet) / relay.rate if relay.rate else 0.0)
            loop.call_at(self.free + delay, self._arrive, packet)

    def _arrive(self, data: bytes) -> None:
        if self.relay.held or self.other is None:
            return
        if self.other.transport is None:
            self.other.early.append(data)
        elif not self.other.transport.is_closing():
            self.other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self.relay.ends.discard(self)
        if self.other is not None and self.other.transport is not None and not self.relay.held:
            self.other.transport.close()

    def abort(self) -> None:
        """Reset the connection."""
        if self.transport is not None:
            self.transport.abort()

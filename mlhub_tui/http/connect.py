"""Opening connections: happy eyeballs, HTTP and SOCKS proxies, TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable

from ..text import one_line
from .connection import MAX_HEAD, HTTP11Connection
from .errors import PROXY_LOGIN, ProxyFailure, connect_error, connect_reason
from .proxies import Proxy
from .urls import Origin

_ATTEMPT_DELAY = 0.25  # seconds until the next address is tried beside the one before (RFC 8305, section 5)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")

_SOCKS5_REPLIES = {
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "kind of address not supported",
}

TLSSettings = Callable[[], Awaitable[ssl.SSLContext]]


async def open_connection(
    origin: Origin, proxy: Proxy | None, timeout: float, tls: TLSSettings
) -> HTTP11Connection:
    """Return a connection to an origin, or to the proxy that forwards plain http requests to it.

    - `timeout`: Seconds for name lookup, connecting, the proxy and TLS together.
    - `tls`: Returns the TLS settings; called only where TLS is needed.

    Raises ServerUnreachable, ServerTimeout, TLSFailure, ProxyFailure if there is no connection, or none in
    time.
    """
    reached = False  # the proxy, if there is one: from then on it is not the one that failed

    def note_reached() -> None:
        nonlocal reached
        reached = True

    try:
        async with asyncio.timeout(timeout):
            if proxy is None:
                return await _direct(origin.host, origin.port, tls if origin.scheme == "https" else None)
            if not proxy.is_socks and origin.scheme == "http":
                return await _direct(proxy.host, proxy.port, tls if proxy.scheme == "https" else None)
            return await _through(origin, proxy, tls, note_reached)
    except (OSError, UnicodeError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        raise connect_error(error, f"{origin}/", "" if reached or proxy is None else proxy.label) from error


async def _direct(host: str, port: int, tls: TLSSettings | None) -> HTTP11Connection:
    context = await tls() if tls is not None else None
    _, connection = await asyncio.get_running_loop().create_connection(
        HTTP11Connection, host, port, ssl=context, happy_eyeballs_delay=_ATTEMPT_DELAY
    )
    return connection


async def _through(
    origin: Origin, proxy: Proxy, tls: TLSSettings, note_reached: Callable[[], None]
) -> HTTP11Connection:
    """Have a proxy connect to the origin, then speak TLS through it if the origin wants that."""
    loop = asyncio.get_running_loop()
    context = await tls() if "https" in (origin.scheme, proxy.scheme) else None
    transport, handshake = await loop.create_connection(
        _Handshake,
        proxy.host,
        proxy.port,
        ssl=context if proxy.scheme == "https" else None,
        happy_eyeballs_delay=_ATTEMPT_DELAY,
    )
    try:
        await (_socks5 if proxy.is_socks else _tunnel)(transport, handshake, origin, proxy)
        note_reached()
        if handshake.received:  # neither TLS nor HTTP servers speak first
            raise ProxyFailure(f"the proxy {proxy.label} sends what is no part of its protocol")
        connection = HTTP11Connection()
        if origin.scheme == "https":
            assert context is not None
            upgraded = await loop.start_tls(
                transport, connection, context, server_hostname=origin.host.partition("%")[0]
            )
            assert upgraded is not None
            connection.connection_made(upgraded)
        else:
            transport.set_protocol(connection)
            connection.connection_made(transport)
    except BaseException:
        transport.abort()
        raise
    return connection


class _Handshake(asyncio.Protocol):
    """Collects what a proxy says before the connection through it is there."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._changed = asyncio.Event()
        self._ended = False

    def data_received(self, data: bytes) -> None:
        """Append what came."""
        self.received += data
        self._changed.set()

    def eof_received(self) -> None:
        """Note the end."""
        self._ended = True
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.eof_received()

    async def read(self, measure: Callable[[bytearray], int]) -> bytes:
        """Return a message once `measure` returns its length, which is 0 while it is incomplete."""
        while not (length := measure(self.received)):
            if self._ended or len(self.received) > MAX_HEAD:
                raise ConnectionResetError("the proxy ended the connection")
            self._changed.clear()
            await self._changed.wait()
        message = bytes(self.received[:length])
        del self.received[:length]
        return message

    async def read_exactly(self, count: int) -> bytes:
        """Return so many bytes."""
        return await self.read(lambda received: count if len(received) >= count else 0)


def _length_of_head(received: bytearray) -> int:
    end = re.search(rb"\r?\n\r?\n", received)
    return end.end() if end else 0


async def _tunnel(
    transport: asyncio.WriteTransport, handshake: _Handshake, origin: Origin, proxy: Proxy
) -> None:
    """Request a tunnel from an HTTP proxy (RFC 9110, section 9.3.6)."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    transport.write("\r\n".join([*lines, "", ""]).encode("ascii"))
    status = _STATUS_LINE.match(await handshake.read(_length_of_head))
    if status is None:
        raise ProxyFailure(f"{proxy.label} does not respond as an HTTP proxy does")
    if status[1] == b"407":
        raise _refused(proxy, origin, "407, it requires another user or password", PROXY_LOGIN)
    if not status[1].startswith(b"2"):
        raise _refused(proxy, origin, f"{status[1].decode()} {(status[2] or b'').decode('latin-1')}")


async def _socks5(
    transport: asyncio.WriteTransport, handshake: _Handshake, origin: Origin, proxy: Proxy
) -> None:
    """Request a connection from a SOCKS proxy (RFC 1928, RFC 1929); `socks5h` leaves name lookup to it."""
    methods = b"\x00\x02" if proxy.user else b"\x00"
    transport.write(b"\x05" + _counted(methods))
    version, method = await handshake.read_exactly(2)
    if version != 5:
        raise ProxyFailure(f"{proxy.label} does not respond as a SOCKS proxy does")
    if method not in methods:
        raise _refused(proxy, origin, "it requires a user and a password", PROXY_LOGIN)
    if method == 2:
        transport.write(b"\x01" + _counted(proxy.user.encode()) + _counted(proxy.password.encode()))
        if (await handshake.read_exactly(2))[1] != 0:
            raise _refused(proxy, origin, "wrong user or password", PROXY_LOGIN)
    host = origin.host
    if proxy.scheme != "socks5h":
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, origin.port, type=socket.SOCK_STREAM)
        except OSError as error:
            hint = "write socks5h:// in place of socks5:// to have the proxy look it up"
            raise ProxyFailure(f"cannot reach {host}: {connect_reason(error)}", hint=hint) from error
        host = str(found[0][4][0])
    try:
        number = ipaddress.ip_address(host)
        address = (b"\x01" if number.version == 4 else b"\x04") + number.packed
    except ValueError:
        address = b"\x03" + _counted(host.encode("ascii"))
    transport.write(b"\x05\x01\x00" + address + origin.port.to_bytes(2, "big"))
    reply = await handshake.read_exactly(5)  # version, code, 0, kind of address, its first byte
    rest = {1: 4, 3: reply[4] + 1, 4: 16}.get(reply[3])
    if reply[0] != 5 or rest is None:
        raise ProxyFailure(f"{proxy.label} does not respond as a SOCKS proxy does")
    if reply[1] != 0:
        raise _refused(proxy, origin, _SOCKS5_REPLIES.get(reply[1], f"code {reply[1]}"))
    await handshake.read_exactly(rest - 1 + 2)


def _counted(data: bytes) -> bytes:
    return len(data[:255]).to_bytes(1, "big") + data[:255]


def _refused(proxy: Proxy, origin: Origin, why: str, hint: str | None = None) -> ProxyFailure:
    words = f"the proxy {proxy.label} refuses the connection to {origin.authority}: {one_line(why, 80)}"
    return ProxyFailure(words, url=f"{origin}/", hint=hint)

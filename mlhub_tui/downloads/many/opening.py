"""Opens sockets for connections: the first address that answers, then TLS if it is wanted."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from ...sources.failures import of_transport
from .place import Place


async def reach(place: Place, patience: float, context: Callable[[], ssl.SSLContext]) -> socket.socket:
    """Return a socket that is connected to a place and does not block; a TLS one where the place wants it.

    Parameters
    ----------
    patience
        Seconds it may take.
    context
        Returns the TLS settings.

    Raises
    ------
    RequestError
        If nobody is there, in time, whom the TLS settings trust.
    """
    url = f"{place.scheme}://{place.authority}/"
    try:
        async with asyncio.timeout(patience):
            opened = await _connect(place)
            try:
                if place.scheme == "https":
                    opened = await _secure(opened, context(), place.host)
            except BaseException:
                opened.close()
                raise
    except (OSError, UnicodeError) as error:
        raise of_transport(error, url) from error
    return opened


async def _connect(place: Place) -> socket.socket:
    """Connect to the first address of a place that takes a connection."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    last: OSError = ConnectionError("no address")
    for family, kind, protocol, _, address in found:
        tried = socket.socket(family, kind, protocol)
        try:
            tried.setblocking(False)
            await loop.sock_connect(tried, address)
            tried.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return tried
        except OSError as error:
            tried.close()
            last = error
        except BaseException:
            tried.close()
            raise
    raise last


async def _secure(plain: socket.socket, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Do the TLS handshake; the ssl module's sockets read straight into our buffer, asyncio's TLS copies."""
    secured = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    try:
        while True:
            try:
                secured.do_handshake()
                return secured
            except ssl.SSLWantReadError:
                await _ready(secured, writing=False)
            except ssl.SSLWantWriteError:
                await _ready(secured, writing=True)
    except BaseException:
        secured.close()
        raise


async def _ready(waited: socket.socket, *, writing: bool) -> None:
    loop, number = asyncio.get_running_loop(), waited.fileno()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    (loop.add_writer if writing else loop.add_reader)(number, settle)
    try:
        await ready
    finally:
        (loop.remove_writer if writing else loop.remove_reader)(number)

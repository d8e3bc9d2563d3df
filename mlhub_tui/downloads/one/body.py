"""The bytes of an answer, read straight into one buffer where the framing allows it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Sequence

import httpx

from ...errors import ServerTimeout
from ..content_coding import decoder
from ..trouble import Broken, Interrupted
from .answer import Digest, length
from .verify import compare, new_hash
from .wire import Wire

_ENCODED = 64 << 10  # bytes that are read before they are decoded


class Body:
    """The body of one answer.

    With Content-Length framing only the first piece goes through httpx, with what it had read ahead; the
    rest is received from the connection's socket into the caller's buffer: a copy and an object less per
    piece, which is most of the work at full speed. h11 hands out everything it has buffered as one event,
    so once the first piece is there nothing else is between the socket and the caller. Any other framing
    (chunked, until close, a proxy's inner TLS) is left to httpx.

    Parameters
    ----------
    response
        An answer whose body is unread.
    wire
        The connection it came over.
    tick
        Seconds after which a read that got nothing returns.
    """

    def __init__(self, response: httpx.Response, wire: Wire, tick: float) -> None:
        self._wire = wire
        self._pieces: Iterator[bytes] = response.iter_raw()
        self._piece = memoryview(b"")
        self._left = None if "transfer-encoding" in response.headers else length(response.headers)
        self._socket = _direct(response) if self._left is not None else None
        self._tick = tick
        self._begun = False
        self._promised = self._left

    def readinto(self, view: memoryview) -> int | None:
        """Read into a buffer; return the number of bytes, 0 at the end, None if nothing came in time.

        Raises
        ------
        Broken
            If the connection ends before the announced length.
        Interrupted
            If the wire was cut.
        """
        if self._left == 0:
            return 0
        if not self._piece and (not self._begun or self._socket is None):
            with self._wire.translated():
                self._piece = memoryview(next(self._pieces, b""))
            self._begun = True
            if self._socket is not None:
                self._socket.settimeout(self._tick)
        if self._piece:
            count = min(len(view), len(self._piece))
            view[:count] = self._piece[:count]
            self._piece = self._piece[count:]
            return self._account(count)
        if self._socket is None or self._left is None:
            return self._account(0)
        return self._receive(self._socket, view[: self._left])

    def read_within(self, view: memoryview, patience: float) -> int:
        """Read into a buffer, waiting so many seconds at most; ServerTimeout if nothing comes."""
        deadline = time.monotonic() + patience
        while (count := self.readinto(view)) is None:
            if time.monotonic() > deadline:
                raise ServerTimeout("the server sends nothing more", url=self._wire.url)
        return count

    def check_cut(self) -> None:
        """Raise Interrupted if the wire was cut."""
        if self._wire.is_cut:
            raise Interrupted

    def _receive(self, source: socket.socket, view: memoryview) -> int | None:
        try:
            count = source.recv_into(view)
        except (TimeoutError, ssl.SSLWantReadError):
            count = -1
        except OSError:
            with self._wire.translated():
                raise
        if self._wire.is_cut:  # what arrives after a cut is not to be trusted or kept
            raise Interrupted
        return None if count < 0 else self._account(count)

    def _account(self, count: int) -> int:
        if self._left is not None:
            if count == 0:
                raise Broken(f"the connection ended with {self._left} of {self._promised} bytes to come")
            self._left -= count
        return count


class DecodedBody(Body):
    """A body without the content codings that it was sent with.

    Parameters
    ----------
    body
        The body as it is sent.
    undone
        The codings, the first one to undo first; see `content_coding.to_undo`.
    start
        What was read of it already.
    digests
        Checksums of what is sent.
    """

    def __init__(self, body: Body, undone: Sequence[str], start: bytes, digests: Sequence[Digest]) -> None:
        self._encoded = body
        self._wire = body._wire
        self._decoder = decoder(undone)
        self._buffer = memoryview(bytearray(_ENCODED))
        self._digests = digests
        self._hashes = [new_hash(digest.algorithm) for digest in digests]
        self._over = False
        self._feed(start)

    def readinto(self, view: memoryview) -> int | None:
        """Read decoded bytes into a buffer, as `Body.readinto`.

        Raises
        ------
        VerificationFailed
            Also if they cannot be decoded to their end, or a checksum of what was sent differs.
        """
        while not (found := self._decoder.take(len(view))):
            if self._over:
                return 0
            count = self._encoded.readinto(self._buffer)
            if count is None:
                return None
            if count:
                self._feed(bytes(self._buffer[:count]))
                continue
            self._over = True
            self._decoder.finish()
            compare(self._digests, self._hashes)
        view[: len(found)] = found
        return len(found)

    def _feed(self, data: bytes) -> None:
        for known in self._hashes:
            known.update(memoryview(data))
        self._decoder.feed(data)


def _direct(response: httpx.Response) -> socket.socket | None:
    """Return the socket that the body comes from as it is; None where there is a layer between."""
    stream = response.extensions.get("network_stream")
    if stream is None or response.http_version not in ("HTTP/1.1", "HTTP/1.0"):
        return None
    if isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject):
        return None  # TLS inside a proxy's TLS: the socket carries the outer one
    held = stream.get_extra_info("socket")
    return held if isinstance(held, socket.socket) else None

"""HTTP/1.1 connection on asyncio transports: bodies go from one buffer straight to a sink."""

from __future__ import annotations

import asyncio
import re
import select
import ssl
import time
from collections.abc import Callable
from typing import cast

from ..errors import RequestError, ServerTimeout
from ..text import one_line, redact
from .errors import DEFAULT_TIMEOUTS, ConnectionLost, ProtocolError, Timeouts, connect_error
from .limits import POLL, BandwidthLimiter
from .response import BodySink, ChunkedBody, Response, malformed, parse_head
from .urls import RequestURL, address, host_label

MAX_HEAD = 300 << 10  # bytes of a response head: the bound of curl
BUFFER = 64 << 10  # bytes of the buffer that holds a small response as a whole
LARGE_BUFFER = 1 << 20  # bytes of the buffer for larger bodies, allocated at the first of them
_SLOW_HINT = "if the server makes the file on demand, set first_byte_timeout in config.toml to more seconds"
WRITE_THRESHOLD = 256 << 10  # bytes of a larger body that are collected before they are written
_NEGLIGIBLE = 0.001  # seconds: a shorter wait is not worth a timer
_BLANK_LINE = re.compile(rb"\n\r?\n")
_OTHERS = {b"\x15\x03": "TLS: try https", b"\0\0": "HTTP/2 alone", b"PRI ": "HTTP/2 alone"}
"""First bytes of other protocols: an alert of TLS (RFC 8446, 5.1), a frame and the preface of HTTP/2."""
_ENDLESS = 1 << 62  # bytes of a body that the end of the connection delimits


class HTTP11Connection(asyncio.BufferedProtocol):
    """One HTTP/1.1 connection, plain or TLS, for one request at a time; not to be used once `closed`.

    - `bytes_received`: In all.
    - `idle`: Seconds since the last response, as far as `check` counted them.
    """

    def __init__(self) -> None:
        self.closed, self.bytes_received, self.idle = False, 0, 0.0
        self.transport: asyncio.Transport | None = None
        self._small = self._buffer = memoryview(bytearray(BUFFER))
        self._large: memoryview | None = None
        self._read_size, self._threshold, self._resized = LARGE_BUFFER, WRITE_THRESHOLD, False
        self._start = self._end = self._remaining = 0  # bounds in the buffer; body bytes not yet written
        self._waiter: asyncio.Future[Response] | None = None
        self._response: Response | None = None
        self._sink: BodySink | None = None
        self._chunks: ChunkedBody | None = None
        self._paused = self._throttled = self._truncated = False
        self._bandwidth: BandwidthLimiter | None = None
        self._refusal: ssl.SSLError | None = None
        self._method, self._url = "", cast("RequestURL | str", "")
        self._timeouts = DEFAULT_TIMEOUTS
        self._waited, self._mark = 0.0, 0  # seconds without a response or enough bytes; bytes before them
        self._head_end = 0  # `bytes_received` at the end of the head

    async def request(
        self,
        method: str,
        head: bytes,
        open_sink: Callable[[Response], BodySink],
        *,
        url: RequestURL | str = "",
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        bandwidth: BandwidthLimiter | None = None,
    ) -> Response:
        """Send a request without a body; return the response once its body is in `open_sink(response)`.

        Raises ConnectionLost, ProtocolError, ServerTimeout, and what `open_sink` or the sink raise. Whatever
        ends a request early, cancellation too, closes the connection: no later response can be taken for this
        one. `url` names the request in errors and in the response; its body is paid for out of `bandwidth`.
        """
        self._url = url
        # What arrived before the request is no response to it (RFC 9112, 9.2). Let the loop read it first, in
        # its next two turns: surplus bytes and the end close the connection, TLS session tickets do not.
        if self._poll is not None and not self.closed and self._poll.poll(0):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if self._refusal is not None:
            raise connect_error(self._refusal, str(url))
        if self.closed or self.transport is None:
            raise self._lost("it was closed while idle")
        self._method, self._open_sink, self._timeouts = method, open_sink, timeouts
        self._bandwidth = bandwidth
        self._read_size, self._threshold = LARGE_BUFFER, WRITE_THRESHOLD
        self._waited, self._mark = 0.0, self.bytes_received
        waiter: asyncio.Future[Response] = self._loop.create_future()
        self._waiter = waiter
        self.transport.write(head)
        try:
            return await waiter
        finally:
            if self._waiter is not None:  # cancelled
                self.close()

    def close(self, error: BaseException | None = None) -> None:
        """Write what was received, fail the request in progress, and close without waiting for the peer."""
        if self.closed:
            return
        self.closed = True
        self.flush()
        waiter = self._waiter
        self._end_request()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error or self._lost("it was closed by this program"))
        if self.transport is not None:
            # Not at once: SSLProtocol raises RuntimeError if it is aborted while it delivers its last bytes.
            asyncio.get_running_loop().call_soon(self.transport.abort)

    def flush(self) -> None:
        """Write bytes below the threshold: from a timer while a body is slow, and at an early end."""
        if self._sink is not None and self._end > self._start:
            self.buffer_updated(0)

    def check(self, elapsed: float) -> None:
        """Account for seconds that passed: end what exceeds its timeouts, write what waits in the buffer."""
        if self._waiter is None:
            self.idle += elapsed
            if self.idle > 1:
                self._large = None
            return
        self._waited += elapsed
        timeouts, response = self._timeouts, self._response
        if response is None:
            if self._waited >= timeouts.first_byte:
                self.close(self._timeout(f"did not respond within {timeouts.first_byte:g} s", slow=True))
            return
        self.flush()
        if (
            self._paused
            or self._throttled
            or self.bytes_received - self._mark >= timeouts.low_speed_limit * timeouts.low_speed_time
        ):
            self._waited, self._mark = 0.0, self.bytes_received
        elif self.bytes_received == self._head_end:  # a file that is made on demand may begin with its head
            if self._waited >= max(timeouts.first_byte, timeouts.low_speed_time):
                self.close(self._timeout(f"sent no body within {timeouts.first_byte:g} s", slow=True))
        elif self._waited >= timeouts.low_speed_time:
            few = f"fewer than {timeouts.low_speed_limit:g} bytes a second"
            little = few if timeouts.low_speed_limit * timeouts.low_speed_time > 1.5 else "nothing more"
            self.close(self._timeout(f"sent {little} for {timeouts.low_speed_time:g} s"))

    def pause(self) -> None:
        """Hold back the body in progress; see `Response.pause`."""
        self._paused = True
        self._hold(self._throttled)

    def resume(self) -> None:
        """Continue to read."""
        self._paused = False
        self._hold(self._throttled)

    def _hold(self, throttled: bool) -> None:
        """Stop or continue to read, as the reader and the bandwidth limit want it."""
        self._throttled = throttled
        if self.transport is None or self.closed:
            return
        if self._paused or throttled:
            self.transport.pause_reading()
        else:
            self._waited, self._mark = 0.0, self.bytes_received
            self.transport.resume_reading()

    def _pay(self, count: int) -> None:
        """Pay for bytes of the body: read no further before their time."""
        limiter = self._bandwidth
        if limiter is None or limiter.rate is None or self._response is None:
            return
        self._limit_reads(limiter.chunk_size(LARGE_BUFFER))
        due = limiter.consume(count)
        if due - time.monotonic() > _NEGLIGIBLE:
            self._hold(True)
            self._await(limiter, limiter.rate, due, self._response)

    def _await(
        self, limiter: BandwidthLimiter, rate: float | None, due: float, response: Response | None
    ) -> None:
        wait = due - time.monotonic()
        if self._response is not response:
            pass  # it has ended
        elif limiter.rate != rate or wait <= 0:
            self._hold(False)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(min(wait, POLL), self._await, limiter, rate, due, response)

    def _limit_reads(self, size: int) -> None:
        """Have at most `size` bytes of a large body reach the sink at a time; 64 KiB at first."""
        self._read_size = max(4096, min(size, LARGE_BUFFER))
        self._threshold, self._resized = min(WRITE_THRESHOLD, self._read_size), True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport; poll its socket, except on Windows, whose Proactor reads ahead."""
        self.transport, self._loop = cast(asyncio.Transport, transport), asyncio.get_running_loop()
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the free part of the buffer; never empty, as small bodies fit and large ones are written."""
        return self._buffer[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """Process received bytes; close the connection if nobody requested them."""
        self.bytes_received += nbytes
        if self._waiter is None:
            return self.close()
        try:
            return self._receive(nbytes)
        except BaseException as error:  # fails the request; asyncio would only log it
            self._sink = None  # no write after a failed one
            self.close(self._named(error))
            if not isinstance(error, Exception):
                raise

    def eof_received(self) -> None:
        """Complete a body that only the end of the connection delimits; fail any other open request."""
        # TLS may end with close_notify or without. Reading on tells: SSLObject returns b"" after it, and
        # raises SSLWantReadError without.
        tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        if tls is not None:
            try:
                tls.read(1)
            except ssl.SSLError:
                self._truncated = True
        self.buffer_updated(0)
        response = self._response
        if response is not None and self._chunks is not None and self._chunks.complete:
            response.keep_alive = False
            return self._finish(response)
        if response is not None and self._remaining > _ENDLESS // 2:
            if self.bytes_received > self._head_end or response.status != 200:
                response.complete, response.keep_alive = not self._truncated, False
                return self._finish(response)
            # Where only the end delimits a body, none is that of a server that failed.
            self.close(self._lost("it ended after the head of the response"))
        if response is None and self._end:
            try:
                self._require_http(bytes(self._buffer[: min(self._end, 80)]))
            except ProtocolError as error:
                return self.close(self._named(error))
        return self.close(self._lost("it ended before the response was complete"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request in progress after a reset or a timeout; eof_received has handled other ends."""
        reason = one_line(getattr(exc, "strerror", None) or exc, 160) or "it was closed"
        if isinstance(exc, ssl.SSLError) and not self.bytes_received:  # as TLS 1.3 refuses a client
            self._refusal = exc  # which may come before the first request
            self.close(connect_error(exc, str(self._url)))
        self.close(self._lost(reason))

    def _receive(self, nbytes: int) -> None:  # 0 at the end of the connection, and to flush
        searched, self._end = max(0, self._end - 2), self._end + nbytes
        if self._sink is None and not self._read_head(searched):
            return
        response, sink = self._response, self._sink
        assert response is not None and sink is not None
        received, expected = self._end - self._start, self._remaining
        if self._chunks is not None:
            data = bytes(self._buffer[self._start : self._end])
            self._start = self._end = 0
            surplus = self._chunks.feed(data, sink)
            self._pay(len(data))
            if surplus is not None:
                response.keep_alive &= not surplus
                self._finish(response)
        elif received >= min(expected, self._threshold) or not nbytes:
            self._write()
            if received >= expected:
                response.keep_alive &= received == expected
                self._finish(response)

    def _read_head(self, searched: int) -> bool:
        """Open the sink once the head of the final response is there; 1xx before it are passed over."""
        while True:
            if (blank_line := _BLANK_LINE.search(self._buffer, searched, self._end)) is None:
                return self._await_head()
            self._start = blank_line.end()
            response = parse_head(bytes(self._buffer[: self._start]))
            if response.status >= 200:
                break
            rest = bytes(self._buffer[self._start : self._end])
            searched, self._start, self._end = 0, 0, len(rest)
            self._buffer[: self._end] = rest
        self._head_end = self.bytes_received - (self._end - self._start)
        self._sink = self._open(response)
        if self._method == "HEAD" or response.status in (204, 304):
            self._remaining = 0
        elif "transfer-encoding" in response.headers:
            self._chunks = ChunkedBody()
        else:
            self._remaining = _ENDLESS if response.content_length is None else response.content_length
            if self._start + self._remaining > len(self._buffer):  # does not fit beside its head
                self._write()
                self._large = self._large or memoryview(bytearray(LARGE_BUFFER))
                self._buffer = self._large[: self._read_size]
        return True

    def _await_head(self) -> bool:
        """Make room for a head that is not whole yet; raise ProtocolError for what is none, or too long."""
        if b"\n" in (start := bytes(self._buffer[: min(self._end, 80)])) or start[:1] < b" ":
            self._require_http(start)  # another kind of server has greeted, and waits
        if self._end >= MAX_HEAD:
            raise ProtocolError(f"the head of the response is longer than {MAX_HEAD >> 10} KB")
        if self._end == len(self._buffer):
            grown = memoryview(bytearray(MAX_HEAD))
            grown[: self._end] = self._buffer
            self._buffer = grown
        return False

    def _require_http(self, start: bytes) -> None:
        """Raise ProtocolError for the first bytes of a response that are none of HTTP/1.1."""
        if start.startswith(b"HTTP/"[: len(start)]):
            return
        for magic, other in _OTHERS.items():
            if start.startswith(magic):
                raise malformed(f"the server speaks {other}", "")
        raise malformed("illegal status line", start.partition(b"\n")[0].rstrip().decode("latin-1"))

    def _open(self, response: Response) -> BodySink:
        if response.status == 203:  # a 200 that a proxy has changed something of (RFC 9110, section 15.3.4)
            response.status = 200
        response.requested, response.method = self._url, self._method
        response.attach(self, self._mark)
        self._response, self._waited, self._mark = response, 0.0, self.bytes_received
        if self._bandwidth is not None and self._bandwidth.rate is not None:
            self._limit_reads(self._bandwidth.chunk_size(LARGE_BUFFER))
        return self._open_sink(response)

    def _write(self) -> None:
        view = self._buffer[self._start : min(self._end, self._start + self._remaining)]
        self._start, self._end, self._remaining = 0, 0, self._remaining - len(view)
        if view and self._sink is not None:
            self._sink.write(view)
            self._pay(len(view))
        if self._resized and self._large is not None and self._buffer is not self._small:
            self._buffer, self._resized = self._large[: self._read_size], False

    def _finish(self, response: Response) -> None:
        waiter, held = self._waiter, self._paused or self._throttled
        self._end_request()
        if held and self.transport is not None:
            self.transport.resume_reading()  # an idle connection must notice its end
        if waiter is not None and not waiter.done():
            waiter.set_result(response)
        if not response.keep_alive:
            self.close()

    def _end_request(self) -> None:
        if self._response is not None:
            self._response.detach()
        self._waiter = self._sink = self._chunks = self._response = None
        self._remaining = 0
        self._buffer, self._start, self._end = self._small, 0, 0
        self._paused = self._throttled = False
        self.idle = 0.0

    def _named(self, error: BaseException) -> BaseException:
        """Return an error of this module with the host and URL of the request."""
        if isinstance(error, ConnectionLost | ProtocolError) and not error.url:
            return type(error)(f"{host_label(str(self._url))}: {error.message}", url=address(str(self._url)))
        return error

    def _lost(self, reason: str) -> ConnectionLost:
        url = str(self._url)
        words = f"the connection to {host_label(url)} was lost: {redact(reason)}"
        return ConnectionLost(words, url=address(url))

    def _timeout(self, reason: str, *, slow: bool = False) -> RequestError:
        url = str(self._url)
        words = f"timeout: {host_label(url)} {reason}"
        return ServerTimeout(words, url=address(url), hint=_SLOW_HINT if slow else None)

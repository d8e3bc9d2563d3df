"""HTTP/1.1 connection on asyncio transports: bodies go from one buffer straight to a sink."""

from __future__ import annotations

import asyncio
import re
import select
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from ..errors import RequestError, ServerTimeout
from ..text import one_line, redact
from .errors import DEFAULT_TIMEOUTS, ConnectionLost, ProtocolError, Timeouts
from .limits import POLL, BandwidthLimiter
from .urls import RequestURL, address, host_label

MAX_HEAD = 300 << 10  # bytes of a response head: the bound of curl
BUFFER = 64 << 10  # bytes of the buffer that holds a small response as a whole
LARGE_BUFFER = 1 << 20  # bytes of the buffer for larger bodies, allocated at the first of them
_SLOW_HINT = "if the server makes the file on demand, set first_byte_timeout in config.toml to more seconds"
WRITE_THRESHOLD = 256 << 10  # bytes of a larger body that are collected before they are written
_NEGLIGIBLE = 0.001  # seconds: a shorter wait is not worth a timer
_BLANK_LINE = re.compile(rb"\n\r?\n")
# Not allowed, but what some gateways write (RFC 9112, section 5.1).
_FIELD_NAME = re.compile(r"([\w!#$%&'*+.^`|~-]+)[ \t]*:", re.ASCII)
_NOT_IN_FIELDS = re.compile(r"[\r\0]")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) (\d{3})(?: ([^\r\0]*))?", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?=[ \t;]|$)")
_ENDLESS = 1 << 62  # bytes of a body that the end of the connection delimits
_SINGLE = frozenset({"location", "etag", "last-modified", "content-type", "retry-after"})
"""Fields that hold one value: of one that is repeated the first counts."""
# A head whose framing leaves no question: HTTP/1.1, a final status, no folded lines (RFC 9112, 4 and 5).
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5]\d\d)(?!\d) ?([^\r\n\0]*)\r\n((?:[\w!#$%&'*+.^`|~-]+:[^\r\n\0]*\r\n)*)\r\n", re.ASCII
)


class BodySink(Protocol):
    """Destination of a response body."""

    def write(self, view: memoryview, /) -> None:
        """Consume the bytes before returning: the buffer is reused. An exception ends the request.

        Never called with an empty view; not called at all for an empty body. Called on the event loop.
        """


@dataclass(slots=True)
class Response:
    """Head of a response and the state of its body; `keep_alive` and `complete` are final after the body.

    - `headers`: By name in lower case; fields of one name are joined by ", ", those of `set-cookie` by a line
      feed.
    - `content_length`: Bytes of the body as announced; None if chunked or delimited by the end of the
      connection. For HEAD what a GET would announce.
    - `complete`: False if the body may be truncated: only the end of TLS without close_notify delimits it.
    - `method`: Of the request that it is the response to: a redirect may have changed it.
    - `requested`: What `url` is of: written out when it is needed, which it is not for most of a thousand a
      second.
    """

    status: int
    reason: str
    headers: dict[str, str] = field(repr=False)
    content_length: int | None
    keep_alive: bool
    complete: bool = True
    method: str = "GET"
    requested: RequestURL | str = field(default="", repr=False)
    _connection: HTTP11Connection | None = field(default=None, repr=False, compare=False)
    _received: int = field(default=0, repr=False, compare=False)  # before the request, then of it

    @property
    def url(self) -> str:
        """The URL of this response after redirects, with its query: show only `urls.address` of it."""
        return str(self.requested)

    @property
    def received(self) -> int:
        """Bytes that the connection received for this response so far, head included."""
        connection = self._connection
        return self._received if connection is None else connection.bytes_received - self._received

    def pause(self) -> None:
        """Hold back the body (TCP tells the server) until `resume`; no stall is detected meanwhile.

        Bytes received before still reach the sink: at most one buffer. No effect after the body.
        """
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Continue a paused body. No effect after the body."""
        if self._connection is not None:
            self._connection.resume()

    def _detach(self) -> None:
        self._received, self._connection = self.received, None


def parse_response_head(head: bytes, method: str) -> Response | None:
    """Parse a head whose body is delimited by one plain Content-Length; return None for any other.

    The head of a response to HEAD is one without a body, whatever it announces.
    """
    if (match := _HEAD.fullmatch(head)) is None:
        return None
    headers: dict[str, str] = {}
    for line in match[3].decode("latin-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        if (name := name.lower()) in headers:
            _add_field(headers, name, value.strip(" \t"))
        else:
            headers[name] = value.strip(" \t")
    status, length = int(match[1]), headers.get("content-length", "")
    framed = length.isascii() and length.isdigit() and len(length) < 19  # a repeated field contains a comma
    if method == "HEAD":
        if length and not framed:
            return None
    elif not framed or status in (204, 304) or "transfer-encoding" in headers:
        return None
    return Response(
        status,
        match[2].decode("latin-1"),
        headers,
        int(length) if length and "transfer-encoding" not in headers else None,
        "close" not in headers.get("connection", "").lower(),
        method=method,
    )


def parse_lenient_head(head: bytes) -> Response:
    """Parse any head that curl takes, a 1xx too; a body that is chunked has a `transfer-encoding`.

    Lines may end in a line feed alone and be folded. Fields with a name that is none are passed over, as are
    a coding for the transfer that is none (`identity`, of RFC 2616) or is named twice, and a length beside
    chunks (RFC 9112, section 6.3). Raises ProtocolError for what is no head, or leaves the body's end open.
    """
    first, *lines = (line.rstrip("\r") for line in head.decode("latin-1").rstrip("\r\n").split("\n"))
    if (status := _STATUS_LINE.fullmatch(first)) is None:
        raise _malformed("illegal status line", first)
    fields: list[list[str]] = []
    unnamed = True
    for line in lines:
        if line.startswith((" ", "\t")):  # a field that is folded (RFC 9112, section 5.2)
            if not unnamed:
                fields[-1][1] += f" {line.strip()}"
        elif _NOT_IN_FIELDS.search(line) or ":" not in line:
            raise _malformed("illegal header line", line)
        elif not (unnamed := (field := _FIELD_NAME.match(line)) is None):
            fields.append([field[1].lower(), line[field.end() :].strip(" \t")])
    headers: dict[str, str] = {}
    for name, value in fields:
        _add_field(headers, name, value)
    codings = {coding.strip() for coding in headers.pop("transfer-encoding", "").lower().split(",")}
    lengths = {length.strip() for length in headers.get("content-length", "").split(",")}
    keep_alive = status[1] == "1" and "close" not in headers.get("connection", "").lower()
    size = None
    if codings := codings - {"", "identity"}:
        if codings != {"chunked"}:
            raise ProtocolError(f"the body of the response is {one_line(', '.join(sorted(codings)), 60)}")
        headers["transfer-encoding"] = "chunked"
        keep_alive &= "content-length" not in headers
    elif "content-length" in headers:
        length = lengths.pop()
        if lengths or not length.isascii() or not length.isdigit() or len(length) > 18:
            raise _malformed("illegal Content-Length", headers["content-length"])
        headers["content-length"], size = length, int(length)
    return Response(int(status[2]), status[3] or "", headers, size, keep_alive)


def _malformed(what: str, line: str) -> ProtocolError:
    shown = f": {one_line(line, 80)}" if line.isprintable() and line.isascii() else ""
    return ProtocolError(f"the response is not HTTP/1.1: {what}{shown}")


class ChunkedBody:
    """Reader of a body in chunks (RFC 9112, section 7.1), whose lines may end in a line feed alone."""

    def __init__(self) -> None:
        self._line = b""  # as far as it came
        self._left = 0  # bytes of the chunk that are missing
        self._of_lines = 0  # bytes of lines since the last chunk
        self._in_trailer = self._behind_chunk = False

    def feed(self, data: bytes, sink: BodySink) -> bytes | None:
        """Write what is of the body; return what follows its end, None before that.

        Raises ProtocolError for what are no chunks.
        """
        at = 0
        while at < len(data):
            if self._left:
                piece = memoryview(data)[at : at + self._left]
                sink.write(piece)
                at, self._left = at + len(piece), self._left - len(piece)
                continue
            end = data.find(b"\n", at) + 1 or len(data)
            self._line += data[at:end]
            self._of_lines, at = self._of_lines + end - at, end
            if self._behind_chunk and self._line.strip(b"\r\n"):
                raise ProtocolError("the response is not HTTP/1.1: a chunk is longer than it says")
            if self._of_lines > BUFFER:
                raise ProtocolError("a line of the chunks of the response is too long")
            if not self._line.endswith(b"\n"):
                break
            line, self._line = self._line.rstrip(b"\r\n"), b""
            if self._in_trailer:
                if not line:
                    return data[at:]
            elif self._behind_chunk:
                self._behind_chunk = False
            else:
                if (size := _CHUNK_SIZE.match(line)) is None:
                    raise _malformed("illegal chunk header", line.decode("latin-1"))
                self._left, self._of_lines = int(size[1], 16), 0
                self._in_trailer, self._behind_chunk = not self._left, bool(self._left)
        return None


def _add_field(headers: dict[str, str], name: str, value: str) -> None:
    if name in _SINGLE and name in headers:
        return
    if name in headers:  # RFC 6265, section 3: Set-Cookie must not be joined by commas
        value = f"{headers[name]}\n{value}" if name == "set-cookie" else f"{headers[name]}, {value}"
    headers[name] = value


class HTTP11Connection(asyncio.BufferedProtocol):
    """One HTTP/1.1 connection, plain or TLS, for one request at a time; not to be used once `closed`.

    - `bytes_received`: In all.
    - `requests`: Requests sent so far.
    - `idle`: Seconds since the last response, as far as `check` counted them.
    """

    def __init__(self) -> None:
        self.closed, self.bytes_received, self.requests, self.idle = False, 0, 0, 0.0
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
        if self.closed or self.transport is None:
            raise self._lost("it was closed while idle")
        self._method, self._open_sink, self._timeouts = method, open_sink, timeouts
        self._bandwidth = bandwidth
        self._read_size, self._threshold = LARGE_BUFFER, WRITE_THRESHOLD
        self._waited, self._mark = 0.0, self.bytes_received
        waiter: asyncio.Future[Response] = self._loop.create_future()
        self._waiter = waiter
        self.requests += 1
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
            self.close(
                self._timeout(
                    f"sent fewer than {timeouts.low_speed_limit:g} bytes a second"
                    f" for {timeouts.low_speed_time:g} s"
                )
            )

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
        # SSLProtocol calls this with and without close_notify, and may leave bytes unread. Reading on tells:
        # SSLObject returns b"" after close_notify and raises SSLWantReadError without.
        tls = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        if tls is not None:
            try:
                while not self.closed and (data := tls.read(len(free := self.get_buffer(-1)))):
                    free[: len(data)] = data
                    self.buffer_updated(len(data))
            except ssl.SSLError:
                self._truncated = True
        self.buffer_updated(0)
        response = self._response
        if response is not None and self._remaining > _ENDLESS // 2:
            if self.bytes_received > self._head_end or response.status != 200:
                response.complete, response.keep_alive = not self._truncated, False
                return self._finish(response)
            # Where only the end delimits a body, none is that of a server that failed.
            self.close(self._lost("it ended after the head of the response"))
        return self.close(self._lost("it ended before the response was complete"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request in progress after a reset or a timeout; eof_received has handled other ends."""
        reason = one_line(getattr(exc, "strerror", None) or exc, 160) or "it was closed"
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
            head = bytes(self._buffer[: self._start])
            response = parse_response_head(head, self._method) or parse_lenient_head(head)
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
        start = bytes(self._buffer[: min(self._end, 80)])
        if not start.startswith(b"HTTP/"[: self._end]) and b"\n" in start:
            # Another kind of server has greeted, and waits.
            raise _malformed("illegal status line", start.partition(b"\n")[0].rstrip().decode("latin-1"))
        if self._end >= MAX_HEAD:
            raise ProtocolError(f"the head of the response is longer than {MAX_HEAD >> 10} KB")
        if self._end == len(self._buffer):
            grown = memoryview(bytearray(MAX_HEAD))
            grown[: self._end] = self._buffer
            self._buffer = grown
        return False

    def _open(self, response: Response) -> BodySink:
        if response.status == 203:  # a 200 that a proxy has changed something of (RFC 9110, section 15.3.4)
            response.status = 200
        response.requested, response.method = self._url, self._method
        response._received, response._connection = self._mark, self
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
            self._response._detach()
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

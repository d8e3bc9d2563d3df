"""Responses of HTTP/1.1 (RFC 9112): their heads as curl takes them, and bodies in chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from ..text import one_line
from .errors import ProtocolError
from .urls import RequestURL

_LONGEST = 64 << 10  # bytes of the lines between two chunks
# Not allowed, but what some gateways write (RFC 9112, section 5.1).
_FIELD_NAME = re.compile(r"([\w!#$%&'*+.^`|~-]+)[ \t]*:", re.ASCII)
_FIELD = re.compile(rf"^{_FIELD_NAME.pattern}[ \t]*([^\r\n\0]*)\r?$", re.ASCII | re.MULTILINE)
_NOT_IN_FIELDS = re.compile(r"[\r\0]")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) (\d{3})(?!\d) ?([^\r\0]*)", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?=[ \t;]|$)")
_SINGLE = frozenset({"location", "etag", "last-modified", "content-type", "retry-after"})
"""Fields that hold one value: of one that is repeated the first counts."""


class BodySink(Protocol):
    """Destination of a response body."""

    def write(self, view: memoryview, /) -> None:
        """Consume the bytes before returning: the buffer is reused. An exception ends the request.

        Never called with an empty view; not called at all for an empty body. Called on the event loop.
        """


class Receiver(Protocol):
    """Connection that receives a response."""

    bytes_received: int

    def pause(self) -> None:
        """Stop to read."""

    def resume(self) -> None:
        """Continue to read."""


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
    _connection: Receiver | None = field(default=None, repr=False, compare=False)
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

    def attach(self, connection: Receiver, received: int) -> None:
        """Begin to receive the body; `received` counts the bytes of the connection before this response."""
        self._received, self._connection = received, connection

    def detach(self) -> None:
        """End to receive the body."""
        self._received, self._connection = self.received, None


def parse_head(head: bytes) -> Response:
    """Parse any head that curl takes, a 1xx too; a body that is chunked has a `transfer-encoding`.

    Lines may end in a line feed alone and be folded. Fields with a name that is none are passed over, as are
    a coding for the transfer that is none (`identity`, of RFC 2616) or is named twice, and a length beside
    chunks (RFC 9112, section 6.3). Raises ProtocolError for what is no head, or leaves the body's end open.
    """
    first, _, rest = head.decode("latin-1").rstrip("\r\n").partition("\n")
    if (status := _STATUS_LINE.fullmatch(first.rstrip("\r"))) is None:
        raise malformed("illegal status line", first.rstrip("\r"))
    fields = _FIELD.findall(rest)
    if rest and len(fields) <= rest.count("\n"):  # not one in each line
        fields = _odd_fields(rest)
    headers: dict[str, str] = {}
    for name, value in fields:
        name, value = name.lower(), value.strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name not in _SINGLE:  # RFC 6265, section 3: Set-Cookie must not be joined by commas
            headers[name] += f"\n{value}" if name == "set-cookie" else f", {value}"
    keep_alive = status[1] == "1" and "close" not in headers.get("connection", "").lower()
    size, codings = None, set[str]()
    if "transfer-encoding" in headers:
        codings = {coding.strip() for coding in headers.pop("transfer-encoding").lower().split(",")}
    if codings := codings - {"", "identity"}:
        if codings != {"chunked"}:
            raise ProtocolError(f"the body of the response is {one_line(', '.join(sorted(codings)), 60)}")
        headers["transfer-encoding"] = "chunked"
        keep_alive &= "content-length" not in headers
    elif "content-length" in headers:
        length = headers["content-length"]
        if "," in length and len(same := {each.strip() for each in length.split(",")}) == 1:
            headers["content-length"] = length = same.pop()
        if not length.isascii() or not length.isdigit() or len(length) > 18:
            raise malformed("illegal Content-Length", length)
        size = int(length)
    return Response(int(status[2]), status[3], headers, size, keep_alive)


def _odd_fields(rest: str) -> list[tuple[str, str]]:
    """Return the fields of lines of which some are folded, or none of a field."""
    fields: list[tuple[str, str]] = []
    unnamed = True
    for line in (line.rstrip("\r") for line in rest.split("\n")):
        if line.startswith((" ", "\t")):  # a field that is folded (RFC 9112, section 5.2)
            if not unnamed:
                name, value = fields.pop()
                fields.append((name, f"{value.rstrip()} {line.strip()}"))
        elif _NOT_IN_FIELDS.search(line) or ":" not in line:
            raise malformed("illegal header line", line)
        elif not (unnamed := (field := _FIELD_NAME.match(line)) is None):
            fields.append((field[1], line[field.end() :]))
    return fields


def malformed(what: str, line: str) -> ProtocolError:
    """Return the error of a response that is no HTTP/1.1, with its line where that can be shown."""
    shown = f": {one_line(line, 80)}" if line and line.isprintable() and line.isascii() else ""
    return ProtocolError(f"the response is not HTTP/1.1: {what}{shown}")


class ChunkedBody:
    """Reader of a body in chunks (RFC 9112, section 7.1), whose lines may end in a line feed alone.

    `complete` is whether its last chunk came, though not yet the end of the trailer.
    """

    def __init__(self) -> None:
        self._line = b""  # as far as it came
        self._left = 0  # bytes of the chunk that are missing
        self._of_lines = 0  # bytes of lines since the last chunk
        self.complete = self._behind_chunk = False

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
            if self._of_lines > _LONGEST:
                raise ProtocolError("a line of the chunks of the response is too long")
            if not self._line.endswith(b"\n"):
                break
            line, self._line = self._line.rstrip(b"\r\n"), b""
            if self.complete:
                if not line:
                    return data[at:]
            elif self._behind_chunk:
                self._behind_chunk = False
            else:
                if (size := _CHUNK_SIZE.match(line)) is None:
                    raise malformed("illegal chunk header", line.decode("latin-1"))
                self._left, self._of_lines = int(size[1], 16), 0
                self.complete, self._behind_chunk = not self._left, bool(self._left)
        return None

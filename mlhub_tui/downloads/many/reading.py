"""Reads one answer out of the bytes of a connection: the usual framing at once, all other by h11."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import h11

from ..trouble import Broken

HEAD = 64 << 10
"""The longest head of an answer, in bytes; also the size of the buffer that reading begins with."""

# An answer whose framing leaves no question: HTTP/1.1, a final status that may have a body, no folded
# lines, no bare line ends. RFC 9112, sections 4 and 5.
_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ?([^\r\n\0]*)\r\n")
_FIELDS = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*")
_NO_BODY = frozenset({204, 205, 304})


@dataclass(slots=True)
class Answer:
    """An answer as it came.

    Parameters
    ----------
    headers
        By their names in small letters; several of one name are joined by commas.
    body
        All of it, unless it is `large`.
    length
        What Content-Length announces; None if nothing does.
    framed
        Whether the end of the body can be told from the end of the connection.
    large
        Whether the body was left unread because it is longer than what was allowed.
    keep
        Whether the connection can be asked again.
    url
        Where it came from, with its query.
    encoded
        The body as it was sent, where it had a content coding that is undone in `body`.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes | bytearray = b""
    length: int | None = None
    framed: bool = True
    large: bool = False
    keep: bool = True
    url: str = field(default="", repr=False)
    encoded: bytes | bytearray | None = None


class Reading:
    """The answer to one request, as far as it has come; knows nothing of sockets.

    Parameters
    ----------
    method
        GET or HEAD.
    buffer
        `HEAD` bytes to begin with, for this reading alone.
    most
        Bytes up to which a body is read.
    """

    def __init__(self, method: str, buffer: bytearray, most: int) -> None:
        self._method = method
        self._buffer = buffer
        self._most = most
        self._view = memoryview(buffer)
        self._at = 0
        self._odd: _Odd | None = None
        self._answer: Answer | None = None

    @property
    def at(self) -> int:
        """How many bytes of its present buffer are filled: a hint of progress."""
        return self._at

    @property
    def begun(self) -> bool:
        """Whether the head is there."""
        return self._answer is not None or (self._odd is not None and self._odd.answer is not None)

    @property
    def answer(self) -> Answer:
        """The answer; only when `filled` or `ended` said it is there."""
        answer = self._odd.answer if self._odd else self._answer
        assert answer is not None
        return answer

    def space(self) -> memoryview:
        """Return where the next bytes go."""
        return self._view[self._at :] if self._odd is None else self._view

    def filled(self, count: int) -> bool:
        """Take note of so many bytes in that space; return whether the answer is there.

        Raises
        ------
        Broken
            If they are no HTTP.
        """
        if self._odd is not None:
            return self._odd.feed(bytes(self._view[:count]))
        before, self._at = self._at, self._at + count
        if self._answer is None:
            return self._look_for_head(max(0, before - 3))
        return self._at == len(self._view)

    def ended(self) -> bool:
        """Take note of the end of the connection; return whether the answer is there now.

        Raises
        ------
        Broken
            If something is missing.
        """
        if self._odd is not None:
            return self._odd.feed(b"")
        if self._answer is None and self._at:
            self._odd = _Odd(self._method, self._most)
            return self._odd.feed(bytes(self._view[: self._at])) or self._odd.feed(b"")
        if self._answer is None:
            raise Broken("the connection ended before an answer")
        raise Broken(f"the connection ended with {len(self._view) - self._at} bytes to come")

    def _look_for_head(self, start: int) -> bool:
        end = self._buffer.find(b"\r\n\r\n", start, self._at)
        if end < 0 and self._at < len(self._buffer):
            return False
        answer = usual(bytes(self._view[: end + 2]), self._method) if end >= 0 else None
        if answer is None:
            self._odd = _Odd(self._method, self._most)
            return self._odd.feed(bytes(self._view[: self._at]))
        self._answer = answer
        return self._begin_body(answer, end + 4)

    def _begin_body(self, answer: Answer, start: int) -> bool:
        length = 0 if self._method == "HEAD" else answer.length or 0
        there = self._at - start
        if length > self._most:
            answer.large, answer.keep = True, False
            return True
        if there >= length:
            answer.body = bytes(self._view[start : start + length])
            answer.keep = answer.keep and there == length  # more than was announced: never read on from there
            return True
        answer.body = bytearray(length)
        view = memoryview(answer.body)
        view[:there] = self._view[start : self._at]
        self._view, self._at = view, there
        return False


def usual(head: bytes, method: str) -> Answer | None:
    """Return the answer of a usual head, with the line end of its last line; None for h11 to judge."""
    status = _STATUS.match(head)
    if status is None or _FIELDS.fullmatch(head, status.end()) is None:
        return None
    headers: dict[str, str] = {}
    for line in head[status.end() :].decode("latin-1").split("\r\n")[:-1]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name == "content-length":
                return None
            value = f"{headers[name]}, {value}"
        headers[name] = value
    length = headers.get("content-length", "")
    code = int(status[1])
    if "transfer-encoding" in headers or "upgrade" in headers or code in _NO_BODY:
        return None
    if not (length.isascii() and length.isdigit() and len(length) < 19) and (method != "HEAD" or length):
        return None
    keep = "close" not in headers.get("connection", "").lower()
    size = int(length) if length else None
    return Answer(code, status[2].decode("latin-1"), headers, length=size, keep=keep)


class _Odd:
    """An answer that h11 reads: chunked, without a length, 1xx before it, or odd in another way."""

    def __init__(self, method: str, most: int) -> None:
        self._most = most
        self._body = bytearray()
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
        request = h11.Request(method=method, target="/", headers=[("Host", "there")])
        self._connection.send(request)
        self._connection.send(h11.EndOfMessage())
        self.answer: Answer | None = None

    def feed(self, data: bytes) -> bool:
        """Take bytes, none for the end; return whether the answer is there."""
        try:
            self._connection.receive_data(data)
            while (event := self._connection.next_event()) is not h11.NEED_DATA:
                if self._take(event):
                    return True
        except h11.RemoteProtocolError as error:
            raise Broken(f"the answer is no HTTP: {error}") from error
        return False

    def _take(self, event: object) -> bool:
        if isinstance(event, h11.Response):
            self.answer = _of(event)
        elif isinstance(event, h11.Data):
            self._body += event.data
            if self.answer is not None and len(self._body) > self._most:
                self.answer.large, self.answer.keep = True, False
                return True
        elif isinstance(event, h11.EndOfMessage) and self.answer is not None:
            self.answer.body = self._body
            reusable = self._connection.their_state is h11.DONE and not self._connection.trailing_data[0]
            self.answer.keep = self.answer.framed and reusable and self._connection.our_state is h11.DONE
            return True
        elif isinstance(event, h11.ConnectionClosed):
            raise Broken("the connection ended before an answer")
        return False


def _of(response: h11.Response) -> Answer:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    told = headers.get("content-length", "")
    length = int(told) if told.isdigit() and "transfer-encoding" not in headers else None
    framed = length is not None or "transfer-encoding" in headers
    return Answer(
        response.status_code, response.reason.decode("latin-1"), headers, length=length, framed=framed
    )

"""HTTP servers on loopback: a handler decides the answers, faults included; requests are recorded."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class Headers(dict[str, str]):
    """Values by names in lower case, asked for in any."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or a default."""
        return super().get(name.lower(), default)


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; names of headers in any case."""

    method: str
    target: str
    headers: Headers = field(default_factory=lambda: Headers())
    content: bytes = b""

    @property
    def body(self) -> Any:
        """The JSON that was sent; None where none was."""
        return json.loads(self.content) if self.content else None

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def range(self) -> str | None:
        """The Range header."""
        found: str | None = self.headers.get("range")
        return found


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    Parameters
    ----------
    status
        None for 200, or what the server finds right.
    body
        None for nothing, or what the server finds right.
    headers
        Further headers, and in place of the server's own; those of None are left out.
    length
        The Content-Length that is announced, whatever is sent; the connection is closed afterwards.
    before
        What happens in place of an answer: "reset", "close" or "stall".
    after, end
        After so many bytes of the body, "reset", "close" or "stall".
    pace, piece
        Seconds of pause after each `piece` bytes.
    chunked, unframed
        Whether the body is sent in chunks, or ends with the connection.
    extra
        Bytes sent after the body.
    whole, shift, total, flip, short
        For a server of ranges: the whole file is sent; the range is shifted; another total is announced; the
        byte at an index of the file is changed; the range is shorter than asked.
    """

    status: int | None = None
    body: bytes | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    length: int | None = None
    before: str = ""
    after: int | None = None
    end: str = "close"
    pace: float = 0.0
    piece: int = 1 << 16
    chunked: bool = False
    unframed: bool = False
    extra: bytes = b""
    whole: bool = False
    shift: int = 0
    total: int | None = None
    flip: int | None = None
    short: int = 0


Handler = Callable[[Request], Answer]


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def page_of_html(status: int = 200) -> Answer:
    """Return what a captive portal sends."""
    return Answer(status, b"<!DOCTYPE html><html>Log in</html>", {"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(status, b"", {"Location": location})


class HTTPServer:
    """Serves HTTP/1.1 on a free port of 127.0.0.1 until the end of the `with` block.

    `requests` are those that came, `sent` counts bytes of bodies, `connections` those ever taken, `connected`
    those there are, `open` the requests that are being answered, `most` and `most_connected` the largest
    numbers of these at once. `shared_pace` is a pause in seconds after each piece, for all connections
    together. What is paced keeps it until `hurry`: a test looks in its own time, and loses none afterwards.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.sent = 0
        self.connections = 0
        self.connected = 0
        self.most_connected = 0
        self.open = 0
        self.most = 0
        self.shared_pace = 0.0
        self._tls = tls
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def gets(self) -> list[Request]:
        """The GETs so far."""
        return [request for request in self.requests if request.method == "GET"]

    @property
    def ranges(self) -> list[str | None]:
        """The Range headers of the GETs so far."""
        return [request.range for request in self.gets]

    @property
    def targets(self) -> list[str]:
        """The paths and queries so far."""
        return [request.target for request in self.requests]

    def hurry(self) -> None:
        """Send everything without pauses from here on."""
        self._hurried.set()

    def answer(self, request: Request) -> Answer:
        """Return how a request is answered."""
        raise NotImplementedError

    def compose(self, request: Request, answer: Answer) -> tuple[int, dict[str, str | None], bytes]:
        """Return status, headers and body of an answer, before its own headers and framing."""
        return answer.status or 200, {}, answer.body or b""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._hurried.set()
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = raw
        with self._lock:
            self.connected += 1
            self.most_connected = max(self.most_connected, self.connected)
        try:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                stack.enter_context(raw)
                if self._tls:
                    connection = stack.enter_context(self._tls.wrap_socket(raw, server_side=True))
                while (request := _read(connection)) is not None and self._handle(connection, request):
                    pass
        finally:
            with self._lock:
                self.connected -= 1

    def _handle(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; return whether the connection stays."""
        with self._lock:
            self.requests.append(request)
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            return self._send(connection, request, self.answer(request))
        finally:
            with self._lock:
                self.open -= 1

    def _send(self, connection: socket.socket, request: Request, answer: Answer) -> bool:
        if answer.before == "reset":
            _reset(connection)
        elif answer.before == "stall":
            self._stopped.wait()
        if answer.before:
            return False
        status, headers, body = self.compose(request, answer)
        names = {name.lower() for name in answer.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in names}
        headers |= answer.headers
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif answer.unframed:
            headers["Connection"] = "close"
        elif "content-length" not in names and status not in (204, 304):
            headers["Content-Length"] = str(len(body) if answer.length is None else answer.length)
        lines = [f"HTTP/1.1 {status} Said", *(f"{k}: {v}" for k, v in headers.items() if v is not None)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if request.method == "HEAD":
            connection.sendall(head)
            return True
        body += answer.extra
        small = len(body) <= answer.piece and not answer.chunked and answer.after is None
        if small and not answer.pace and not self.shared_pace:
            connection.sendall(head + body)
            self.sent += len(body)
        else:
            connection.sendall(head)
            if not self._send_body(connection, body, answer):
                return False
        return not answer.unframed and not answer.extra and answer.length is None

    def _send_body(self, connection: socket.socket, body: bytes, answer: Answer) -> bool:
        """Send a body in pieces; return whether the connection stays."""
        until = len(body) if answer.after is None else min(answer.after, len(body))
        for start in range(0, until, answer.piece):
            piece = body[start : min(start + answer.piece, until)]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece)
            self.sent += len(piece)
            if self.shared_pace:
                with self._turn:
                    self._hurried.wait(self.shared_pace)
            if answer.pace:
                self._hurried.wait(answer.pace)
            if self._stopped.is_set():
                return False
        if answer.after is None:
            if answer.chunked:
                connection.sendall(b"0\r\n\r\n")
            return True
        if answer.end == "reset":
            time.sleep(0.05)  # a reset throws away what the other end has not read yet
            _reset(connection)
        elif answer.end == "stall":
            self._stopped.wait()
        return False


class LoopbackServer(HTTPServer):
    """A server whose answers a handler decides."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.handler = handler

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return self.origin

    def answer(self, request: Request) -> Answer:
        """Return what the handler says."""
        return self.handler(request)

    @property
    def root(self) -> str:
        """Where an MLHub API would be."""
        return f"{self.origin}/mlhub/v1/"


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return None
        data += piece
        if not data[:1].isalpha():  # TLS, where none is spoken
            connection.sendall(b"HTTP/1.1 400 Said\r\n\r\n")
            return None
    head, _, content = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    fields = [line.partition(":") for line in lines]
    headers = Headers((name.lower(), value.strip()) for name, _, value in fields)
    length = int(headers.get("content-length", 0))
    while len(content) < length:
        if not (piece := connection.recv(65536)):
            return None
        content += piece
    return Request(method, target, headers, content)

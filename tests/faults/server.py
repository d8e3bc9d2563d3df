"""An HTTP server that answers as it is told: well by default, and with one fault after another by script."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Answer:
    """How one request is answered; without arguments as a good server does.

    `after` counts bytes of the body: what happens then is `end`, one of "reset", "close" or "stall".
    `pace` is a pause in seconds after each `piece` bytes. Headers of None are left out.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    before: str = ""
    after: int | None = None
    end: str = "close"
    pace: float = 0.0
    piece: int = 1 << 16
    chunked: bool = False
    unframed: bool = False
    whole: bool = False
    shift: int = 0
    total: int | None = None
    flip: int | None = None
    extra: bytes = b""
    short: int = 0


@dataclass(frozen=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def range(self) -> str | None:
        """The Range header."""
        return self.headers.get("range")


class FaultServer:
    """Serves one file. `script` is for GETs, one answer each; after it `always`; `heads` are for HEAD.

    `most` is the largest number of requests that were open at once. Beyond `most_allowed` of them, `refusal`
    is the answer; `shared_pace` is a pause for all connections together; `by_range` gives another content to
    a request by the first byte it asks for. `by_path` gives another content to a path, and `plan` another
    answer to a request than the script does; None leaves it to the script.
    """

    def __init__(self, content: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.content = content
        self.etag: str | None = '"v1"'
        self.modified: str | None = "Thu, 26 Aug 2021 19:16:05 GMT"
        self.md5 = True
        self.script: deque[Answer] = deque()
        self.heads: deque[Answer] = deque()
        self.always = Answer()
        self.log: list[Request] = []
        self.sent = 0
        self.connections = 0
        self.open = 0
        self.most = 0
        self.most_allowed: int | None = None
        self.refusal = Answer(status=503)
        self.shared_pace = 0.0
        self.by_range: Callable[[int | None], bytes] | None = None
        self.by_path: Mapping[str, bytes] = {}
        self.plan: Callable[[Request], Answer | None] | None = None
        self._turn = threading.Lock()
        self._tls = tls
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """Where the file is."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/store/file.tar.gz"

    @property
    def gets(self) -> list[Request]:
        """The GETs so far."""
        return [request for request in self.log if request.method == "GET"]

    @property
    def ranges(self) -> list[str | None]:
        """The Range headers of the GETs so far."""
        return [request.range for request in self.gets]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
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
        raw.settimeout(20)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = raw
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._tls:
                connection = self._tls.wrap_socket(raw, server_side=True)
            stack.enter_context(connection)
            while (request := _read(connection)) is not None:
                planned = self.plan(request) if self.plan is not None else None
                with self._lock:
                    self.log.append(request)
                    queue = self.heads if request.method == "HEAD" else self.script
                    if planned is not None:
                        answer = planned
                    else:
                        answer = (
                            queue.popleft() if queue else self.always if queue is self.script else Answer()
                        )
                    self.open += 1
                    self.most = max(self.most, self.open)
                    if self.most_allowed is not None and self.open > self.most_allowed:
                        answer = self.refusal
                try:
                    if not self._answer(connection, request, answer):
                        return
                finally:
                    self.open -= 1

    def _answer(self, connection: socket.socket, request: Request, answer: Answer) -> bool:
        """Answer one request; return whether the connection stays."""
        if answer.before == "reset":
            _reset(connection)
            return False
        if answer.before == "close":
            return False
        if answer.before == "stall":
            self._stopped.wait(10)
            return False
        status, headers, body = self._compose(request, answer)
        lines = [f"HTTP/1.1 {status} Said", *(f"{k}: {v}" for k, v in headers.items() if v is not None)]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        if request.method == "HEAD":
            return True
        return self._send(connection, body, answer)

    def _compose(self, request: Request, answer: Answer) -> tuple[int, dict[str, str | None], bytes]:
        content = self.by_path.get(request.path, self.content)
        headers: dict[str, str | None] = {
            "Content-Type": "application/gzip",
            "ETag": self.etag,
            "Last-Modified": self.modified,
            "Accept-Ranges": "bytes",
        }
        asked = _RANGE.fullmatch(request.range or "")
        if self.by_range is not None:
            content = self.by_range(int(asked[1]) if asked else None)
        if_range = request.headers.get("if-range")
        status, body = 200, content
        if asked and not answer.whole and answer.status in (None, 206) and if_range in (None, self.etag):
            first = int(asked[1]) + answer.shift
            last = min(int(asked[2] or len(content)), len(content) - 1) - answer.short
            if first >= len(content):
                status, body = 416, b""
                headers["Content-Range"] = f"bytes */{len(content)}"
            else:
                status, body = 206, content[first : last + 1]
                headers["Content-Range"] = f"bytes {first}-{last}/{answer.total or len(content)}"
                if answer.flip is not None and first <= answer.flip <= last:
                    body = _flipped(body, answer.flip - first)
        else:
            if answer.flip is not None:
                body = _flipped(body, answer.flip)
            if self.md5:
                headers["Content-MD5"] = md5(self.by_path.get(request.path, self.content))
        status = answer.status or status
        body = body if answer.body is None else answer.body
        if answer.status is not None and answer.status >= 300 and answer.body is None:
            body = b""
        if answer.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif not answer.unframed:
            headers["Content-Length"] = str(len(body))
        if answer.unframed:
            headers["Connection"] = "close"
        return status, headers | dict(answer.headers), body + answer.extra

    def _send(self, connection: socket.socket, body: bytes, answer: Answer) -> bool:
        until = len(body) if answer.after is None else min(answer.after, len(body))
        for start in range(0, until, answer.piece):
            piece = body[start : min(start + answer.piece, until)]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece)
            self.sent += len(piece)
            if self.shared_pace:
                with self._turn:
                    self._stopped.wait(self.shared_pace)
            if answer.pace and self._stopped.wait(answer.pace):
                return False
        if answer.after is None:
            if answer.chunked:
                connection.sendall(b"0\r\n\r\n")
            return not answer.unframed and not answer.extra
        if answer.end == "reset":
            time.sleep(0.05)  # a reset throws away what the other end has not read yet
            _reset(connection)
        elif answer.end == "stall":
            self._stopped.wait(10)
        return False


def md5(content: bytes) -> str:
    """Return the MD5 as Content-MD5 has it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def _flipped(body: bytes, index: int) -> bytes:
    return body[:index] + bytes([body[index] ^ 0xFF]) + body[index + 1 :]


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method, path, headers)

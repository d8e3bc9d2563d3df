"""A server on loopback that sends exactly the bytes a test writes down, plain or over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    connection: int = 0


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: ScriptedServer, plain: socket.socket, number: int) -> None:
        self.server, self.number = server, number
        self.socket = plain
        self._received = b""

    def secure(self, context: ssl.SSLContext) -> None:
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def receive(self) -> bytes:
        """Return more bytes, b"" at the end."""
        try:
            return self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return b""

    def read_exactly(self, count: int) -> bytes:
        while len(self._received) < count and (data := self.receive()):
            self._received += data
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def read_request(self) -> Request | None:
        """Return the next request, None at the end."""
        while b"\r\n\r\n" not in self._received:
            if not (data := self.receive()):
                return None
            self._received += data
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        request = Request(method, target, {k.lower(): v for k, v in headers.items()}, self.number)
        self.server.requests.append(request)
        return request

    def send(self, data: bytes, piece: int = 0) -> None:
        """Send bytes, in pieces that arrive one by one if `piece` is given."""
        with contextlib.suppress(OSError):
            for start in range(0, len(data), piece or len(data) or 1):
                self.socket.sendall(data[start : start + (piece or len(data))])
                if piece:
                    time.sleep(0.0003)

    def end(self) -> None:
        """End the connection as it should be: with close_notify over TLS."""
        with contextlib.suppress(OSError):
            if isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(1)
                self.socket = self.socket.unwrap()
        self.cut()

    def cut(self) -> None:
        """End the connection by FIN alone: over TLS what came may be truncated."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        self.socket.close()

    def reset(self) -> None:
        """End the connection by RST."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_for_end(self) -> None:
        """Wait until the client has closed."""
        while self.receive():
            pass
        self.server.ended.set()


class ScriptedServer:
    """Runs `handle(peer)` in a thread for each connection."""

    def __init__(
        self, handle: Callable[[Peer], None], context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.requests: list[Request] = []
        self.peers: list[Peer] = []
        self.ended = threading.Event()
        self.failures: list[BaseException] = []
        self._handle, self._context = handle, context
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://{'localhost' if context else host}:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer.socket, socket.SHUT_RDWR)
            peer.socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer = Peer(self, accepted, len(self.peers))
                self.peers.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: Peer) -> None:
        try:
            if self._context is not None:
                peer.secure(self._context)
            self._handle(peer)
        except (OSError, ValueError) as error:
            self.failures.append(error)
        finally:
            with contextlib.suppress(OSError):
                peer.socket.close()


def response(body: bytes = b"", status: str = "200 OK", *fields: str, length: int | None = None) -> bytes:
    """Return the bytes of a response with Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def answering(answer: Callable[[Request], bytes]) -> Callable[[Peer], None]:
    """Return a handler that answers each request with bytes, on connections that stay open."""

    def handle(peer: Peer) -> None:
        while (request := peer.read_request()) is not None:
            peer.send(answer(request))

    return handle


@contextlib.contextmanager
def serving(
    handle: Callable[[Peer], None], context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[ScriptedServer]:
    """Run a server for the time of a block."""
    server = ScriptedServer(handle, context, host)
    try:
        yield server
    finally:
        server.close()

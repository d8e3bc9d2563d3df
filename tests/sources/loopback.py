"""A real HTTP server on loopback whose answers a test decides, and which remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes = b""

    @property
    def body(self) -> Any:
        """The JSON that was sent; None where none was."""
        return json.loads(self.content) if self.content else None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """What to send back; `drop` closes the connection without an answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drop: bool = False


Handler = Callable[[Asked], Answer]


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def page_of_html(status: int = 200) -> Answer:
    """Return what a captive portal sends."""
    return Answer(status, b"<!DOCTYPE html><html>Log in</html>", {"Content-Type": "text/html; charset=utf-8"})


def redirect(location: str, status: int = 302) -> Answer:
    """Return a redirect."""
    return Answer(status, b"", {"Location": location})


class LoopbackServer:
    """Serves on a free port of 127.0.0.1 until the end of the `with` block."""

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._handler = handler
        self._scheme = "https" if tls else "http"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def root(self) -> str:
        return f"{self.url}/mlhub/v1/"

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2)

    def _request_handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class RequestHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                content = self.rfile.read(length)
                asked = Asked(self.command, self.path, dict(self.headers), content)
                owner.asked.append(asked)
                self._send(owner._handler(asked))

            do_HEAD = do_POST = do_GET  # noqa: N815

            def _send(self, answer: Answer) -> None:
                if answer.drop:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() != "content-length" or self.command == "HEAD":
                        self.send_header(name, value)
                if self.command != "HEAD":
                    length = len(answer.body) if answer.length is None else answer.length
                    self.send_header("Content-Length", str(length))
                elif "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                    self.close_connection = answer.length is not None
                self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        return RequestHandler

"""Runs the sample catalog: two origins on 127.0.0.1 in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Self

import uvicorn

from .api import ROOT_PATH, SAMPLE_KEY, Api
from .catalog import load
from .process import SampleServerError
from .store import Store

if TYPE_CHECKING:
    from starlette.routing import Router

DEFAULT_RATE = 8 * 1024 * 1024
"""Bytes per second of one archive download, slow enough to watch."""
_HOST = "127.0.0.1"
_TICK = 0.002
_START_LIMIT = 10.0


class SampleServer:
    """The sample catalog as a server; a context manager, or `start()` and `stop()`.

    - `port`: The port of the API's origin on 127.0.0.1; 0 takes a free one. The store's port is always a free
      one.
    - `rate`: Bytes per second of one archive download, so that progress can be seen; None for as fast as it
      goes.

    Once started, `store` has the requests that it saw, and its rate can be changed.
    """

    key = SAMPLE_KEY

    def __init__(self, port: int = 0, *, rate: int | None = DEFAULT_RATE) -> None:
        self._port = port
        self._rate = rate
        self._sockets: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._listening = threading.Event()
        self._failure: Exception | None = None
        self.store: Store
        self.root_url = ""
        self.store_url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Bind both ports and return when they listen.

        Raises SampleServerError where the port is taken or may not be used, in one line.
        """
        if self._thread is not None:
            return
        self._sockets = [_bind(self._port), _bind(0)]
        api, store = (sock.getsockname()[1] for sock in self._sockets)
        self.root_url = f"http://{_HOST}:{api}{ROOT_PATH}"
        self.store_url = f"http://{_HOST}:{store}/mlhub/"
        self.store = Store(load(), self.store_url, self._rate)
        self._listening.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="mlhub-sample", daemon=True)
        self._thread.start()
        if not self._listening.wait(_START_LIMIT) or self._failure is not None:
            reason = self._failure
            self.stop()
            raise SampleServerError(f"the sample catalog did not start: {reason}") from reason

    def stop(self) -> None:
        """Close both ports and every connection at once; downloads under way break off."""
        thread, loop, main = self._thread, self._loop, self._main
        if thread is not None:
            if loop is not None and main is not None:
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(main.cancel)
            thread.join(timeout=2)
        for sock in self._sockets:
            sock.close()
        self._thread, self._loop, self._main, self._sockets = None, None, None, []

    def _run(self) -> None:
        async def main() -> None:
            self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
            await self._serve()

        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        servers = [_server(app) for app in (Api(self.store).app(), self.store.app())]
        tasks = [
            asyncio.create_task(server.serve(sockets=[sock]))
            for server, sock in zip(servers, self._sockets, strict=True)
        ]
        try:
            while not all(server.started for server in servers):
                await asyncio.sleep(_TICK)
                for task in tasks:
                    if task.done():
                        task.result()
            self._listening.set()
            await asyncio.gather(*tasks)
        finally:
            _hang_up(servers)


def _bind(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; otherwise answers wait 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((_HOST, port))
        sock.listen(128)
    except (OSError, OverflowError) as error:
        sock.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise SampleServerError(f"port {port} cannot be used: {reason}") from error
    sock.setblocking(False)
    return sock


def _server(app: Router) -> uvicorn.Server:
    # A logger without a handler prints its warnings to stderr, which here is the middle of somebody's screen.
    logger = logging.getLogger("uvicorn")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        http="h11",
        ws="none",
        loop="asyncio",
        server_header=False,
        timeout_keep_alive=30,
    )
    return uvicorn.Server(config)


def _hang_up(servers: list[uvicorn.Server]) -> None:
    """Drop listeners and connections without the grace that uvicorn's own shutdown would give them."""
    for server in servers:
        for listener in getattr(server, "servers", []):
            listener.close()
        for connection in list(server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


def serve_forever(
    port: int = 0, *, rate: int | None = DEFAULT_RATE, on_ready: Callable[[SampleServer], None] | None = None
) -> int:
    """Serve until SIGINT or SIGTERM, and return its number; to be called in the main thread.

    - `on_ready`: Called with the server once it listens.

    Raises SampleServerError where the port is taken or may not be used.
    """
    over = threading.Event()
    numbers: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        numbers.append(number)
        over.set()

    with SampleServer(port, rate=rate) as server:
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if on_ready is not None:
                on_ready(server)
            # A bare wait() cannot be interrupted by Ctrl+C on Windows.
            while not over.wait(0.5):
                pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return numbers[0]


def serve_parent() -> None:
    """Serve until the end of standard input; write what a client needs, or the error, as a line of JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with SampleServer() as server:
            sys.stdout.write(json.dumps({"key": server.key, "root_url": server.root_url}) + "\n")
            sys.stdout.flush()
            sys.stdin.buffer.read()
    except SampleServerError as error:
        sys.stdout.write(json.dumps({"error": error.message}) + "\n")


if __name__ == "__main__":
    serve_parent()

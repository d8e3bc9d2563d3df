"""Proxies: forwarding, tunnels and SOCKS, what they are told, and what is said of those that refuse."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TypeVar

import pytest
import trustme

from mlhub_tui.errors import RequestError
from mlhub_tui.http.client import ClientConfig, HTTPClient
from mlhub_tui.http.connect import ProxySettings
from mlhub_tui.http.errors import ProxyFailure, TLSFailure

from .scripted import Peer, Request, ScriptedServer, answering, response, serving

Trusting = Callable[[], ssl.SSLContext]
T = TypeVar("T")


@pytest.fixture(scope="session")
def elsewhere(authority: trustme.CA) -> ssl.SSLContext:
    """Return TLS settings of a server that only proxies reach."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("files.test", "localhost").configure_cert(context)
    return context


def through(proxy: str, trusting: Trusting) -> HTTPClient:
    return HTTPClient(ClientConfig(tls_context=trusting, proxies=ProxySettings({"all_proxy": proxy})))


async def fetched(proxy: str, url: str, trusting: Trusting) -> bytes:
    async with through(proxy, trusting) as client:
        return (await client.fetch("GET", url, limit=100))[1]


async def refused(proxy: str, url: str, trusting: Trusting) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await fetched(proxy, url, trusting)
    return caught.value


def greet(request: Request) -> bytes:
    return response(f"{request.target} for {request.headers['host']}".encode())


async def test_http_is_forwarded_with_the_whole_url_over_one_connection(trusting: Trusting) -> None:
    with serving(answering(greet)) as server:
        async with through(f"http://u:p@127.0.0.1:{server.port}", trusting) as client:
            for url in ("http://files.test/x?y", "http://other.test:81/z"):
                _, body = await client.fetch("GET", url, limit=100)
                assert body.startswith(f"{url} for ".encode())
        first, second = server.requests
        assert first.headers["proxy-authorization"] == "Basic dTpw"
        assert (first.headers["host"], second.headers["host"]) == ("files.test", "other.test:81")
        assert first.connection == second.connection


@pytest.mark.parametrize("secure", [False, True], ids=["http proxy", "https proxy"])
async def test_https_is_asked_for_through_a_tunnel(
    secure: bool, trusting: Trusting, elsewhere: ssl.SSLContext
) -> None:
    def handle(peer: Peer) -> None:
        if peer.read_request() is None:
            return
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n")
        peer.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        peer.secure(elsewhere)
        answering(greet)(peer)

    if secure:

        def handle(peer: Peer) -> None:
            if peer.read_request() is not None:
                peer.send(b"HTTP/1.1 503 Busy\r\n\r\n")

    with serving(handle, elsewhere if secure else None) as server:
        host = "localhost" if secure else "127.0.0.1"
        proxy = f"{'https' if secure else 'http'}://u@{host}:{server.port}"
        if secure:
            error = await refused(proxy, "https://files.test/x", trusting)
            assert error.message.endswith("refuses the connection to files.test: 503 Busy")
        else:
            assert await fetched(proxy, "https://files.test:444/x", trusting) == b"/x for files.test:444"
        asked = server.requests[0]
        assert (asked.method, asked.target) == ("CONNECT", "files.test:443" if secure else "files.test:444")
        assert (asked.headers["host"], asked.headers["proxy-authorization"]) == (asked.target, "Basic dTo=")


class TLSWithin:
    """The server's end of TLS within TLS, which the standard library's sockets cannot be."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext) -> None:
        self._outer, self._incoming, self._outgoing = outer, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._repeat(self._tls.do_handshake)

    def receive(self) -> bytes:
        return self._repeat(lambda: self._tls.read(65536))

    def send(self, data: bytes) -> None:
        self._repeat(lambda: self._tls.write(data))

    def _repeat(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self._outer.sendall(self._outgoing.read())
                self._incoming.write(self._outer.recv(65536))
            finally:
                self._outer.sendall(self._outgoing.read())


async def test_https_goes_through_a_proxy_that_speaks_tls_itself(
    trusting: Trusting, elsewhere: ssl.SSLContext
) -> None:
    body = bytes(range(256)) * 4000

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        assert isinstance(peer.socket, ssl.SSLSocket)
        within = TLSWithin(peer.socket, elsewhere)
        while b"\r\n\r\n" in within.receive():
            within.send(response(body))

    with serving(handle, elsewhere) as server:
        async with through(f"https://localhost:{server.port}", trusting) as client:
            for _ in range(2):
                got, found = await client.fetch("GET", "https://files.test/x", limit=2 << 20)
                assert (found, got.complete) == (body, True)
            assert client.open_connections == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "files.test: 407, it requires another user or password"),
        (b"HTTP/1.1 403 Not you\r\n\r\n", "refuses the connection to files.test: 403 Not you"),
        (b"SSH-2.0-x\r\n\r\n", "does not respond as an HTTP proxy does"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "sends what is no part of its protocol"),
        (b"HTTP/1.1 200", "connection reset"),
        (b"", "connection reset"),
    ],
)
async def test_a_tunnel_that_is_not_there_is_said(said: bytes, words: str, trusting: Trusting) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(said)
        peer.end()

    with serving(handle) as server:
        error = await refused(f"http://u:s3cret@127.0.0.1:{server.port}", "https://files.test/x", trusting)
        assert isinstance(error, ProxyFailure)
        assert words in str(error)
        assert f"127.0.0.1:{server.port}" in str(error)
        assert "s3cret" not in f"{error} {error.hint}"
        assert ("user:password" in error.hint) is ("407" in words)


def socks5(
    method: bytes = b"\x00",
    login: bytes = b"\x01\x00",
    reply: bytes = b"\x05\x00\x00\x01" + bytes(6),
    tls: ssl.SSLContext | None = None,
) -> tuple[Callable[[Peer], None], list[bytes]]:
    """Return a SOCKS5 proxy that is the server behind it too, and what it was told."""
    told: list[bytes] = []

    def handle(peer: Peer) -> None:
        told.append(methods := peer.read_exactly(2))
        told.append(peer.read_exactly(methods[1]))
        peer.send(b"\x05" + method)
        if method == b"\x02":
            peer.read_exactly(1)
            told.append(peer.read_exactly(peer.read_exactly(1)[0]))
            told.append(peer.read_exactly(peer.read_exactly(1)[0]))
            peer.send(login)
        if method not in (b"\x00", b"\x02") or login[1:] != b"\x00":
            return
        head = peer.read_exactly(4)
        size = {1: 4, 4: 16}.get(head[3]) or peer.read_exactly(1)[0]
        told.append(head + peer.read_exactly(size) + peer.read_exactly(2))
        peer.send(reply)
        if reply[1] == 0:
            if tls is not None:
                peer.secure(tls)
            answering(greet)(peer)

    return handle, told


LOGIN = [b"\x05\x02", b"\x00\x02", b"us@er", b"pa"]
BY_NAME = b"\x05\x01\x00\x03files.test\x00\x50"
BY_V4 = b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x51"
BY_V6 = b"\x05\x01\x00\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01\x00\x50"


@pytest.mark.parametrize(
    ("proxy", "url", "method", "told"),
    [
        ("socks5h://", "http://files.test/x", b"\x00", [b"\x05\x01", b"\x00", BY_NAME]),
        ("socks5h://us%40er:pa@", "http://files.test/x", b"\x02", [*LOGIN, BY_NAME]),
        ("socks5://", "http://192.0.2.7:81/x", b"\x00", [b"\x05\x01", b"\x00", BY_V4]),
        ("socks5://", "http://[2001:db8::1]/x", b"\x00", [b"\x05\x01", b"\x00", BY_V6]),
    ],
)
@pytest.mark.parametrize(
    "reply",
    [b"\x05\x00\x00\x01" + bytes(6), b"\x05\x00\x00\x03\x04host\x00\x50", b"\x05\x00\x00\x04" + bytes(18)],
    ids=["v4", "name", "v6"],
)
async def test_a_socks5_proxy_is_told_where_to_go(
    proxy: str, url: str, method: bytes, told: list[bytes], reply: bytes, trusting: Trusting
) -> None:
    handle, heard = socks5(method, reply=reply)
    with serving(handle) as server:
        where = f"{proxy}127.0.0.1:{server.port}"
        assert (await fetched(where, url, trusting)).startswith(b"/x for ")
    assert heard == told


async def test_https_goes_through_socks_too_and_certificates_count(
    trusting: Trusting, elsewhere: ssl.SSLContext
) -> None:
    for url in ("https://files.test/x", "https://other.test/x"):
        handle, _ = socks5(tls=elsewhere)
        with serving(handle) as server:
            proxy = f"socks5h://127.0.0.1:{server.port}"
            if "files" in url:
                assert await fetched(proxy, url, trusting) == b"/x for files.test"
            else:
                error = await refused(proxy, url, trusting)
                assert isinstance(error, TLSFailure)
                assert "other.test" in str(error)


@pytest.mark.parametrize(
    ("method", "login", "reply", "words"),
    [
        (b"\xff", b"\x01\x00", b"", "it requires a user and a password"),
        (b"\x02", b"\x01\x01", b"", "wrong user or password"),
        (b"\x00", b"\x01\x00", b"\x05\x05\x00\x01" + bytes(6), "refuses the connection to files.test"),
        (b"\x00", b"\x01\x00", b"\x05\x63\x00\x01" + bytes(6), "code 99"),
        (b"\x00", b"\x01\x00", b"\x04\x00\x00\x01" + bytes(6), "does not respond as a SOCKS proxy does"),
        (b"\x00", b"\x01\x00", b"\x05\x00\x00\x02" + bytes(6), "does not respond as a SOCKS proxy does"),
        (b"\x00", b"\x01\x00", b"\x05\x01\x00", "connection reset"),
    ],
)
async def test_a_socks5_proxy_that_refuses_is_named_with_its_reason(
    method: bytes, login: bytes, reply: bytes, words: str, trusting: Trusting
) -> None:
    handle, _ = socks5(method, login, reply)
    with serving(handle) as server:
        user = "u:s3cret@" if method == b"\x02" else ""
        error = await refused(f"socks5h://{user}127.0.0.1:{server.port}", "http://files.test/x", trusting)
        assert isinstance(error, ProxyFailure)
        assert words in str(error)
        assert "s3cret" not in f"{error} {error.hint}"


async def test_each_reply_of_a_socks5_proxy_has_its_words(trusting: Trusting) -> None:
    replies = {  # RFC 1928, section 6
        1: "general failure",
        2: "not allowed",
        3: "network unreachable",
        4: "host unreachable",
        5: "connection refused",
        6: "time to live expired",
        7: "command not supported",
        8: "kind of address not supported",
    }
    for code, words in replies.items():
        handle, _ = socks5(reply=bytes([5, code, 0, 1]) + bytes(6))
        with serving(handle) as server:
            error = await refused(f"socks5h://127.0.0.1:{server.port}", "http://files.test/x", trusting)
            assert words in str(error)


async def test_a_proxy_that_is_down_is_named_and_not_the_server(trusting: Trusting) -> None:
    server = ScriptedServer(lambda peer: None)
    server.close()
    for scheme, url in (
        ("http", "http://files.test/x"),
        ("http", "https://files.test/x"),
        ("socks5h", "http://files.test/x"),
    ):
        error = await refused(f"{scheme}://127.0.0.1:{server.port}", url, trusting)
        assert isinstance(error, ProxyFailure)
        assert f"cannot reach the proxy 127.0.0.1:{server.port} on the way to files.test" in str(error)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "was lost: it ended before the response was complete"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf", "was lost: it ended before the response"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "is not HTTP/1.1"),
    ],
)
async def test_a_proxy_that_breaks_off_or_is_none_is_named_beside_the_server(
    sent: bytes, words: str, trusting: Trusting
) -> None:
    def handle(peer: Peer) -> None:
        if peer.read_request() is not None and sent:
            peer.send(sent)

    with serving(handle) as server:
        error = await refused(f"http://127.0.0.1:{server.port}", "http://files.test/x", trusting)
        assert words in error.message
        assert "files.test" in error.message
        assert error.message.endswith(f"(through the proxy 127.0.0.1:{server.port})")

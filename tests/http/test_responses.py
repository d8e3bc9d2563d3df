"""Each kind of response, plain and over TLS, whole and in pieces of seven bytes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mlhub_tui.errors import RequestError
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.errors import ConnectionLost, ProtocolError
from mlhub_tui.http.response import BodySink, Response

from .scripted import Peer, response, serving

BODY = b"0123456789" * 12


class Collected(bytearray):
    """A sink that collects all."""

    def write(self, view: memoryview, /) -> None:
        assert len(view) > 0
        self.extend(view)


@dataclass
class Case:
    """A response as sent, how the connection ends after it, and what becomes of it."""

    sent: bytes
    end: str = "stays"
    method: str = "GET"
    status: int = 200
    body: bytes = BODY
    error: type[RequestError] | None = None
    reused: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    complete_over_tls: bool = True


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailer + b"\r\n"


H = b"HTTP/1.1 200 OK\r\n"
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"
CASES = {
    "content-length": Case(response(BODY)),
    "empty": Case(response(b""), body=b""),
    "no reason": Case(b"HTTP/1.1 200 \r\nContent-Length: 120\r\n\r\n" + BODY),
    "connection: close": Case(response(BODY, "200 OK", "Connection: close"), end="ends", reused=False),
    "repeated field": Case(response(BODY, "200 OK", "X: a", "x: b"), headers={"x": "a, b"}),
    "two cookies": Case(
        response(BODY, "200 OK", "Set-Cookie: a=1, 2", "Set-Cookie: b=3"),
        headers={"set-cookie": "a=1, 2\nb=3"},
    ),
    "not ascii": Case(response(BODY, "200 OK", "X: \xfc\xe9"), headers={"x": "\xfc\xe9"}),
    "space before a colon": Case(
        H + b"Content-Length : 120\r\nX\t: a b: c\r\n\r\n" + BODY, headers={"x": "a b: c"}
    ),
    "names that are none": Case(
        H + b" x: y\r\nX-N\xc3\xa4me: a\r\n b\r\nX Y: c\r\n: d\r\nContent-Length: 120\r\n\r\n" + BODY
    ),
    "identity": Case(H + b"Transfer-Encoding: identity\r\nContent-Length: 120\r\n\r\n" + BODY),
    "chunked, said twice": Case(CHUNKED[:-2] + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY)),
    "two locations": Case(
        response(BODY, "200 OK", "Location: /a", "Location: /b"), headers={"location": "/a"}
    ),
    "changed by a proxy": Case(response(BODY, "203 Non-Authoritative Information")),
    "error status": Case(response(BODY, "404 Not Found"), status=404),
    "chunked": Case(CHUNKED + chunked(BODY[:50], BODY[50:])),
    "chunked with trailer": Case(CHUNKED + chunked(BODY, trailer=b"Digest: sha-256=x\r\n")),
    "chunk extension": Case(CHUNKED + b"78;name=value\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension behind spaces": Case(CHUNKED + b"78  ;n=v\r\n" + BODY + b"\r\n00\r\n\r\n"),
    "chunks with bare line feeds": Case(
        (CHUNKED + chunked(BODY[:50], BODY[50:], trailer=b"X: y\r\n")).replace(b"\r\n", b"\n")
    ),
    "chunked and length": Case(
        H + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" + chunked(BODY), reused=False
    ),
    "1xx before it": Case(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + response(BODY)),
    "100 before it": Case(b"HTTP/1.1 100 Continue\r\n\r\n" + response(BODY)),
    "head": Case(response(length=120), method="HEAD", body=b""),
    "head, chunked": Case(CHUNKED, method="HEAD", body=b""),
    "head, no length": Case(H + b"\r\n", method="HEAD", body=b""),
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", status=204, body=b""),
    "304": Case(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 120\r\n\r\n", status=304, body=b""),
    "folded field": Case(H + b"X: a\r\n  b\r\nContent-Length: 120\r\n\r\n" + BODY, headers={"x": "a b"}),
    "bare line feeds": Case(b"HTTP/1.1 200 OK\nContent-Length: 120\n\n" + BODY),
    "same length twice": Case(H + b"Content-Length: 120\r\nContent-Length: 120\r\n\r\n" + BODY),
    "http 1.0": Case(b"HTTP/1.0 200 OK\r\nContent-Length: 120\r\n\r\n" + BODY, end="ends", reused=False),
    "delimited by the end": Case(H + b"\r\n" + BODY, end="ends", reused=False),
    "delimited by a cut": Case(H + b"\r\n" + BODY, end="is cut", reused=False, complete_over_tls=False),
    "surplus": Case(response(BODY) + b"more", reused=False),
    "two lengths": Case(H + b"Content-Length: 120\r\nContent-Length: 12\r\n\r\n" + BODY, error=ProtocolError),
    "length that is none": Case(H + b"Content-Length: -5\r\n\r\n" + BODY, error=ProtocolError),
    "endless length": Case(
        H + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + BODY, error=RequestError, end="ends"
    ),
    "no http": Case(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", error=ProtocolError, end="ends"),
    "chunk that is too long": Case(CHUNKED + b"3\r\n" + BODY, error=ProtocolError),
    "endless line of chunks": Case(CHUNKED + b"78;" + b"x" * 70_000, error=ProtocolError),
    "another coding": Case(H + b"Transfer-Encoding: gzip, chunked\r\n\r\n", error=ProtocolError),
    "1xx, several": Case(
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + H + b"\r\n" + BODY, end="ends", reused=False
    ),
    "wrong chunk": Case(CHUNKED + b"zz\r\n" + BODY, error=ProtocolError),
    "truncated": Case(response(BODY[:60], length=120), end="ends", error=ConnectionLost),
    "truncated chunk": Case(CHUNKED + b"78\r\n" + BODY[:60], end="ends", error=ConnectionLost),
    "truncated by reset": Case(response(BODY[:60], length=120), end="resets", error=ConnectionLost),
    "no end of the trailer": Case(CHUNKED + chunked(BODY)[:-2], end="ends", reused=False),
    "no last chunk": Case(CHUNKED + b"78\r\n" + BODY + b"\r\n", end="ends", error=ConnectionLost),
    "half a head": Case(b"HTTP/1.1 200 OK\r\nContent-Le", end="ends", error=ConnectionLost),
    "nothing": Case(b"", end="ends", error=ConnectionLost),
    "1xx without end": Case(b"HTTP/1.1 100 Continue\r\n\r\n", end="ends", error=ConnectionLost),
    "nothing, without a length": Case(H + b"\r\n", end="ends", error=ConnectionLost),
    "no redirect, without a length": Case(
        b"HTTP/1.1 404 Not Found\r\n\r\n", end="ends", status=404, body=b"", reused=False
    ),
    "status of four digits": Case(b"HTTP/1.1 2000 OK\r\n\r\n" + BODY, end="ends", error=ProtocolError),
    "head of 70 KB": Case(response(BODY, "200 OK", "X: " + "y" * 70_000)),
    "head of 290 KB, chunked": Case(
        CHUNKED[:-2] + b"Set-Cookie: a=b\r\n" * 17_000 + b"\r\n" + chunked(BODY),
    ),
    "head of 310 KB": Case(H + b"X: " + b"y" * 310_000, error=ProtocolError),
}


@pytest.mark.parametrize(
    ("version", "piece"),
    [("plain", 0), ("plain", 7), ("1.2", 7), ("1.3", 0), ("1.3", 7)],
    ids=["plain-whole", "plain-in pieces", "1.2-in pieces", "1.3-whole", "1.3-in pieces"],
)
@pytest.mark.parametrize("name", CASES)
async def test_a_response_is_what_its_bytes_say(
    name: str,
    version: str,
    piece: int,
    client: HTTPClient,
    server_context: Callable[[str], ssl.SSLContext],
) -> None:
    case = CASES[name]
    if piece:
        piece = max(piece, len(case.sent) // 100)  # each piece is waited for

    def handle(peer: Peer) -> None:
        while peer.read_request() is not None:
            peer.send(case.sent, piece)
            match case.end:
                case "ends":
                    return peer.end()
                case "is cut":
                    return peer.cut()
                case "resets":
                    return peer.reset()
        return None

    sink = Collected()
    opened: list[Response] = []

    def open_sink(head: Response) -> BodySink:
        opened.append(head)
        return sink

    with serving(handle, None if version == "plain" else server_context(version)) as server:
        url = f"{server.url}/file"
        if case.error is not None:
            with pytest.raises(case.error) as caught:
                await client.request(case.method, url, open_sink)
            assert f":{server.port}" in str(caught.value)
            assert BODY.startswith(bytes(sink))
            assert client.open_connections == 0
            return
        got = await client.request(case.method, url, open_sink)
        assert got is opened[0]
        assert len(opened) == 1
        assert (got.status, bytes(sink), got.url) == (case.status, case.body, url)
        assert case.headers.items() <= got.headers.items()
        assert got.complete is (case.complete if version == "plain" else case.complete_over_tls)
        assert got.keep_alive is case.reused
        assert client.open_connections == int(case.reused)
        if case.reused:
            await client.request(case.method, url, lambda head: Collected())
            assert [request.connection for request in server.requests] == [0, 0]


@pytest.mark.parametrize("framing", ["length", "chunked", "end"])
@pytest.mark.parametrize("size", [65_000, 70_000, 3_000_000])
async def test_a_large_body_arrives_byte_for_byte(
    size: int, framing: str, transport: ssl.SSLContext | None, client: HTTPClient
) -> None:
    body = bytes(range(251)) * (size // 251)
    sent = {
        "length": response(body),
        "chunked": CHUNKED + chunked(*(body[at : at + 50_000] for at in range(0, len(body), 50_000))),
        "end": H + b"\r\n" + body,
    }[framing]

    def handle(peer: Peer) -> None:
        while peer.read_request() is not None:
            peer.send(sent)
            if framing == "end":
                return peer.end()
        return None

    with serving(handle, transport) as server:
        for _ in range(2):
            sink = Collected()
            got = await client.request("GET", server.url, lambda head, sink=sink: sink)  # type: ignore[misc]
            assert got.complete
            assert bytes(sink) == body
            assert got.received >= len(body)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"ICY 200 OK\r\n\r\n", "is not HTTP/1.1: illegal status line: ICY 200 OK"),
        (b"220 ftp.test ready\r\n", "is not HTTP/1.1: illegal status line: 220 ftp.test ready"),
        (H + b"X: " + b"y" * 310_000, "the head of the response is longer than 300 KB"),
        (b"II*\0\xf5\xb1\r\n\r\n", "is not HTTP/1.1: illegal status line"),
        (b"HTTP/1.1 200 OK\r\nno field\r\n\r\n", "is not HTTP/1.1: illegal header line: no field"),
        (b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64", "is not HTTP/1.1: the server speaks HTTP/2 alone"),
        (b"\x15\3\3\0\2\2\x46", "is not HTTP/1.1: the server speaks TLS: try https"),
        (b"welcome", "is not HTTP/1.1: illegal status line: welcome"),
        (H + b"Content-Length: 1" + b"0" * 18 + b"\r\n\r\n", f"illegal Content-Length: 1{'0' * 18}"),
    ],
)
async def test_what_is_no_response_is_said_as_it_reads(sent: bytes, words: str, client: HTTPClient) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(sent)

    with serving(handle) as server, pytest.raises(ProtocolError) as caught:
        await client.request("GET", server.url, lambda head: Collected())
    assert caught.value.message.endswith(words)

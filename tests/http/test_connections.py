"""Connections: reused, ended, cancelled, held back, stalled, idle."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time

import pytest

from mlhub_tui.errors import MLHubException, ServerTimeout
from mlhub_tui.http.client import ClientConfig, HTTPClient
from mlhub_tui.http.connect import ProxySettings
from mlhub_tui.http.errors import BodyNotWanted, ConnectionLost, Timeouts
from mlhub_tui.http.limits import BandwidthLimiter
from mlhub_tui.http.response import Response
from tests.support.waiting import until

from .scripted import Peer, Request, answering, response, serving
from .test_responses import Collected

Transport = ssl.SSLContext | None


def numbered(request: Request) -> bytes:
    return response(request.target.encode())


async def test_requests_one_after_the_other_use_one_connection(client: HTTPClient) -> None:
    with serving(answering(numbered)) as server:
        for number in range(5):
            found, body = await client.fetch("GET", f"{server.url}/{'1' * number}", limit=100)
            assert (body, found.received) == (f"/{'1' * number}".encode(), len(response(body)))
        assert {request.connection for request in server.requests} == {0}


async def test_requests_at_the_same_time_use_connections_of_their_own(client: HTTPClient) -> None:
    everybody = threading.Barrier(3)

    def answer(request: Request) -> bytes:
        everybody.wait(60)
        return numbered(request)

    with serving(answering(answer)) as server:
        got = await asyncio.gather(*(client.fetch("GET", f"{server.url}/{n}", limit=9) for n in range(3)))
        assert [body for _, body in got] == [b"/0", b"/1", b"/2"]
        assert {request.connection for request in server.requests} == {0, 1, 2}


async def test_a_connection_that_ends_just_when_it_is_reused_is_replaced(
    transport: Transport, client: HTTPClient
) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(response(b"whole"))
        peer.read_request()
        peer.end()

    with serving(handle, transport) as server:
        for _ in range(3):
            assert (await client.fetch("GET", server.url, limit=9))[1] == b"whole"
        assert [request.connection for request in server.requests] == [0, 0, 1, 1, 2]


async def test_a_connection_that_is_new_and_ends_is_not_replaced(client: HTTPClient) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.end()

    with serving(handle) as server:
        with pytest.raises(ConnectionLost, match=f"127.0.0.1:{server.port} was lost"):
            await client.fetch("GET", server.url, limit=9)
        assert len(server.requests) == 1


@pytest.mark.parametrize("blocked", [True, False], ids=["before the next request", "while the loop waits"])
async def test_bytes_that_nobody_requested_are_no_response(
    transport: Transport, blocked: bool, client: HTTPClient
) -> None:
    sent = threading.Event()

    def handle(peer: Peer) -> None:
        while (request := peer.read_request()) is not None:
            peer.send(response(request.target.encode()))
            if peer.number == 0:
                time.sleep(0.05)
                peer.send(response(b"/evil"))
                sent.set()

    with serving(handle, transport) as server:
        await client.fetch("GET", f"{server.url}/first", limit=9)
        if blocked:
            sent.wait(60)
        else:
            await until(lambda: client.open_connections == 0)
        _, body = await client.fetch("GET", f"{server.url}/next", limit=9)
        assert body == b"/next"
        assert [request.connection for request in server.requests] == [0, 1]


@pytest.mark.parametrize("sent", [b"", response(b"half", length=8)], ids=["before it", "in its body"])
async def test_a_cancelled_request_closes_its_connection(
    sent: bytes, transport: Transport, client: HTTPClient
) -> None:
    arrived = threading.Event()

    def handle(peer: Peer) -> None:
        request = peer.read_request()
        if peer.number == 0:
            peer.send(sent)
            arrived.set()
            return peer.wait_for_end()
        assert request is not None
        peer.send(numbered(request))
        return None

    with serving(handle, transport) as server:
        task = asyncio.ensure_future(client.fetch("GET", f"{server.url}/a", limit=99))
        await until(arrived.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(server.ended.is_set)
        assert (await client.fetch("GET", f"{server.url}/b", limit=99))[1] == b"/b"


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BodyNotWanted("enough")])
async def test_what_a_sink_raises_ends_the_request_and_no_more_is_written(
    error: Exception, framing: str, large: bool, client: HTTPClient
) -> None:
    body = b"x" * (2_000_000 if large else 100)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    class Failing:
        writes = 0

        def write(self, view: memoryview, /) -> None:
            self.writes += 1
            raise error

    sink = Failing()
    with serving(answering(lambda _: response(body) if framing == "length" else chunked)) as server:
        with pytest.raises(type(error)) as caught:
            await client.request("GET", server.url, lambda head: sink)
        assert caught.value is error
        assert sink.writes == 1
        assert client.open_connections == 0


async def test_what_a_judge_of_the_head_raises_ends_the_request(client: HTTPClient) -> None:
    def refuse(head: Response) -> Collected:
        raise MLHubException(f"not {head.status}")

    with serving(answering(lambda _: response(b"x" * 2_000_000))) as server:
        with pytest.raises(MLHubException, match="not 200"):
            await client.request("GET", server.url, refuse)
        assert client.open_connections == 0


async def test_a_response_that_does_not_begin_is_given_up(hasty: HTTPClient) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nX: ")
        peer.wait_for_end()

    with serving(handle) as server:
        with pytest.raises(ServerTimeout, match=rf"127.0.0.1:{server.port} did not respond within 0\.2 s"):
            await hasty.fetch("GET", f"{server.url}/a?key=hidden", limit=9, timeouts=Timeouts(first_byte=0.2))
        await until(server.ended.is_set)


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_what_a_slow_body_brings_is_written_before_it_stalls(
    framing: str, transport: Transport, hasty: HTTPClient
) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        head = b"Content-Length: 9000000" if framing == "length" else b"Transfer-Encoding: chunked"
        first = b"x" * 1000 if framing == "length" else b"3e8\r\n" + b"x" * 1000 + b"\r\n"
        peer.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + first)
        peer.wait_for_end()

    sink = Collected()
    with serving(handle, transport) as server:
        patience = Timeouts(low_speed_time=1, low_speed_limit=1e5)
        with pytest.raises(ServerTimeout, match="sent fewer than 100000 bytes a second for 1 s"):
            await hasty.request("GET", server.url, lambda head: sink, timeouts=patience)
    assert bytes(sink) == b"x" * 1000


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"])
async def test_a_body_that_is_made_on_demand_may_begin_as_late_as_a_head(
    begun: bytes, hasty: HTTPClient
) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(begun)
        time.sleep(1.0)
        peer.send(whole.removeprefix(begun))

    sink = Collected()
    with serving(handle, None) as server:
        patience = Timeouts(first_byte=60, low_speed_time=0.2, low_speed_limit=1000)
        await hasty.request("GET", server.url, lambda head: sink, timeouts=patience)
    assert bytes(sink) == b"late"


@pytest.mark.slow
async def test_a_paused_body_holds_the_server_back_and_is_not_stalled(
    transport: Transport, hasty: HTTPClient
) -> None:
    body = b"0123456789abcdef" * (2 << 20)  # 32 MiB, more than the buffers of both systems
    heads: list[Response] = []

    class Pausing(Collected):
        def write(self, view: memoryview, /) -> None:
            super().write(view)
            if len(self) == len(view):
                heads[0].pause()

    sink = Pausing()

    def open_sink(head: Response) -> Pausing:
        heads.append(head)
        return sink

    with serving(
        answering(lambda r: response(body) if r.target == "/" else numbered(r)), transport
    ) as server:
        patience = Timeouts(low_speed_time=0.5, low_speed_limit=1)
        task = asyncio.ensure_future(hasty.request("GET", server.url, open_sink, timeouts=patience))
        await until(lambda: len(sink) > 0)
        await asyncio.sleep(1.2)
        held = len(sink)
        assert held <= 2 << 20
        await asyncio.sleep(0.1)
        assert len(sink) == held
        heads[0].resume()
        got = await task
        assert bytes(sink) == body
        # A pause that comes too late does not hold back the next response.
        got.pause()
        assert (await hasty.fetch("GET", f"{server.url}/small", limit=9))[1] == b"/small"
        assert hasty.open_connections == 1


async def test_a_body_that_ends_while_it_is_paused_again_and_again_arrives_whole(
    transport: Transport, client: HTTPClient
) -> None:
    body = bytes(range(251)) * 8000
    heads: list[Response] = []

    class Pausing(Collected):
        def write(self, view: memoryview, /) -> None:
            super().write(view)
            heads[0].pause()
            asyncio.get_running_loop().call_later(0.002, heads[0].resume)

    sink = Pausing()

    def open_sink(head: Response) -> Pausing:
        heads.append(head)
        return sink

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        peer.cut()

    with serving(handle, transport) as server:
        got = await client.request("GET", server.url, open_sink)
    assert bytes(sink) == body
    assert got.complete is (transport is None)


async def test_reads_are_as_small_as_the_bandwidth_wants_them(client: HTTPClient) -> None:
    sizes: list[int] = []
    # By its clock all bytes are paid for already.
    limit = BandwidthLimiter(1_000_000, clock=lambda: -1e9)

    class Sink:
        def write(self, view: memoryview, /) -> None:
            sizes.append(len(view))
            if sum(sizes) == 6 << 20:
                limit.set_rate(None)
            elif sum(sizes) > 4 << 20:
                limit.set_rate(100_000)

    with serving(answering(lambda _: response(b"x" * (6 << 20)))) as server:
        await client.request("GET", server.url, lambda _: Sink(), bandwidth=limit)
    assert sum(sizes) == 6 << 20
    assert max(sizes) <= 100_000
    assert max(sizes[-20:]) <= 10_000


async def test_a_chunked_body_is_paid_for_and_a_limit_that_is_lifted_lets_it_on(client: HTTPClient) -> None:
    limit, seen = BandwidthLimiter(1000), bytearray()

    class Sink:
        def write(self, view: memoryview, /) -> None:
            seen.extend(view)

    chunk = b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000)
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n"
    with serving(answering(lambda _: whole)) as server:
        task = asyncio.ensure_future(client.request("GET", server.url, lambda _: Sink(), bandwidth=limit))
        await until(lambda: limit.busy)
        assert not task.done()
        assert len(seen) < 2_000_000
        limit.set_rate(None)
        await task
    assert len(seen) == 2_000_000


async def test_idle_connections_are_closed_in_time_and_beyond_a_number(hasty: HTTPClient) -> None:
    everybody = threading.Barrier(4)

    def answer(request: Request) -> bytes:
        everybody.wait(60)
        return numbered(request)

    with serving(answering(answer)) as server:
        await asyncio.gather(*(hasty.fetch("GET", f"{server.url}/{n}", limit=9) for n in range(4)))
        assert hasty.open_connections == 2  # max_idle
    with serving(answering(numbered)) as server:
        config = ClientConfig(proxies=ProxySettings({}), tick=0.05, idle_timeout=0.3)
        async with HTTPClient(config) as client:
            await client.fetch("GET", server.url, limit=9)
            await until(lambda: client.open_connections == 0)


async def test_a_connection_that_is_not_idle_for_long_is_kept(hasty: HTTPClient) -> None:
    with serving(answering(numbered)) as server:
        for number in range(3):
            await hasty.fetch("GET", f"{server.url}/{number}", limit=9)
            await asyncio.sleep(0.15)  # some looks at it
        assert {request.connection for request in server.requests} == {0}


async def test_closing_the_client_ends_requests_in_progress(hasty: HTTPClient) -> None:
    arrived = threading.Event()

    def handle(peer: Peer) -> None:
        peer.read_request()
        arrived.set()
        peer.wait_for_end()

    with serving(handle) as server:
        task = asyncio.ensure_future(hasty.fetch("GET", server.url, limit=9))
        await until(arrived.is_set)
        await hasty.aclose()
        with pytest.raises(ConnectionLost):
            await task
        await until(server.ended.is_set)
        with pytest.raises(MLHubException, match="closed"):
            await hasty.fetch("GET", server.url, limit=9)


async def test_a_name_with_two_addresses_is_reached_at_the_one_that_answers(client: HTTPClient) -> None:
    with serving(answering(numbered), host="127.0.0.1") as server:  # nobody is at ::1
        _, body = await client.fetch("GET", f"http://localhost:{server.port}/x", limit=9)
        assert body == b"/x"

"""What may pass is tried again, with jitter, patience and a limit; what cannot pass is not."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import MLHubException, RequestError, ServerError, ServerTimeout, ServerUnreachable
from mlhub_tui.http.errors import RetryPolicy, parse_retry_after
from mlhub_tui.http.session import Session, SessionTimeouts
from tests.support.http_server import Answer, Handler, LoopbackServer, Request, as_json
from tests.support.sessions import session_to
from tests.support.waiting import until

from .patience import Patience


def failing(times: int, status: int, **headers: str) -> Handler:
    """Return what fails so many times before it answers."""
    left = [as_json({}, status, **headers)] * times
    return lambda _: left.pop() if left else as_json([{"id": "a"}])


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    patience = Patience()
    async with session_to(failing(2, status), retry=patience.policy()) as (session, server):
        assert await session.get_json("datasets") == [{"id": "a"}]
    assert len(server.requests) == 3
    assert patience.waits == [0.4, 0.8]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
async def test_what_cannot_pass_is_not(status: int) -> None:
    async with session_to(failing(9, status), retry=Patience().policy()) as (session, server):
        with pytest.raises(RequestError) as caught:
            await session.get("datasets")
    assert caught.value.status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(("method", "tries"), [("get", 3), ("post", 1)])
async def test_tries_end_and_what_is_not_safe_to_repeat_is_sent_once(method: str, tries: int) -> None:
    async with session_to(failing(9, 503), retry=Patience().policy()) as (session, server):
        with pytest.raises(ServerError, match=r"the server failed \(503\)"):
            await session.request(method, "datasets")
    assert [asked.method for asked in server.requests] == [method.upper()] * tries


async def test_the_server_s_wish_is_honoured() -> None:
    patience = Patience()
    hurried = failing(1, 429, **{"Retry-After": "3"})
    async with session_to(hurried, retry=patience.policy()) as (session, _):
        await session.get("datasets")
    assert patience.waits == [pytest.approx(3.4)]


async def test_a_long_wish_is_handed_to_the_caller() -> None:
    resting = failing(1, 503, **{"Retry-After": "3600"})
    async with session_to(resting, retry=Patience().policy()) as (session, server):
        with pytest.raises(ServerError) as caught:
            await session.get("datasets")
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


@pytest.mark.parametrize("broken", [Answer(before="close"), Answer(200, b"[1, 2", length=99)])
async def test_a_dropped_connection_and_an_answer_that_breaks_off_are_tried_again(broken: Answer) -> None:
    answers = [broken, as_json([1, 2])]
    async with session_to(lambda _: answers.pop(0), retry=Patience().policy()) as (session, server):
        assert await session.get_json("datasets") == [1, 2]
    assert len(server.requests) == 2


async def test_no_connection_is_tried_again_and_then_said(unused_tcp_port: int) -> None:
    patience = Patience()
    root = f"http://127.0.0.1:{unused_tcp_port}/"
    async with Session(root_url=root, retry=patience.policy()) as session:
        with pytest.raises(ServerUnreachable, match="connection refused"):
            await session.get("datasets")
    assert len(patience.waits) == 2


@pytest.mark.parametrize(
    ("timeouts", "retry"),
    [
        (SessionTimeouts(connect=1, read=0.05), RetryPolicy(budget=0.04)),
        (SessionTimeouts(total=0.05), RetryPolicy(tries=1)),
    ],
)
async def test_a_slow_server_is_not_asked_beyond_the_budget_or_the_time_of_a_whole_answer(
    timeouts: SessionTimeouts, retry: RetryPolicy
) -> None:
    given_up = threading.Event()

    def slow(_: Request) -> Answer:
        given_up.wait()
        return as_json([])

    with LoopbackServer(slow) as server:
        async with Session(root_url=server.root, timeouts=timeouts, retry=retry) as session:
            with pytest.raises(ServerTimeout, match=r"did not (respond within|answer in time)"):
                await session.get("datasets")
        await until(lambda: server.requests)
        given_up.set()
    assert len(server.requests) == 1


async def test_a_request_that_is_cancelled_leaves_a_session_that_works() -> None:
    def slow_once(_: Request) -> Answer:
        if not asked:
            asked.append(True)
            given_up.wait()
        return as_json([1])

    asked: list[bool] = []
    given_up = threading.Event()
    async with session_to(slow_once) as (session, _):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.get("datasets"), 0.05)
        given_up.set()
        assert await session.get_json("datasets") == [1]


async def test_closing_while_opening_leaves_nothing_open() -> None:
    session = Session(root_url="http://127.0.0.1:9/")
    request = asyncio.create_task(session.get("datasets"))
    await asyncio.sleep(0)
    await session.aclose()
    with pytest.raises(MLHubException, match="closed"):
        await request


async def test_a_closed_session_says_so() -> None:
    session = Session(root_url="http://127.0.0.1:9/")
    await session.aclose()
    await session.aclose()
    with pytest.raises(MLHubException, match="closed"):
        await session.get("datasets")


@given(
    failures=st.integers(1, 6),
    chance=st.floats(0, 1),
    elapsed=st.floats(0, 20),
    asked=st.none() | st.floats(0, 9),
)
def test_waits_stay_in_their_bounds(
    failures: int, chance: float, elapsed: float, asked: float | None
) -> None:
    policy = RetryPolicy(tries=5, random=lambda: chance)
    wait = policy.wait(failures, elapsed, asked)
    if failures >= 5 or (asked or 0) > policy.longest_wait:
        assert wait is None
    if wait is not None:
        assert wait >= (asked or 0)
        assert wait <= policy.cap + policy.longest_wait
        assert elapsed + wait <= 10.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:30", 30),
        ("", None),
        (None, None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, 999999999999),
        ("Wed, 99 Oct 99999 07:28:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    now = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    assert parse_retry_after(value, lambda: now) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_client(value: str) -> None:
    seconds = parse_retry_after(value)
    assert seconds is None or seconds >= 0

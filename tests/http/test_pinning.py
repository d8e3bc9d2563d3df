"""The key reaches the API's own origin and nothing else: no host, no log, no link, no message."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from mlhub_tui.errors import AuthenticationError
from mlhub_tui.http.session import Session
from mlhub_tui.sources.mlhub import MLHubSource
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, redirect

KEY = "a-key-that-is-long-enough-5678"


def everything(server: LoopbackServer) -> str:
    """Return all that a server was told."""
    return "".join(f"{asked.target} {dict(asked.headers)}" for asked in server.requests)


def listing(_: Request) -> Answer:
    return as_json([{"id": "a"}])


async def test_the_own_origin_gets_the_key_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with LoopbackServer(listing) as api:
        async with Session(api_key=KEY, root_url=api.root) as session:
            await session.get("datasets", params={"tags": ["a b", "c"]})
            await session.get(f"{api.root}datasets?key=another")
            await session.get("/datasets", params={"key": "another"})
    assert [asked.query["key"] for asked in api.requests] == [[KEY]] * 3
    assert api.requests[0].query["tags"] == ["a b", "c"]
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(lambda api, other: f"{other.url}/x", id="another port"),
        pytest.param(lambda api, other: f"http://localhost:{other.port}/x", id="another host"),
        pytest.param(
            lambda api, other: f"http://127.0.0.1:{api.port}@localhost:{other.port}/x", id="user info"
        ),
        pytest.param(lambda api, other: f"//localhost:{other.port}/x", id="another host, same scheme"),
        pytest.param(lambda api, other: f"{other.url}/x?key={KEY}&a=1", id="with the key in it"),
        pytest.param(
            lambda api, other: f"{other.url}/x?token={KEY}&a=1", id="with the key under another name"
        ),
    ],
)
async def test_no_redirect_takes_the_key_along(
    elsewhere: Callable[[LoopbackServer, LoopbackServer], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with LoopbackServer(listing) as other, LoopbackServer(lambda _: redirect(elsewhere(api, other))) as api:
        async with Session(api_key=KEY, root_url=api.root) as session:
            session.headers["Authorization"] = f"Bearer {KEY}"
            response = await session.get("datasets")
    assert response.json() == [{"id": "a"}]
    assert len(other.requests) == 1
    assert KEY not in everything(other)
    assert KEY not in caplog.text + str(response.url)
    assert KEY in everything(api)


async def test_a_redirect_back_home_gets_the_key_again() -> None:
    def answer(asked: Request) -> Answer:
        # Starlette's redirect to a path with a slash repeats the query, key and all.
        return (
            listing(asked)
            if asked.path.endswith("/")
            else redirect(f"{asked.path}/?key={KEY}&key={KEY}", 307)
        )

    with LoopbackServer(answer) as api:
        async with Session(api_key=KEY, root_url=api.root) as session:
            await session.get("datasets")
    assert api.requests[-1].path == "/mlhub/v1/datasets/"
    assert api.requests[-1].query["key"] == [KEY]


async def test_an_absolute_link_to_another_origin_gets_no_key_and_the_error_says_why() -> None:
    refusing = as_json({"detail": "no"}, 401)
    with LoopbackServer(listing) as api, LoopbackServer(lambda _: refusing) as other:
        async with Session(api_key=KEY, root_url=api.root) as session:
            with pytest.raises(AuthenticationError, match="not the API's own origin"):
                await session.get(f"{other.url}/mlhub/v1/datasets")
    assert KEY not in everything(other)


async def test_a_session_shows_its_key_only_when_asked_for_it() -> None:
    session = Session(api_key=KEY, root_url="https://example.org/v1")
    assert session.params["key"] == KEY
    shown = repr(session) + str(session.params) + repr(session.params.copy()) + repr(MLHubSource(session))
    assert KEY not in shown
    assert "5678" in shown


async def test_parameters_added_to_a_session_stay_at_home_too() -> None:
    with LoopbackServer(listing) as other, LoopbackServer(lambda _: redirect(other.url)) as api:
        async with Session(api_key=KEY, root_url=api.root) as session:
            session.params["tenant"] = "t1"
            await session.get("datasets")
            await session.get(other.url)
    assert api.requests[0].query["tenant"] == ["t1"]
    assert "tenant" not in everything(other)

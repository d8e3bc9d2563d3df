"""Documents are asked for once, revalidated, and served from the cache while their server is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.auth import Auth, Scheme
from mlhub_tui.errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    ServerError,
    ServerUnreachable,
)
from mlhub_tui.http.cache import CachingClient, DocumentCache
from mlhub_tui.http.session import Session
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html, redirect

from .patience import Patience

KEY = "k" * 30


class Site:
    """A server whose one document changes by hand, with whatever headers."""

    def __init__(self) -> None:
        self.body: dict[str, int] = {"n": 1}
        self.headers: dict[str, str] = {}
        self.answer: Answer | None = None

    def __call__(self, asked: Request) -> Answer:
        if self.answer is not None:
            return self.answer
        etag = f'"{self.body["n"]}"'
        if asked.headers.get("If-None-Match") == etag:
            return Answer(304, b"", {"ETag": etag, **self.headers})
        return replace(as_json(self.body), headers={"ETag": etag, **self.headers})


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DocumentCache]:
    made = DocumentCache(tmp_path / "cache")
    yield made
    made.close()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[LoopbackServer]:
    with LoopbackServer(site) as served:
        yield served


def remembering(
    server: LoopbackServer, cache: DocumentCache, clock: Clock | None = None, key: str | None = None
) -> CachingClient:
    session = Session(
        root_url=server.url, api_key=key, auth=Auth(Scheme.BEARER), retry=Patience().policy(tries=1)
    )
    return CachingClient(session, cache, clock=clock or Clock())


async def test_a_fresh_document_is_not_asked_for_again(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    site.headers = {"Cache-Control": "max-age=60"}
    clock = Clock()
    first, url = remembering(server, cache, clock), f"{server.url}/catalog.json"
    assert (await first.get(url)).content == b'{"n": 1}'
    clock.now += 59
    second = remembering(server, cache, clock)
    assert (await second.get(url)).url == url
    assert len(server.requests) == 1
    clock.now += 2
    await second.get(url)
    assert len(server.requests) == 2
    assert server.requests[1].headers["If-None-Match"] == '"1"'


async def test_a_stale_document_is_revalidated(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    asking, url = remembering(server, cache), f"{server.url}/catalog.json"
    for _ in range(2):
        assert (await asking.get(url)).content == b'{"n": 1}'
    site.body = {"n": 2}
    assert (await asking.get(url)).content == b'{"n": 2}'
    assert (await asking.get(url)).content == b'{"n": 2}'
    assert len(server.requests) == 4
    assert not asking.offline


async def test_what_must_not_be_stored_is_not(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    site.headers = {"Cache-Control": "no-store"}
    await remembering(server, cache).get(f"{server.url}/catalog.json")
    assert cache.size() == (0, 0)


async def test_while_the_server_is_away_the_cache_answers_and_says_so(
    cache: DocumentCache, site: Site
) -> None:
    clock = Clock()
    with LoopbackServer(site) as server:
        url = f"{server.url}/catalog.json"
        await remembering(server, cache, clock).get(url)
    clock.now += 7200
    asking = remembering(server, cache, clock)
    answer = await asking.get(url)
    assert (answer.content, bool(asking.offline)) == (b'{"n": 1}', True)
    assert asking.offline == "offline: as of 2 h ago"
    with pytest.raises(ServerUnreachable):
        await asking.get(f"{server.url}/other.json")


async def test_a_server_that_is_away_is_not_asked_for_each_document(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    clock = Clock()
    asking = remembering(server, cache, clock)
    urls = [f"{server.url}/{n}.json" for n in range(5)]
    for url in urls:
        await asking.get(url)
    site.answer = Answer(503)
    for url in urls:
        await asking.get(url)
        assert asking.offline
    assert len(server.requests) == 6
    site.answer = None
    asking.refresh()
    await asking.get(urls[0])
    assert not asking.offline


async def test_after_a_while_the_server_is_tried_again(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    clock = Clock()
    asking, url = remembering(server, cache, clock), f"{server.url}/x.json"
    await asking.get(url)
    site.answer = Answer(500)
    await asking.get(url)
    assert asking.offline
    site.answer, site.body = None, {"n": 2}
    clock.now += 60
    assert (await asking.get(url)).content == b'{"n": 2}'
    assert not asking.offline


async def test_a_portal_neither_gets_into_the_cache_nor_before_it(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    asking, url = remembering(server, cache), f"{server.url}/x.json"
    site.answer = page_of_html()
    assert b"Log in" in (await asking.get(url)).content
    assert cache.size() == (0, 0)
    site.answer = None
    await asking.get(url)
    site.answer = page_of_html()
    asking.refresh()
    answer = await asking.get(url)
    assert (answer.content, bool(asking.offline)) == (b'{"n": 1}', True)


async def test_what_is_gone_is_forgotten(server: LoopbackServer, cache: DocumentCache, site: Site) -> None:
    asking, url = remembering(server, cache), f"{server.url}/x.json"
    await asking.get(url)
    site.answer = Answer(404)
    with pytest.raises(EntityDoesNotExist):
        await asking.get(url)
    site.answer = Answer(503)
    with pytest.raises(ServerError):
        await asking.get(url)


async def test_a_refresh_asks_even_for_what_is_fresh(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    site.headers = {"Cache-Control": "max-age=600"}
    clock = Clock()
    asking, url = remembering(server, cache, clock), f"{server.url}/x.json"
    await asking.get(url)
    clock.now += 1
    asking.refresh()
    await asking.get(url)
    await asking.get(url)
    assert len(server.requests) == 2


async def test_answers_to_a_secret_are_its_own(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    """They are asked for each time, and nobody without the secret sees them."""
    site.headers = {"Cache-Control": "max-age=600"}
    with_key, url = remembering(server, cache, key=KEY), f"{server.url}/x.json"
    for _ in range(2):
        await with_key.get(url)
    assert len(server.requests) == 2
    site.answer = as_json({"detail": "who are you"}, 401)
    with pytest.raises(AuthenticationError):
        await with_key.get(url)
    site.answer = Answer(503)
    with pytest.raises(ServerError):
        await remembering(server, cache).get(url)
    await with_key.get(url)
    assert with_key.offline


async def test_no_secret_gets_into_the_cache(cache: DocumentCache, site: Site) -> None:
    def answer(asked: Request) -> Answer:
        if asked.path == "/moved.json":
            return redirect("/x.json?X-Amz-Signature=" + "s" * 40)
        return site(asked)

    with LoopbackServer(answer) as server:
        session = Session(root_url=server.url, api_key=KEY, auth=Auth(Scheme.QUERY, "token"))
        asking = CachingClient(session, cache)
        moved = await asking.get(f"{server.url}/moved.json?token={KEY}")
        assert moved.url == f"{server.url}/x.json?X-Amz-Signature=" + "s" * 40
        await asking.get(f"{server.url}/x.json?sig=" + "s" * 40)
        again = await asking.get(f"{server.url}/moved.json")
        assert again.content == moved.content
        assert any(asked.query.get("token") == [KEY] for asked in server.requests)
        await session.aclose()
    cache.close()
    for path in cache.path.parent.iterdir():
        content = path.read_bytes()
        assert KEY.encode() not in content
        assert b"s" * 40 not in content


async def test_a_refusal_is_no_reason_to_answer_from_the_cache_but_a_login_page_is(
    server: LoopbackServer, cache: DocumentCache, site: Site
) -> None:
    asking, url = remembering(server, cache), f"{server.url}/x.json"
    await asking.get(url)
    site.answer = Answer(403)
    with pytest.raises(AccessDenied):
        await asking.get(url)
    site.answer = Answer(511)
    await asking.get(url)
    assert asking.offline

"""An archive on a server is fetched once, and taken up again where the connection broke."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mlhub_tui.errors import EntityDoesNotExist, NotOffered, ServerUnreachable
from mlhub_tui.http.session import Session
from mlhub_tui.http.urls import resolve_href
from mlhub_tui.sources.static.archive import fetch_archive, folder
from tests.http.patience import Patience
from tests.support.http_server import Answer, LoopbackServer, Request

from .conftest import Open
from .grow import forest, pack

ETAG = '"one"'


class Store:
    """Serves one file; its answers break off after some bytes as often as it is told."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag = ETAG
        self.breaks = 0
        self.ranges = True

    def __call__(self, asked: Request) -> Answer:
        headers = {"ETag": self.etag, "Content-Type": "application/gzip"}
        if asked.headers.get("If-None-Match") == self.etag:
            return Answer(304, b"", headers)
        start = 0
        wanted = asked.headers.get("Range", "")
        if wanted and self.ranges and asked.headers.get("If-Range") == self.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        body = self.content[start:]
        status = 206 if start else 200
        if self.breaks:
            self.breaks -= 1
            return Answer(status, body[: len(body) // 2], headers, length=len(body))
        return Answer(status, body, headers)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(pack(tmp_path / "made.tar.gz", forest(2, 40)).read_bytes())


async def test_an_archive_of_a_server_is_a_source(store: Store, opened: Open) -> None:
    with LoopbackServer(store) as server:
        url = f"{server.url}/cat.tar.gz?sig=abc"
        source = opened(url)
        assert (await source.about()).title == "root"
        found = await source.item("c1", "c1-0007")
        inside = resolve_href(found.url, found.assets[0].href)
        assert (await source.asset_link(inside)).url == inside
        for outside in ("file:///etc/passwd", inside.replace(".tar!", ".tar2!")):
            with pytest.raises(NotOffered):
                await source.asset_link(outside)
        assert len(server.requests) == 1
    (kept,) = folder().glob("*.tar")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not list(folder().glob("*.part"))


async def test_it_is_fetched_again_only_when_it_changed(store: Store, tmp_path: Path, opened: Open) -> None:
    with LoopbackServer(store) as server:
        url = f"{server.url}/cat.tar.gz"
        for _ in range(2):
            assert len(await opened(url).collections()) == 2
        assert [asked.headers.get("If-None-Match") for asked in server.requests] == [None, ETAG]
        store.content, store.etag = pack(tmp_path / "new.tar.gz", forest(3, 1)).read_bytes(), '"two"'
        source = opened(url)
        assert len(await source.collections()) == 3
    source = opened(url)
    assert len(await source.collections()) == 3
    assert "offline: as of" in (await source.about()).notes[0]


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_connection_that_breaks_is_taken_up_again(store: Store, ranges: bool) -> None:
    store.breaks, store.ranges = 2, ranges
    with LoopbackServer(store) as server:
        async with Session(root_url=server.url) as session:
            path, _ = await fetch_archive(session, f"{server.url}/c.tar.gz", sleep=Patience().sleep)
        assert path.read_bytes() == store.content
        assert len(server.requests) == 3
        assert "Range" in server.requests[1].headers


async def test_what_cannot_be_fetched_leaves_nothing(store: Store) -> None:
    store.breaks = 1000
    with LoopbackServer(store) as server, LoopbackServer(lambda _: Answer(404)) as empty:
        async with Session(root_url=server.url) as session:
            store.content = store.content[:3]
            with pytest.raises(ServerUnreachable):
                await fetch_archive(session, f"{server.url}/c.tar.gz", sleep=Patience().sleep)
            with pytest.raises(EntityDoesNotExist):
                await fetch_archive(session, f"{empty.url}/c.tar.gz")
    assert list(folder().iterdir()) == []


async def test_the_secret_goes_to_its_own_origin_only(store: Store) -> None:
    key = "k" * 30
    with LoopbackServer(store) as server, LoopbackServer(store) as other:
        async with Session(api_key=key, root_url=server.url) as session:
            await fetch_archive(session, f"{server.url}/c.tar.gz")
            await fetch_archive(session, f"{other.url}/c.tar.gz")
        assert server.requests[0].query == {"key": [key]}
        assert other.requests[0].query == {}
    assert len(list(folder().glob("*.tar"))) == 2
    assert not any(key in path.read_text() for path in folder().glob("*.json"))

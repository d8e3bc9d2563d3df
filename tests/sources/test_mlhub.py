"""The source is tolerant of single records and strict about whole answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.auth import Credentials
from mlhub_tui.errors import (
    AuthenticationError,
    EntityDoesNotExist,
    ServerError,
    ServerUnreachable,
    UnexpectedAnswer,
)
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.errors import NO_RETRIES
from mlhub_tui.http.session import Session
from mlhub_tui.sources.asset_links import azure_headers
from mlhub_tui.sources.mlhub import MLHubSource
from mlhub_tui.sources.open_source import open_mlhub
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html, redirect

ODD: list[object] = [None, 1, "x", [], {}, {"id": None}, {"id": ""}, {"id": [7]}]


def source_of(server: LoopbackServer, key: str | None = None) -> MLHubSource:
    """Return a source that tries once."""
    return MLHubSource(Session(api_key=key, root_url=server.root, retry=NO_RETRIES))


async def test_entries_that_are_no_documents_are_left_out_and_counted() -> None:
    with LoopbackServer(lambda _: as_json([*ODD, {"id": "a"}])) as server:
        source = source_of(server)
        assert [dataset.id for dataset in await source.datasets()] == ["a"]
        assert source.skipped == len(ODD)
        assert [model.id for model in await source.models()] == ["a"]
    with LoopbackServer(
        lambda _: as_json({"collections": [*ODD, {"id": "a"}], "features": [*ODD]})
    ) as server:
        source = source_of(server)
        assert [collection.id for collection in await source.collections()] == ["a"]
        page = await source.items_page("a")
        assert (page.entries, page.skipped) == ((), len(ODD))
        await source.aclose()


@pytest.mark.parametrize("body", [None, 3, "x", {}, {"collections": {}}, [1], True])
async def test_a_listing_of_the_wrong_shape_is_unexpected(body: object) -> None:
    with LoopbackServer(lambda _: as_json(body)) as server:
        source = source_of(server)
        with pytest.raises(UnexpectedAnswer, match="the answer should be a list under"):
            await source.collections()
        if not isinstance(body, list):
            with pytest.raises(UnexpectedAnswer, match="the answer should be a list and is"):
                await source.datasets()
        if not isinstance(body, dict):
            with pytest.raises(UnexpectedAnswer, match="the answer should be an object and is"):
                await source.dataset("x")
        await source.aclose()


async def test_a_document_without_an_id_is_unexpected() -> None:
    with (
        LoopbackServer(lambda _: as_json({"title": "x"})) as server,
        pytest.raises(UnexpectedAnswer, match="without an id"),
    ):
        await source_of(server).collection("x")


async def test_a_root_url_without_an_api_says_so() -> None:
    with (
        LoopbackServer(lambda _: page_of_html(404)) as server,
        pytest.raises(UnexpectedAnswer, match="there is no MLHub API") as caught,
    ):
        await source_of(server).datasets()
    assert "root URL" in caught.value.hint


async def test_tags_and_text_are_sent_one_by_one() -> None:
    with LoopbackServer(lambda _: as_json([])) as server:
        source = source_of(server)
        await source.datasets(tags=["a", "b & c"], text="one phrase")
        await source.aclose()
    assert server.requests[0].query == {"tags": ["a", "b & c"], "text": ["one phrase"]}


async def test_extensions_and_page_size_are_sent() -> None:
    with LoopbackServer(lambda _: as_json({"features": []})) as server:
        await source_of(server).items_page("x", page_size=3, extensions=["eo", "label"])
    assert server.requests[0].query == {"limit": ["3"], "extensions": ["eo", "label"]}


@pytest.mark.parametrize(
    ("answer", "matched"),
    [
        ({"numberMatched": 7}, 7),
        ({"context": {"matched": 7}}, 7),
        ({"context": {"matched": None}}, None),
        ({"context": [], "numberMatched": -1}, None),
        ({"numberMatched": "7"}, None),
        ({}, None),
    ],
)
async def test_the_total_is_known_where_the_server_says_so(
    answer: dict[str, object], matched: int | None
) -> None:
    with LoopbackServer(lambda _: as_json({"features": [], **answer})) as server:
        assert (await source_of(server).items_page("x")).matched == matched


async def test_sizes_that_are_none_are_unknown() -> None:
    with LoopbackServer(lambda _: as_json({"size": "big", "estimated_dataset_size": 5})) as server:
        source = source_of(server)
        assert (await source.archive_info("x")).size is None
        info = await source.catalog_info("x")
        assert (info.stac_catalog_size, info.estimated_dataset_size) == (None, 5)
        await source.aclose()


def only_with_key(asked: Request) -> Answer:
    """Answer items only with the right key, and refuse a wrong one everywhere."""
    if asked.query.get("key", ["good"]) != ["good"]:
        return as_json({"detail": "Invalid API key"}, 401)
    if asked.path.endswith("/gone/items"):
        return as_json({"detail": "gone"}, 404)
    if asked.path.endswith("items"):
        return as_json({"features": []})
    return as_json({"collections": [{"id": "gone"}, {"id": "a"}]})


async def test_a_key_is_checked_against_items() -> None:
    with LoopbackServer(only_with_key) as server:
        await source_of(server, "good").check_key()
        assert [asked.path.rsplit("/", 2)[-2:] for asked in server.requests[1:]] == [
            ["gone", "items"],
            ["a", "items"],
        ]
        with pytest.raises(AuthenticationError, match="refused the key"):
            await source_of(server, "bad").check_key()


async def test_an_archive_on_the_api_itself_comes_with_the_key(tmp_path: Path) -> None:
    with LoopbackServer(lambda asked: Answer(200, b"bytes", {"Content-Type": "application/gzip"})) as server:
        link = await source_of(server, "good").archive_link("x")
        assert "good" not in link.url + repr(link)
        assert link.credentials is not None
        async with HTTPClient() as client:
            _, body = await client.fetch("GET", link.url, limit=10, credentials=link.credentials)
    assert body == b"bytes"
    assert server.requests[-1].query["key"] == ["good"]


async def test_an_api_without_head_is_asked_with_get_and_nothing_is_read() -> None:
    def answer(asked: Request) -> Answer:
        if asked.path == "/store":
            return Answer(200)
        return Answer(405) if asked.method == "HEAD" else redirect("/store")

    with LoopbackServer(answer) as server:
        link = await source_of(server).archive_link("x")
    assert link.url == f"{server.url}/store"
    assert [asked.method for asked in server.requests] == ["HEAD", "GET", "HEAD"]


@pytest.mark.parametrize("status", [400, 401, 403, 405, 500])
async def test_a_store_that_refuses_head_does_not_hinder_the_transfer(status: int) -> None:
    with (
        LoopbackServer(lambda _: Answer(status)) as store,
        LoopbackServer(lambda _: redirect(f"{store.url}/a.tar.gz?sig=abc", 303)) as server,
    ):
        link = await source_of(server, "good").archive_link("x")
    assert link.url == f"{store.url}/a.tar.gz?sig=abc"
    assert not link.sends_key
    assert "abc" not in repr(link)


async def test_a_store_without_the_archive_means_it_is_not_generated_yet() -> None:
    with (
        LoopbackServer(lambda _: Answer(404)) as store,
        LoopbackServer(lambda _: redirect(store.url, 303)) as server,
    ):
        with pytest.raises(EntityDoesNotExist, match=r'archive of collection "x".*still be generating'):
            await source_of(server).archive_link("x")
        with pytest.raises(EntityDoesNotExist, match='catalog of dataset "x"'):
            await source_of(server).catalog_link("x")


async def test_an_archive_behind_endless_redirects_is_given_up() -> None:
    with (
        LoopbackServer(lambda _: redirect("/again")) as server,
        pytest.raises(UnexpectedAnswer, match="too many redirects"),
    ):
        await source_of(server).archive_link("x")


async def test_a_failing_api_or_store_is_said(unused_tcp_port: int) -> None:
    with LoopbackServer(lambda _: Answer(503)) as server, pytest.raises(ServerError):
        await source_of(server).archive_link("x")
    with (
        LoopbackServer(lambda _: redirect(f"http://127.0.0.1:{unused_tcp_port}/x")) as server,
        pytest.raises(ServerUnreachable),
    ):
        await source_of(server).archive_link("x")


def test_azure_is_asked_for_a_recent_version_and_nobody_else() -> None:
    assert azure_headers("https://x.blob.core.windows.net/a") == {"x-ms-version": "2021-06-08"}
    assert azure_headers("https://x.blob.core.windows.net.evil.org/a") == {}


async def test_a_source_is_opened_from_credentials_without_a_request() -> None:
    source = open_mlhub(Credentials("a-key", "https://example.org/v1/", None, "test"))
    assert source.root_url == "https://example.org/v1/"
    assert source.session.params["key"] == "a-key"
    await source.aclose()


async def test_every_request_says_who_asks() -> None:
    with LoopbackServer(lambda _: as_json([])) as server:
        await source_of(server).datasets()
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    assert headers["user-agent"].startswith("mlhub-tui/")
    assert headers["accept"] == "application/json"

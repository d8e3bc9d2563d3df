"""From an href in a document to a link: stores' schemes, signatures, requester-pays, alternates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from mlhub_tui.errors import NotOffered, RequestError, UnexpectedAnswer
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.session import Session
from mlhub_tui.models import Asset, Item
from mlhub_tui.sources.asset_links import (
    AZURE_VERSION,
    SasTokens,
    asset_href,
    asset_link,
    bucket_of,
    https_of,
    known_to_pay,
    requester_pays,
)
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.sessions import session_to

WEB = Session(root_url="https://h/")
PAID = "s3://usgs-landsat/b"
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC).timestamp()


def item(assets: dict[str, Any], url: str = "https://h/c/i.json", **fields: Any) -> Item:
    return Item({"id": "i", "assets": assets, **fields}, url=url)


def scheme_of_aws(pays: bool) -> dict[str, Any]:
    return {"properties": {"storage:schemes": {"aws": {"type": "aws-s3", "requester_pays": pays}}}}


def only(document: Item) -> Asset:
    return document.assets[0]


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("s3://bucket/a/b.tif", "https://bucket.s3.amazonaws.com/a/b.tif"),
        ("S3://bucket/a b#1?.tif", "https://bucket.s3.amazonaws.com/a%20b%231%3F.tif"),
        ("s3://bucket/a%20b.tif", "https://bucket.s3.amazonaws.com/a%20b.tif"),
        ("s3://my.bucket.org/a.tif", "https://s3.amazonaws.com/my.bucket.org/a.tif"),
        ("gs://bucket/a.tif", "https://storage.googleapis.com/bucket/a.tif"),
        ("abfs://items@acc.dfs.core.windows.net/a", "https://acc.blob.core.windows.net/items/a"),
        ("abfss://c@acc.dfs.core.windows.net/a", "https://acc.blob.core.windows.net/c/a"),
        ("az://acc.blob.core.windows.net/c/a", "https://acc.blob.core.windows.net/c/a"),
        ("https://h/a.tif?x=1", "https://h/a.tif?x=1"),
        ("file:///a.tif", "file:///a.tif"),
    ],
)
def test_stores_own_schemes_become_https(href: str, url: str) -> None:
    assert https_of(href) == url


def test_a_container_without_its_account_needs_one_that_the_document_names() -> None:
    with pytest.raises(NotOffered, match="storage account"):
        https_of("abfs://items/a.parquet")
    assert (
        https_of("abfs://items/a", account="pcstacitems")
        == "https://pcstacitems.blob.core.windows.net/items/a"
    )
    document = item(
        {"data": {"href": "abfs://items/a", "table:storage_options": {"account_name": "pcstacitems"}}}
    )
    assert asset_href(document, only(document)).href == "https://pcstacitems.blob.core.windows.net/items/a"


@pytest.mark.parametrize(
    "href",
    [
        *("s3://bucket", "s3://bucket/", "s3:///key", "oss://b/k", "abfs://c@_/x", "ftp://h/x"),
        *("http://", "https:///x", "http://[bad", "http://a b/x", "http://h:99999/x", "https://user@/x"),
    ],
)
def test_what_names_no_object_is_not_offered(href: str) -> None:
    with pytest.raises(NotOffered):
        https_of(href)


@pytest.mark.parametrize(
    ("href", "bucket"),
    [
        ("s3://b.c/k", ("s3", "b.c")),
        ("https://b.s3.us-west-2.amazonaws.com/k", ("s3", "b")),
        ("https://b.s3-us-west-2.amazonaws.com/k", ("s3", "b")),
        ("https://s3-us-west-2.amazonaws.com/b/k", ("s3", "b")),
        ("https://s3.amazonaws.com/b.c/k", ("s3", "b.c")),
        ("gs://b/k", ("gs", "b")),
        ("https://b.storage.googleapis.com/k", ("gs", "b")),
        ("https://a.blob.core.windows.net/c/k", ("azure", "c")),
        ("https://example.org/s3.amazonaws.com/b", None),
        ("https://[broken", None),
        ("", None),
    ],
)
def test_the_bucket_of_an_href_is_known_by_either_address(href: str, bucket: tuple[str, str] | None) -> None:
    assert bucket_of(href) == bucket


@pytest.mark.parametrize(
    ("asset", "fields", "pays"),
    [
        ({"href": "s3://b/k", "storage:requester_pays": True}, {}, True),
        ({"href": "s3://b/k"}, {"properties": {"storage:requester_pays": True}}, True),
        ({"href": "s3://b/k", "storage:requester_pays": "true"}, {}, True),
        ({"href": "s3://usgs-landsat/k", "storage:requester_pays": "False"}, {}, False),
        ({"href": "https://h/k"}, {"properties": {"storage:requester_pays": True}}, False),
        ({"href": "s3://usgs-landsat/k"}, {}, True),
        ({"href": "https://usgs-landsat.s3.us-west-2.amazonaws.com/k"}, {}, True),
        ({"href": "s3://usgs-landsat/k", "storage:requester_pays": False}, {}, False),
        ({"href": "s3://sentinel-cogs/k"}, {}, False),
        ({"href": "s3://b/k", "storage:refs": ["aws"]}, scheme_of_aws(True), True),
        ({"href": PAID, "storage:refs": ["aws", 7]}, scheme_of_aws(False), False),
        ({"href": "s3://b/k", "storage:refs": "aws"}, {"properties": {"storage:schemes": [1]}}, False),
    ],
)
def test_requester_pays_is_what_the_documents_say_or_the_bucket_is_known_for(
    asset: dict[str, Any], fields: dict[str, Any], pays: bool
) -> None:
    document = item({"a": asset}, **fields)
    reason = requester_pays(document, only(document))
    assert bool(reason) is pays
    assert not reason or (bucket_of(asset["href"]) or "?")[1] in reason


def test_an_address_alone_tells_of_known_buckets() -> None:
    assert "usgs-landsat" in known_to_pay("https://usgs-landsat.s3.amazonaws.com/x")
    assert known_to_pay("https://example.org/usgs-landsat") == ""


@pytest.mark.parametrize(
    ("asset", "href", "pays"),
    [
        ({"href": "./b.tif"}, "https://h/c/b.tif", False),
        ({"href": "sub\\b.tif"}, "https://h/c/sub/b.tif", False),
        ({"href": "s3://open/b", "alternate": {"web": {"href": "https://w/b"}}}, "https://w/b", False),
        ({"href": PAID, "alternate": {"web": {"href": "https://w/b"}}}, "https://w/b", False),
        ({"href": "https://w/b", "alternate": {"s3": {"href": PAID}}}, "https://w/b", False),
        ({"href": PAID, "alternate": {"x": {"href": "s3://sentinel-s2-l1c/b"}}}, PAID, True),
        ({"href": "oss://b/k", "alternate": {"gcs": {"href": "gs://b/k"}}}, "gs://b/k", False),
        ({"href": "s3://open/b", "alternate": [1, {"href": 2}]}, "s3://open/b", False),
        ({"href": "", "alternate": {"a": {"href": 3}, "b": None}}, "", False),
    ],
)
def test_the_best_href_is_open_to_everybody_where_there_is_such_a_one(
    asset: dict[str, Any], href: str, pays: bool
) -> None:
    document = item({"a": asset})
    found = asset_href(document, only(document))
    assert (found.href, bool(found.pays)) == (href, pays)


class Signer:
    """A token endpoint that counts its tokens, whose clock the test sets."""

    def __init__(self, *, lasts: float = 2700.0) -> None:
        self.now, self.lasts, self.given = NOON, lasts, 0
        self.answer: Any = None

    def __call__(self, asked: Request) -> Answer:
        if self.answer is not None:
            return as_json(self.answer)
        self.given += 1
        end = datetime.fromtimestamp(self.now + self.lasts, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return as_json({"token": f"st=1&sig=secret{self.given}", "msft:expiry": end})


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def endpoint(signer: Signer) -> Iterator[LoopbackServer]:
    with LoopbackServer(signer) as server:
        yield server


def tokens(signer: Signer, endpoint: LoopbackServer) -> SasTokens:
    return SasTokens(f"{endpoint.url}/token/", home="127.0.0.1", stores=".store", clock=lambda: signer.now)


def links(signer: Signer, endpoint: LoopbackServer, session: Session) -> Callable[..., Awaitable[Link]]:
    return partial(asset_link, endpoint.root, session, tokens=tokens(signer, endpoint))


async def test_blobs_are_signed_with_one_token_a_container(signer: Signer, endpoint: LoopbackServer) -> None:
    async with Session(root_url=endpoint.root) as session:
        asset_links = links(signer, endpoint, session)
        found = await asyncio.gather(*(asset_links(f"https://acc.store/c1/{n}.tif") for n in range(8)))
        assert {link.url for link in found} == {
            f"https://acc.store/c1/{n}.tif?st=1&sig=secret1" for n in range(8)
        }
        await asset_links("https://acc.store/c2/a.tif?x=1")
    assert endpoint.targets == ["/token/acc/c1", "/token/acc/c2"]
    assert "secret" not in repr(found)


async def test_a_token_is_renewed_shortly_before_its_end_and_when_it_was_refused(
    signer: Signer, endpoint: LoopbackServer
) -> None:
    async with Session(root_url=endpoint.root) as session:
        asset_links = links(signer, endpoint, session)
        url = "https://acc.store/c/a.tif"
        assert (await asset_links(url)).url.endswith("secret1")
        signer.now += 2500
        assert (await asset_links(url)).url.endswith("secret1")
        signer.now += 100
        assert (await asset_links(url)).url.endswith("secret2")
        refused = await asyncio.gather(*(asset_links(url, fresh=True) for _ in range(4)))
        assert {link.url[-7:] for link in refused} == {"secret3"}


async def test_only_unsigned_blobs_of_the_home_catalog_are_signed(
    signer: Signer, endpoint: LoopbackServer
) -> None:
    async with Session(root_url=endpoint.root) as session:
        asset_links = links(signer, endpoint, session)
        for url in (
            "https://elsewhere.org/a.tif",
            "https://ai4edatasetspublicassets.store/c/a.tif",
            "https://acc.store/c/a.tif?sv=1&sig=mine",
        ):
            assert (await asset_links(url)).url == url
        other = partial(asset_link, "https://other.example/", session, tokens=tokens(signer, endpoint))
        assert (await other("https://acc.store/c/a.tif")).url == "https://acc.store/c/a.tif"
    assert signer.given == 0


@pytest.mark.parametrize("answer", [{}, [], {"token": 7}, {"token": "no signature"}])
async def test_an_endpoint_without_a_token_is_an_unexpected_answer(
    signer: Signer, endpoint: LoopbackServer, answer: Any
) -> None:
    signer.answer = answer
    async with Session(root_url=endpoint.root) as session:
        with pytest.raises(UnexpectedAnswer, match="no token"):
            await links(signer, endpoint, session)("https://acc.store/c/a.tif")


async def test_a_token_without_an_end_is_kept_for_minutes(signer: Signer, endpoint: LoopbackServer) -> None:
    signer.answer = {"token": "sig=x"}
    async with Session(root_url=endpoint.root) as session:
        asset_links = links(signer, endpoint, session)
        for later in (0, 200, 200):
            signer.now += later
            await asset_links("https://acc.store/c/a.tif")
    assert len(endpoint.requests) == 2


async def test_a_container_that_has_no_token_is_an_error_of_the_source() -> None:
    async with session_to(as_json({"detail": "no"}, 404)) as (session, server):
        signing = SasTokens(f"{server.url}/token/", home="127.0.0.1", stores=".store")
        with pytest.raises(RequestError):
            await asset_link(server.root, session, "https://acc.store/c/a.tif", tokens=signing)


async def test_the_key_goes_along_to_the_own_origin_only() -> None:
    async with Session(api_key="my-secret-key", root_url="https://api.example/v1/") as session:
        asset_links = partial(asset_link, session.root_url, session)
        assert (await asset_links("https://api.example/v1/download/x")).sends_key
        assert not (await asset_links("https://cdn.example/x")).sends_key
        blob = await asset_links("https://a.blob.core.windows.net/c/x")
        assert not blob.sends_key
        assert blob.headers["x-ms-version"] == AZURE_VERSION


async def test_files_of_this_machine_are_for_catalogs_on_it() -> None:
    with pytest.raises(NotOffered, match="this machine"):
        await asset_link(WEB.root_url, WEB, "file:///etc/passwd")
    assert (
        await asset_link("/data/catalog.json", WEB, "file:///data/a.tif", local=True)
    ).url == "file:///data/a.tif"


@pytest.mark.parametrize("href", ["", "relative.tif", "javascript:1", "mailto:x@y"])
async def test_an_href_that_leads_nowhere_is_not_offered(href: str) -> None:
    with pytest.raises(NotOffered):
        await asset_link(WEB.root_url, WEB, href)


def test_a_file_of_the_servers_disk_is_no_address_but_its_alternate_is() -> None:
    alone = item({"data": {"href": "file:///srv/data.tif"}})
    assert asset_href(alone, alone.assets[0]).href == ""
    other = {"href": "file:///srv/data.tif", "alternate": {"https": {"href": "https://h/data.tif"}}}
    both = item({"data": other})
    assert asset_href(both, both.assets[0]).href == "https://h/data.tif"
    local = item({"data": {"href": "file:///srv/data.tif"}}, url="file:///srv/i.json")
    assert asset_href(local, local.assets[0]).href == "file:///srv/data.tif"

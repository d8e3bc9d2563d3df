"""The STAC API source on what production services answered: Planetary Computer, Earth Search, eoAPI, ..."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlhub_tui.errors import EntityDoesNotExist, NotOffered
from mlhub_tui.http.session import Session
from mlhub_tui.models import Catalog, Collection, EntryKind, Item, Search
from mlhub_tui.sources.stac.api_source import STACAPISource

from .stac_replay import STACReplay

PLANETARY = "planetarycomputer.microsoft.com"
EARTH_SEARCH = "earth-search.aws.element84.com"


@asynccontextmanager
async def played(recorded: Path, host: str, path: str) -> AsyncIterator[tuple[STACAPISource, STACReplay]]:
    with STACReplay(recorded, host) as replay:
        source = STACAPISource(Session(root_url=f"{replay.url}{path}"))
        try:
            yield source, replay
        finally:
            await source.aclose()


@pytest.mark.parametrize(
    ("host", "path", "title", "more"),
    [
        (PLANETARY, "/api/stac/v1", "Microsoft Planetary Computer STAC API", {"sort", "filter"}),
        (EARTH_SEARCH, "/v1", "Earth Search by Element 84", {"sort", "filter"}),
        (EARTH_SEARCH, "/v0", "Earth Search", set()),
        ("stac.sage.uvt.ro", "/", "stac-fastapi", {"sort", "filter"}),
        ("stac.eoapi.dev", "/", "eoAPI-stac", {"sort", "filter"}),
        ("paituli.csc.fi", "/geoserver/ogc/stac/v1", "Paituli STAC", {"sort", "filter"}),
    ],
)
async def test_each_service_says_what_it_can_be_asked_for(
    stac_recorded: Path, host: str, path: str, title: str, more: set[str]
) -> None:
    core = {"collections", "ids", "bbox", "intersects", "datetime", "limit"}
    async with played(stac_recorded, host, path) as (source, replay):
        about = await source.about()
        await source.about()
        assert about.search == core | more
        assert about.title == title
        assert isinstance(about.document, Catalog)
        asked = [asked for asked in replay.requests if asked.path.rstrip("/") == path.rstrip("/")]
        assert len(asked) == 1


async def test_all_collections_are_the_top_of_the_tree(stac_recorded: Path) -> None:
    async with played(stac_recorded, PLANETARY, "/api/stac/v1") as (source, replay):
        page = await source.entries(page_size=100)
        assert len(page.entries) == 31
        assert page.next is None
        assert all(entry.kind is EntryKind.COLLECTION and entry.document for entry in page.entries)
        aster = next(entry for entry in page.entries if entry.id == "aster-l1t")
        assert aster.url == f"{replay.url}/api/stac/v1/collections/aster-l1t"


async def test_collections_of_stac_0_9_are_understood(stac_recorded: Path) -> None:
    async with played(stac_recorded, EARTH_SEARCH, "/v0") as (source, _):
        page = await source.entries()
        assert [entry.id for entry in page.entries][:2] == ["sentinel-s2-l2a", "sentinel-s2-l1c"]
        assert isinstance(page.entries[0].document, Collection)
        assert (await source.collection("sentinel-s2-l2a")).title == "Sentinel 2 L2A"


async def test_catalogs_that_a_landing_page_links_stand_in_for_collections(stac_recorded: Path) -> None:
    async with played(stac_recorded, "paituli.csc.fi", "/geoserver/ogc/stac/v1") as (source, _):
        page = await source.entries()
        assert len(page.entries) > 100
        entry = next(entry for entry in page.entries if entry.id == "sentinel2-l2a")
        assert entry.kind is EntryKind.COLLECTION
        assert isinstance(await source.document(entry), Collection)


async def test_items_of_a_collection_and_the_link_to_more(stac_recorded: Path) -> None:
    async with played(stac_recorded, PLANETARY, "/api/stac/v1") as (source, replay):
        page = await source.items_page("aster-l1t")
        assert len(page.entries) == 10
        assert page.next
        assert page.next.endswith(
            "/collections/aster-l1t/items?collections=aster-l1t"
            "&token=next:aster-l1t:AST_L1T_00312272006013647_20150517144406"
        )
        assert page.next.startswith(replay.url)
        item = page.entries[0]
        assert item.url == f"{replay.url}/api/stac/v1/collections/aster-l1t/items/{item.id}"
        assert (await source.item("aster-l1t", item.id)).id == item.id


async def test_an_item_that_is_not_there_is_named(stac_recorded: Path) -> None:
    async with played(stac_recorded, PLANETARY, "/api/stac/v1") as (source, _):
        with pytest.raises(EntityDoesNotExist, match='item "for-sure-not-a-real-id"'):
            await source.item("aster-l1t", "for-sure-not-a-real-id")
    async with played(stac_recorded, EARTH_SEARCH, "/v1") as (source, _):
        with pytest.raises(EntityDoesNotExist, match='collection "foo"'):
            await source.collection("foo")


@pytest.mark.parametrize(
    ("host", "path", "search", "count", "matched", "token"),
    [
        (PLANETARY, "/api/stac/v1", Search(collections=("naip",), limit=1), 1, None, None),
        (
            PLANETARY,
            "/api/stac/v1",
            Search(collections=("sentinel-2-l2a",), datetime="2019-01-01T00:00:01Z/2019-01-01T00:00:10Z"),
            33,
            None,
            None,
        ),
        ("stac.eoapi.dev", "/", Search(), 10, 144775, '"token": "next:WildFires'),
    ],
)
async def test_searches_are_posted_as_they_were_recorded(
    stac_recorded: Path,
    host: str,
    path: str,
    search: Search,
    count: int,
    matched: int | None,
    token: str | None,
) -> None:
    async with played(stac_recorded, host, path) as (source, replay):
        page = await source.search_page(search)
        assert replay.requests[-1].method == "POST"
        assert len(page.entries) == count
        assert page.matched == matched
        assert token is None or token in (page.next or "")
        root = f"{replay.url}{path}".rstrip("/")
        assert page.entries[0].url.startswith(f"{root}/collections/")


async def test_queryables_are_found_by_their_relation_and_by_their_path(stac_recorded: Path) -> None:
    async with played(stac_recorded, "stac.sage.uvt.ro", "/") as (source, _):
        assert "properties" in await source.queryables()
    async with played(stac_recorded, PLANETARY, "/api/stac/v1") as (source, _):
        assert "properties" in await source.queryables("fia")
        with pytest.raises(NotOffered, match="does not say what a filter may name"):
            await source.queryables("sentinel-2-l2a")


async def test_every_item_of_every_recorded_page_is_read(stac_recorded: Path) -> None:
    async with played(stac_recorded, PLANETARY, "/api/stac/v1") as (source, _):
        page = await source.items_page("landsat-c2-l2")
        assert all(isinstance(item, Item) and item.assets and item.bbox for item in page.entries)
        assert source.skipped == 0

"""The sources on stac-fastapi with pgstac: POST searches, tokens, CQL2 text, collections by offset."""

from __future__ import annotations

import pytest

from mlhub_tui.errors import EntityDoesNotExist, NotOffered, RequestRefused
from mlhub_tui.models import BBox, Entry, EntryKind, Item, Search
from mlhub_tui.sources.base import Listing, Page, Source
from mlhub_tui.sources.local_search import item_filter
from mlhub_tui.sources.stac.api_source import STACAPISource
from tests.support.listing import items_of

from .conftest import SERVERS, Server

pytestmark = SERVERS


async def found(source: Source, search: Search, page_size: int = 4) -> list[Item]:
    """Return all that a search finds, page after page."""

    async def page(link: str | None) -> Page[Item]:
        return await source.search_page(search, link=link, page_size=page_size)

    listing = Listing(page)
    return [item async for item in listing.entries()]


async def test_it_says_what_it_is_and_what_it_can_be_asked_for(pgstac_source: STACAPISource) -> None:
    about = await pgstac_source.about()
    assert about.title == "stac-fastapi"
    assert {"bbox", "intersects", "datetime", "ids", "collections", "limit", "filter", "sort"} <= about.search
    assert about.document is not None


async def test_collections_come_page_by_page(pgstac_source: STACAPISource) -> None:
    first = await pgstac_source.entries(page_size=10)
    assert len(first.entries) == 10
    assert first.next
    second = await pgstac_source.entries(page_size=10, link=first.next)
    assert not {entry.id for entry in first.entries} & {entry.id for entry in second.entries}
    everything = await pgstac_source.collections()
    assert len(everything) == first.matched
    assert all(entry.kind is EntryKind.COLLECTION for entry in first.entries)


async def test_the_items_of_a_collection_are_those_that_were_loaded(
    pgstac_source: STACAPISource, pgstac: Server
) -> None:
    loaded = {item["id"]: item for item in pgstac.data.items_of("sentinel-2-l2a")}
    items = [item async for item in items_of(pgstac_source, "sentinel-2-l2a", page_size=7)]
    assert {item.id for item in items} == set(loaded)
    assert len(items) == len(loaded)
    for item in items:
        assert item.properties["datetime"][:19] == loaded[item.id]["properties"]["datetime"][:19]
        assert set(item.raw["assets"]) == set(loaded[item.id]["assets"])


async def test_an_item_of_a_listing_is_found_again_at_its_own_place(pgstac_source: STACAPISource) -> None:
    page = await pgstac_source.entries(Entry(EntryKind.COLLECTION, "aster-l1t"), page_size=2)
    entry = page.entries[0]
    alone = await pgstac_source.document(Entry(entry.kind, entry.id, url=entry.url))
    assert alone.url == entry.url
    assert alone.raw["assets"] == entry.document.raw["assets"] if entry.document else False
    again = await pgstac_source.item("aster-l1t", entry.id)
    assert again.raw == alone.raw


async def test_searches_find_what_sifting_on_this_side_finds(
    pgstac_source: STACAPISource, pgstac: Server
) -> None:
    everything = [Item(raw) for raw in pgstac.data.items.values()]
    searches = (
        Search(datetime="2025-07-31T00:00:00Z/2025-07-31T23:59:59.999Z"),
        Search(datetime="../2010-01-01T00:00:00Z"),
        Search(datetime="2019-01-01T00:00:01Z"),
        Search(bbox=BBox(-180, -90, 0, 90)),
        Search(bbox=BBox(170, -90, -170, 90)),
        Search(bbox=BBox(-70, 10, -40, 60), datetime="2018-01-01T00:00:00Z/.."),
        Search(ids=(everything[0].id, everything[3].id, "no such item")),
    )
    for search in searches:
        expected = {item.id for item in everything if item_filter(search)(item)}
        assert {item.id for item in await found(pgstac_source, search)} == expected, search
        assert expected or search.datetime == "2019-01-01T00:00:01Z"


async def test_a_geometry_is_searched_with(pgstac_source: STACAPISource) -> None:
    item = (await pgstac_source.items_page("naip", page_size=1)).entries[0]
    search = Search(collections=("naip",), intersects=item.raw["geometry"])
    assert item.id in {entry.id for entry in await found(pgstac_source, search)}
    nowhere = {"type": "Point", "coordinates": [0.0, -60.0]}
    assert await found(pgstac_source, Search(collections=("naip",), intersects=nowhere)) == []


async def test_a_filter_in_cql2_text_is_understood(pgstac_source: STACAPISource, pgstac: Server) -> None:
    clouds = sorted(raw["properties"]["eo:cloud_cover"] for raw in pgstac.data.items_of("sentinel-2-l2a"))
    middle = clouds[len(clouds) // 2]
    search = Search(collections=("sentinel-2-l2a",), filter=f'"eo:cloud_cover" < {middle}')
    items = await found(pgstac_source, search)
    assert len(items) == sum(cloud < middle for cloud in clouds) > 5
    assert all(item.properties["eo:cloud_cover"] < middle for item in items)


async def test_a_filter_that_is_none_is_refused_with_the_servers_words(pgstac_source: STACAPISource) -> None:
    with pytest.raises(RequestRefused, match="Invalid filter"):
        await pgstac_source.search_page(Search(filter="this is ( no filter"))


async def test_what_a_filter_may_name_is_told(pgstac_source: STACAPISource) -> None:
    assert "datetime" in (await pgstac_source.queryables())["properties"]
    assert "properties" in await pgstac_source.queryables("naip")


@pytest.mark.parametrize("order", ["-datetime", "datetime", "-eo:cloud_cover", "id", "-properties.datetime"])
async def test_what_is_found_comes_in_the_order_asked_for(pgstac_source: STACAPISource, order: str) -> None:
    items = await found(pgstac_source, Search(collections=("sentinel-2-l2a",), sort=(order,)))
    name = order.removeprefix("-").removeprefix("properties.")
    values = [item.id if name == "id" else item.properties[name] for item in items]
    assert len(values) > 10
    assert values == sorted(values, reverse=order.startswith("-"))


@pytest.mark.parametrize("wanted", [0, 1, 4, 5, 9])
async def test_no_more_is_given_than_was_wanted(pgstac_source: STACAPISource, wanted: int) -> None:
    assert len(await found(pgstac_source, Search(limit=wanted))) == wanted


async def test_paging_by_get_finds_the_same_as_by_post(pgstac_source: STACAPISource) -> None:
    by_post = await found(pgstac_source, Search(collections=("sentinel-2-l2a",)), page_size=6)
    # A filter makes it a GET.
    by_get = await found(
        pgstac_source, Search(collections=("sentinel-2-l2a",), filter="id <> 'x'"), page_size=6
    )
    assert [item.id for item in by_get] == [item.id for item in by_post]
    assert len(by_get) > 30


async def test_what_is_not_there_is_said(pgstac_source: STACAPISource) -> None:
    with pytest.raises(EntityDoesNotExist, match='item "nothing"'):
        await pgstac_source.item("naip", "nothing")
    with pytest.raises(EntityDoesNotExist, match='collection "nothing"'):
        await pgstac_source.collection("nothing")
    with pytest.raises(NotOffered):
        await pgstac_source.datasets()

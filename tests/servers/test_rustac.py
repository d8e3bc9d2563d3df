"""The sources on rustac: an API without sorting or filters, whose pages go on with `skip`."""

from __future__ import annotations

import pytest

from mlhub_tui.errors import NotOffered
from mlhub_tui.models import Item, Search
from mlhub_tui.sources.local_search import item_filter
from mlhub_tui.sources.stac.api_source import STACAPISource
from tests.support.listing import items_of

from .conftest import RUSTAC_COLLECTIONS, SERVERS, Server
from .test_pgstac import found

pytestmark = SERVERS


async def test_its_collections_are_those_that_were_loaded(rustac_source: STACAPISource) -> None:
    page = await rustac_source.entries()
    assert {entry.id for entry in page.entries} == set(RUSTAC_COLLECTIONS)


@pytest.mark.parametrize("collection", RUSTAC_COLLECTIONS)
async def test_all_items_are_listed_whatever_the_pages(
    rustac_source: STACAPISource, rustac: Server, collection: str
) -> None:
    loaded = {raw["id"] for raw in rustac.data.items_of(collection)}
    items = [item.id async for item in items_of(rustac_source, collection, page_size=3)]
    assert sorted(items) == sorted(loaded)


async def test_searches_find_what_sifting_on_this_side_finds(
    rustac_source: STACAPISource, rustac: Server
) -> None:
    everything = [Item(raw) for raw in rustac.data.items_of(*RUSTAC_COLLECTIONS)]
    for search in (
        Search(),
        Search(collections=("naip", "aster-l1t")),
        Search(datetime="2025-07-31T00:00:00Z/2025-07-31T23:59:59.999Z"),
        Search(ids=(everything[0].id,)),
    ):
        expected = {
            item.id
            for item in everything
            if item_filter(search)(item)
            and (not search.collections or item.collection_id in search.collections)
        }
        assert {item.id for item in await found(rustac_source, search)} == expected, search


async def test_what_it_does_not_conform_to_is_not_asked_for(rustac_source: STACAPISource) -> None:
    about = await rustac_source.about()
    assert not {"sort", "filter", "text"} & about.search
    with pytest.raises(NotOffered, match="sorting"):
        await rustac_source.search_page(Search(sort=("-datetime",)))
    with pytest.raises(NotOffered, match="filters in CQL2"):
        await rustac_source.search_page(Search(filter="a = 1"))

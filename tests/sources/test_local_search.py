"""Searches on this side: which items fit, and how far a search went to find them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import AuthenticationError, InvalidSearch, NotOffered, UnexpectedAnswer
from mlhub_tui.http.session import Session
from mlhub_tui.models import BBox, Item, Search
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.base import ALL_EMPTY, Listing, Page
from mlhub_tui.sources.local_search import intersect, item_filter, search_locally
from mlhub_tui.sources.mlhub import MLHubSource
from tests.support.listing import items_of

AT_NINE = {"type": "Point", "coordinates": [9, 9]}
KENYA = "ref_african_crops_kenya_02_labels"


def item(identity: str = "a", **fields: Any) -> Item:
    properties = fields.pop("properties", {"datetime": "2018-04-25T10:00:00Z"})
    return Item({"type": "Feature", "id": identity, "properties": properties, **fields})


@pytest.mark.parametrize(
    ("one", "other", "touching"),
    [
        ((0, 0, 10, 10), (5, 5, 6, 6), True),
        ((0, 0, 10, 10), (10, 10, 20, 20), True),
        ((0, 0, 10, 10), (11, 0, 20, 10), False),
        ((0, 0, 10, 10), (0, 11, 10, 20), False),
        ((170, -10, -170, 10), (175, 0, 176, 1), True),
        ((170, -10, -170, 10), (-176, 0, -175, 1), True),
        ((170, -10, -170, 10), (0, 0, 1, 1), False),
        ((170, -10, -170, 10), (160, -10, -179, 10), True),
        ((179, 0, 180, 1), (-180, 0, -179, 1), False),
    ],
)
def test_boxes_touch_also_across_the_antimeridian(
    one: tuple[float, ...], other: tuple[float, ...], touching: bool
) -> None:
    assert intersect(BBox(*one), BBox(*other)) is touching
    assert intersect(BBox(*other), BBox(*one)) is touching


degrees = st.integers(-180, 180)
boxes = st.builds(
    lambda w, s, e: BBox(w, min(s), e, max(s)),
    degrees,
    st.tuples(st.integers(-90, 90), st.integers(-90, 90)),
    degrees,
)


@given(boxes, degrees, st.integers(-90, 90))
def test_a_point_touches_a_box_that_holds_it(box: BBox, longitude: int, latitude: int) -> None:
    between = box.west <= longitude <= box.east
    across = box.west > box.east and (longitude >= box.west or longitude <= box.east)
    held = (between or across) and box.south <= latitude <= box.north
    assert intersect(box, BBox(longitude, latitude, longitude, latitude)) is held


@pytest.mark.parametrize(
    ("search", "document", "fitting"),
    [
        (Search(), item(), True),
        (Search(ids=("a", "b")), item("b"), True),
        (Search(ids=("a", "b")), item("c"), False),
        (Search(datetime="2018-04"), item(), True),
        (Search(datetime="../2018-04-24"), item(), False),
        (Search(datetime="2018"), item(properties={}), False),
        (Search(datetime="2018"), item(properties={"datetime": None, "start_datetime": "2017-01-01"}), True),
        (Search(bbox=BBox(0, 0, 1, 1)), item(bbox=[0.5, 0.5, 2, 2]), True),
        (Search(bbox=BBox(0, 0, 1, 1)), item(bbox=[0.5, 0.5, -9, 2, 2, 9]), True),
        (Search(bbox=BBox(0, 0, 1, 1)), item(), False),
        (Search(bbox=BBox(0, 0, 1, 1)), item(geometry={"type": "Point", "coordinates": [1, 1]}), True),
        (Search(intersects={"type": "Point", "coordinates": [1, 1]}), item(bbox=[0, 0, 2, 2]), True),
        (Search(intersects={"type": "Point", "coordinates": [3, 1]}), item(bbox=[0, 0, 2, 2]), False),
        (Search(text="roof RED"), item(properties={"title": "Red and", "keywords": ["roofs"]}), True),
        (Search(text="roof blue"), item(properties={"title": "Red", "keywords": ["roofs"]}), False),
        (Search(text="scene-7"), item("Scene-7"), True),
        (Search(text="sentinel"), item(properties={"platform": "Sentinel-2A"}), True),
        (Search(text="x"), item(properties=None), False),
    ],
)
def test_an_item_fits_as_an_item_search_would_decide(search: Search, document: Item, fitting: bool) -> None:
    assert item_filter(search)(document) is fitting


class Listed:
    """Items in pages, and how many pages were asked for."""

    def __init__(self, **collections: list[Item]) -> None:
        self._collections = collections
        self.asked = 0

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        self.asked += 1
        items, start = self._collections[collection_id], int(link or 0)
        end = start + (page_size or 10)
        return Page(tuple(items[start:end]), str(end) if end < len(items) else None)


def numbered(count: int, **properties: Any) -> list[Item]:
    return [item(str(number), properties={"number": number, **properties}) for number in range(count)]


async def all_of(listed: Listed, search: Search, page_size: int | None = None) -> AsyncIterator[Page[Item]]:
    async def fetch(link: str | None) -> Page[Item]:
        return await search_locally(search, listed.items_page, link=link, page_size=page_size)

    listing = Listing(fetch)
    while (page := await listing.page()) is not None:
        yield page


async def test_collections_are_walked_one_after_the_other() -> None:
    listed = Listed(a=numbered(25), b=[], c=numbered(3))
    pages = [page async for page in all_of(listed, Search(collections=("a", "b", "c"), text="2"), 10)]
    assert [found.id for page in pages for found in page.entries] == [
        "2",
        "12",
        "20",
        "21",
        "22",
        "23",
        "24",
        "2",
    ]
    assert sum(page.looked or 0 for page in pages) == 28


async def test_a_search_shows_how_far_it_went_before_it_goes_on() -> None:
    listed, search = Listed(a=numbered(4_000)), Search(collections=("a",), text="x")
    pages = [page async for page in all_of(listed, search, 100)]
    assert [(len(page.entries), page.looked) for page in pages] == [(0, 1_000)] * 4


async def test_items_that_cannot_be_read_were_looked_at_too() -> None:
    asked = 0

    async def missing(
        collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        nonlocal asked
        asked += 1
        return Page((), str(asked), skipped=200)

    page = await search_locally(Search(collections=("c",)), missing)
    assert (asked, page.skipped, page.next is not None) == (5, 1_000, True)


@pytest.mark.parametrize(
    ("search", "found", "notes"),
    [
        (Search(("a",), datetime="2018"), "a", "2 items without a time that can be read left out"),
        (Search(("a",), datetime="2019"), "", "2 items without a time that can be read left out"),
        (Search(("a",), bbox=BBox(0, 0, 1, 1)), "bc", "1 item without a place left out"),
        (Search(("a",), intersects=AT_NINE), "", "1 item without a place left out"),
        (Search(("a",)), "abc", ""),
    ],
)
async def test_items_that_lack_what_a_search_is_by_are_left_out_and_counted(
    search: Search, found: str, notes: str
) -> None:
    box = [0, 0, 1, 1]
    soon, never = {"datetime": "soon"}, dict[str, str]()
    items = [item("a"), item("b", properties=soon, bbox=box), item("c", properties=never, bbox=box)]
    (page,) = [page async for page in all_of(Listed(a=items), search)]
    assert ("".join(each.id for each in page.entries), "; ".join(page.lacking.notes)) == (found, notes)


async def test_no_more_is_looked_at_than_is_wanted() -> None:
    listed = Listed(a=numbered(200))
    pages = [page async for page in all_of(listed, Search(collections=("a",), limit=12), 10)]
    assert [found.id for page in pages for found in page.entries] == [str(n) for n in range(12)]
    assert listed.asked == 2


async def test_what_is_found_is_sorted_where_it_is_not_too_much() -> None:
    items = [
        item("a", properties={"datetime": "2018-01-02T00:00:00Z", "clouds": 3}),
        item("b", properties={"datetime": "2018-01-01T00:00:00Z", "clouds": 10}),
        item("c", properties={"datetime": "2018-01-01T00:00:00Z"}),
    ]
    for order, ids in (
        (("datetime", "id"), "bca"),
        (("-datetime", "-id"), "acb"),
        (("properties.clouds",), "cab"),
        (("-clouds",), "bac"),
    ):
        search = Search(collections=("a",), sort=order)
        (page,) = [page async for page in all_of(Listed(a=items), search)]
        assert "".join(found.id for found in page.entries) == ids
        assert page.matched == 3
    with pytest.raises(NotOffered, match="more than 10,000 items: too many to sort"):
        await anext(all_of(Listed(a=numbered(12_000)), Search(collections=("a",), sort=("id",)), 1_000))


@pytest.mark.parametrize(
    ("search", "failure", "words"),
    [
        (Search(), NotOffered, "requires a collection"),
        (Search(collections=("a",), filter="a = 1"), NotOffered, "filters in CQL2 text"),
        (Search(collections=("a",), datetime="soon"), InvalidSearch, '"soon" is no date'),
    ],
)
async def test_what_cannot_be_searched_is_said(search: Search, failure: type[Exception], words: str) -> None:
    with pytest.raises(failure, match=words):
        await anext(all_of(Listed(a=numbered(1)), search))


@pytest.mark.parametrize("link", ["x", "{}", '{"at": "x"}', "[]", '{"left": 3}'])
async def test_a_link_of_something_else_is_refused(link: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        await search_locally(
            Search(collections=("a",), limit=3), Listed(a=[]).items_page, link=link, page_size=1
        )


async def test_an_mlhub_api_is_searched(sample: SampleServer) -> None:
    source = MLHubSource(Session(api_key=sample.key, root_url=sample.root_url))
    everything = [found async for found in items_of(source, KENYA)]
    assert {"bbox", "datetime", "text"} <= (await source.about()).search
    wanted = everything[1]
    assert wanted.bbox is not None
    search = Search(collections=(KENYA,), bbox=wanted.bbox, ids=(wanted.id,), datetime="2000/..")
    page = await source.search_page(search)
    assert [found.id for found in page.entries] == [wanted.id]
    assert page.looked
    with pytest.raises(NotOffered, match="requires a collection"):
        await source.search_page(Search(text="x"))
    await source.aclose()


async def test_a_few_ids_are_asked_for_and_not_looked_for(sample: SampleServer) -> None:
    source = MLHubSource(Session(api_key=sample.key, root_url=sample.root_url))
    known = [found.id async for found in items_of(source, KENYA)]
    search = Search(collections=(KENYA,), ids=(known[2], "no such item", known[0]))
    page = await source.search_page(search)
    assert {found.id for found in page.entries} == {known[0], known[2]}
    assert page.looked == 2
    elsewhere = Search(collections=(KENYA,), ids=(known[2],), bbox=BBox(-170, -80, -160, -70))
    assert (await source.search_page(elsewhere)).entries == ()
    with pytest.raises(AuthenticationError):
        await MLHubSource(Session(root_url=sample.root_url)).search_page(search)
    await source.aclose()


async def test_pages_of_a_collection_that_stay_empty_end_a_search() -> None:
    async def items_page(_: str, *, link: str | None = None, page_size: int | None = None) -> Page[Item]:
        return Page((), str(int(link or 0) + 1))

    page = await search_locally(Search(collections=("a", "b"), text="x"), items_page)
    assert (page.next, page.stopped) == (None, ALL_EMPTY)


async def test_many_collections_without_items_are_all_searched() -> None:
    listed = Listed(**{f"c{number}": [] for number in range(60)}, last=numbered(1))
    search = Search(collections=(*(f"c{number}" for number in range(60)), "last"), text="0")
    assert [found.id async for page in all_of(listed, search) for found in page.entries] == ["0"]

"""The STAC API source on APIs that leave things out, hide things elsewhere, or fail on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Auth, Scheme
from mlhub_tui.errors import NotOffered, ServerError, UnexpectedAnswer
from mlhub_tui.http.errors import NO_RETRIES
from mlhub_tui.http.pagination import REPEATED
from mlhub_tui.http.session import Session
from mlhub_tui.models import BBox, Collection, Entry, EntryKind, Item, Search
from mlhub_tui.sources.base import ALL_EMPTY, SAME_PAGE, Listing, Page
from mlhub_tui.sources.stac.api_source import STACAPISource
from tests.support.http_server import (
    Answer,
    Handler,
    LoopbackServer,
    Request,
    as_json,
    page_of_html,
    redirect,
)
from tests.support.listing import items_of

from ..http.patience import Patience

SEARCH = "https://api.stacspec.org/v1.0.0/item-search"
EVERYTHING = [SEARCH, f"{SEARCH}#sort", f"{SEARCH}#filter", f"{SEARCH}#free-text"]
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text"
FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
Places = dict[str, Answer | Handler]
POSTED = [{"rel": "search", "href": "search", "method": "POST"}]
MISSING = as_json({"code": "NotFoundError", "description": "nothing here"}, 404)


def item(identity: str, **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": identity, "collection": "c", "properties": {}, "links": [], **more}


def items(*ids: str, **more: Any) -> Answer:
    return as_json({"type": "FeatureCollection", "features": [item(i) for i in ids], **more})


def next_link(href: str, **more: Any) -> dict[str, Any]:
    return {"links": [{"rel": "next", "href": href, **more}]}


def at(places: Mapping[str, Answer | Handler]) -> Handler:
    """Return what answers by path below the root; other places are not there."""

    def handler(asked: Request) -> Answer:
        found = places.get(asked.path.removeprefix("/stac/"), MISSING)
        return found if isinstance(found, Answer) else found(asked)

    return handler


@asynccontextmanager
async def api(
    places: Mapping[str, Answer | Handler] | Handler, **options: Any
) -> AsyncIterator[tuple[STACAPISource, LoopbackServer]]:
    handler = places if callable(places) else at(places)
    with LoopbackServer(handler) as server:
        options.setdefault("retry", NO_RETRIES)
        source = STACAPISource(Session(root_url=f"{server.url}/stac/", **options))
        try:
            yield source, server
        finally:
            await source.aclose()


def landing(*conforms: str, **more: Any) -> Answer:
    return as_json({"id": "root", "type": "Catalog", "conformsTo": list(conforms), "links": [], **more})


async def ids_of(source: STACAPISource, search: Search, page_size: int | None = None) -> list[str]:
    async def page(link: str | None) -> Page[Item]:
        return await source.search_page(search, link=link, page_size=page_size)

    return [found.id async for found in Listing(page).entries()]


@pytest.mark.parametrize(
    "root", [landing(), as_json({}), as_json({"links": "none"}), MISSING, page_of_html()]
)
async def test_an_api_whose_landing_page_says_nothing_still_answers(root: Answer) -> None:
    places = {"": root, "collections": as_json({"collections": [{"id": "c", "extent": {}}]})}
    async with api({**places, "search": items("a"), "collections/c/items": items("b")}) as (source, _):
        top = await source.entries()
        assert [entry.id for entry in top.entries] == ["c"]
        assert [entry.id for entry in (await source.entries(top.entries[0])).entries] == ["b"]
        assert await ids_of(source, Search()) == ["a"]
        assert (await source.about()).notes


async def test_what_is_no_api_at_all_is_said() -> None:
    async with api(lambda _: page_of_html()) as (source, _):
        with pytest.raises(UnexpectedAnswer, match="there is no STAC API: a web page instead of data"):
            await source.entries()
    async with api({}) as (source, _):
        with pytest.raises(UnexpectedAnswer, match="there is no STAC API: not found"):
            await source.collections()


async def test_a_landing_page_may_say_elsewhere_what_it_conforms_to() -> None:
    root = as_json({"id": "r", "links": [{"rel": "conformance", "href": "conformance"}]})
    async with api({"": root, "conformance": as_json({"conformsTo": EVERYTHING})}) as (source, _):
        assert {"sort", "text"} <= (await source.about()).search
    async with api({"": root}) as (source, _):
        assert "sort" not in (await source.about()).search


async def test_a_link_to_a_web_page_is_not_taken_for_the_data() -> None:
    links = [
        {"rel": "data", "href": "collections.html", "type": "text/html"},
        {"rel": "data", "href": "sub/collections", "type": "application/json"},
    ]
    answer = as_json({"collections": [{"id": "c"}]})
    async with api({"": landing(SEARCH, links=links), "sub/collections": answer}) as (source, server):
        assert [entry.id for entry in (await source.entries()).entries] == ["c"]
        assert [asked.path for asked in server.requests] == ["/stac/", "/stac/sub/collections"]


async def test_links_with_a_servers_inner_name_do_not_matter() -> None:
    links = [
        {"rel": "data", "href": "http://inner.invalid:8080/collections"},
        {"rel": "search", "href": "http://inner.invalid:8080/search", "method": "POST"},
    ]
    collection = {
        "id": "c",
        "links": [{"rel": "items", "href": "http://inner.invalid:8080/collections/c/items"}],
    }
    places = {
        "": landing(SEARCH, links=links),
        "collections": as_json({"collections": [collection]}),
        "collections/c/items": items("a"),
        "search": items("b"),
    }
    async with api(places) as (source, _):
        top = await source.entries()
        assert [entry.id for entry in (await source.entries(top.entries[0])).entries] == ["a"]
        assert await ids_of(source, Search()) == ["b"]


async def test_child_catalogs_are_the_tree_of_an_api_without_collections() -> None:
    links = [
        {"rel": "child", "href": "./sub", "title": "Sub"},
        {"rel": "child", "href": "collections/c%20d"},
        {"rel": "child", "href": "web", "type": "text/html"},
        {"rel": "child"},
    ]
    sub_links = [{"rel": "child", "href": "sub/deeper"}, {"rel": "items", "href": "sub/items"}]
    places: Places = {
        "": landing(SEARCH, links=links),
        "sub": as_json({"id": "sub", "type": "Catalog", "links": sub_links}),
        "sub/items": items("a", **next_link("items?page=2")),
        "sub/deeper": as_json({"id": "d", "type": "Catalog", "links": [{"rel": "item", "href": "i.json"}]}),
        "sub/i.json": as_json(item("i")),
    }
    async with api(places) as (source, server):
        top = (await source.entries()).entries
        assert [(e.kind, e.id, e.label) for e in top] == [
            (EntryKind.CATALOG, "", "Sub"),
            (EntryKind.COLLECTION, "c d", "c d"),
        ]
        below = await source.entries(top[0])
        assert [(e.kind, e.url) for e in below.entries] == [
            (EntryKind.CATALOG, f"{server.url}/stac/sub/deeper"),
            (EntryKind.ITEM, f"{server.url}/stac/sub/items/a"),
        ]
        assert below.next == f"{server.url}/stac/sub/items?page=2"
        last = (await source.entries(below.entries[0])).entries
        assert (await source.document(last[0])).id == "i"


async def test_items_are_found_by_the_collections_link_or_by_a_search() -> None:
    elsewhere = {"id": "c", "extent": {}, "links": [{"rel": "items", "href": "c/scenes"}]}
    places: Places = {"": landing(SEARCH), "collections/c": as_json(elsewhere)}
    async with api({**places, "collections/c/scenes": items("a")}) as (source, _):
        assert [i.id async for i in items_of(source, "c")] == ["a"]

    def search(asked: Request) -> Answer:
        return items("b") if asked.query == {"collections": ["c"], "limit": ["5"]} else MISSING

    places |= {"collections/c": as_json({"id": "c", "extent": {}}), "search": search}
    async with api(places) as (source, _):
        assert [i.id async for i in items_of(source, "c", page_size=5)] == ["b"]
        page = await source.entries(Entry(EntryKind.COLLECTION, "c"), page_size=5)
        assert [(e.id, e.collection_id) for e in page.entries] == [("b", "c")]


async def test_items_that_a_collection_links_are_listed_where_the_api_lists_none(mlhub_home: Path) -> None:
    linked = {"id": "c", "type": "Collection", "extent": {}, "links": [{"rel": "item", "href": "../i.json"}]}
    places: Places = {
        "": landing(FEATURES, links=[{"rel": "child", "href": "collections/c"}]),
        "collections/c": as_json(linked),
        "i.json": as_json(item("i")),
    }
    async with api(places) as (source, _):
        assert [i.id async for i in items_of(source, "c")] == ["i"]
        (child,) = (await source.entries()).entries
        for parent in (child, Entry.of(await source.document(child))):
            (entry,) = (await source.entries(parent)).entries
            assert (await source.document(entry)).id == "i"


async def test_a_page_size_that_is_refused_is_left_out() -> None:
    def listing(asked: Request) -> Answer:
        return as_json({"detail": "too many"}, 400) if "limit" in asked.query else items("a")

    async with api({"": landing(SEARCH), "collections/c/items": listing}) as (source, _):
        assert [i.id async for i in items_of(source, "c", page_size=5000)] == ["a"]


async def test_a_smaller_page_that_comes_too_soon_is_waited_for() -> None:
    hurried = [Answer(429, b"", {"Retry-After": "1"})]

    def listing(asked: Request) -> Answer:
        if int(asked.query["limit"][0]) > 50:
            return Answer(502)
        return hurried.pop() if hurried else items("a")

    places: Places = {"": landing(SEARCH), "collections/c/items": listing}
    async with api(places, retry=Patience().policy()) as (source, server):
        assert [i.id async for i in items_of(source, "c")] == ["a"]
    asked = [request.query["limit"][0] for request in server.requests if request.path.endswith("items")]
    assert asked[-2:] == ["50", "50"]


async def test_collections_come_page_by_page_and_as_a_bare_list() -> None:
    def listing(asked: Request) -> Answer:
        if "page" in asked.query:
            return as_json([{"id": "b"}, {"no": "id"}, 7])
        return as_json({"collections": [{"id": "a"}], **next_link("collections?page=2")})

    async with api({"": landing(SEARCH), "collections": listing}) as (source, _):
        assert [collection.id for collection in await source.collections()] == ["a", "b"]
        assert source.skipped == 2
        first = await source.entries()
        second = await source.entries(link=first.next)
        assert [entry.id for entry in second.entries] == ["b"]
        assert second.skipped == 2


def echo(asked: Request) -> Answer:
    """Return an item for each way a search can be asked, so that a test sees what was sent."""
    return items(asked.method)


async def test_searches_are_posted_where_that_is_offered() -> None:
    links = [{"rel": "search", "href": "search", "method": method} for method in ("GET", "POST")]
    root = landing(*EVERYTHING, CQL2, links=links)
    search = Search(
        collections=("c", "d"),
        ids=("i",),
        bbox=BBox(1, 2, 3, 4),
        datetime="2018-01-01T00:00:00Z/..",
        text="red roof",
        sort=("-datetime", "id", "+eo:cloud_cover"),
        limit=7,
    )
    async with api({"": root, "search": echo}) as (source, server):
        assert await ids_of(source, search, page_size=50) == ["POST"]
        assert server.requests[-1].body == {
            "collections": ["c", "d"],
            "ids": ["i"],
            "bbox": [1, 2, 3, 4],
            "datetime": "2018-01-01T00:00:00Z/..",
            "q": ["red roof"],
            "sortby": [
                {"field": "properties.datetime", "direction": "desc"},
                {"field": "id", "direction": "asc"},
                {"field": "properties.eo:cloud_cover", "direction": "asc"},
            ],
            "limit": 7,
        }
        assert await ids_of(source, Search(filter="a = 1")) == ["GET"]
        assert server.requests[-1].query == {"filter": ["a = 1"], "filter-lang": ["cql2-text"]}


async def test_searches_are_asked_for_by_get_elsewhere() -> None:
    search = Search(
        collections=("c", "d"), bbox=BBox(-1.5, 2, 3e-7, 4), text="roof", sort=("-datetime", "id"), limit=3
    )
    async with api({"": landing(*EVERYTHING), "search": echo}) as (source, server):
        assert await ids_of(source, search) == ["GET"]
        assert server.requests[-1].query == {
            "collections": ["c,d"],
            "bbox": ["-1.5,2,0.0000003,4"],
            "q": ["roof"],
            "sortby": ["-properties.datetime,+id"],
            "limit": ["3"],
        }
        await ids_of(source, Search(intersects={"type": "Point", "coordinates": [1, 2]}))
        assert server.requests[-1].query["intersects"] == ['{"type":"Point","coordinates":[1,2]}']


async def test_a_box_across_the_antimeridian_is_sent_as_two() -> None:
    async with api({"": landing(SEARCH, links=POSTED), "search": echo}) as (source, server):
        await ids_of(source, Search(bbox=BBox(170, -20, -170, -10)))
        area = server.requests[-1].body["intersects"]
        assert area["type"] == "MultiPolygon"
        assert [(ring[0][0], ring[2][0]) for (ring,) in area["coordinates"]] == [(170, 180), (-180, -170)]


@pytest.mark.parametrize("status", [403, 404, 405, 415])
async def test_a_post_that_is_not_there_after_all_becomes_a_get(status: int) -> None:
    def search(asked: Request) -> Answer:
        return echo(asked) if asked.method == "GET" else as_json({"detail": "no"}, status)

    links = [{"rel": "search", "href": "search", "method": method} for method in ("POST", "GET")]
    async with api({"": landing(SEARCH, links=links), "search": search}) as (source, server):
        assert await ids_of(source, Search(ids=("a",))) == ["GET"]
        assert await ids_of(source, Search(ids=("a",))) == ["GET"]
        assert [asked.method for asked in server.requests[1:]] == ["POST", "GET", "GET"]


async def test_a_redirect_does_not_make_another_question_of_a_post() -> None:
    places: Places = {"": landing(SEARCH, links=POSTED)}
    places |= {"search": redirect("/stac/moved"), "moved": echo}
    async with api(places) as (source, server):
        assert await ids_of(source, Search(ids=("a",))) == ["POST"]
        assert server.requests[-1].body == {"ids": ["a"]}


async def test_a_search_is_tried_again_although_it_is_a_post() -> None:
    failures = [Answer(503), Answer(502)]

    def search(asked: Request) -> Answer:
        return failures.pop() if failures else echo(asked)

    places: Places = {"": landing(SEARCH, links=POSTED), "search": search}
    async with api(places, retry=Patience().policy()) as (source, server):
        assert await ids_of(source, Search()) == ["POST"]
        assert len(server.requests) == 4


async def test_an_api_without_an_item_search_is_sifted_on_this_side() -> None:
    listing = items("a", "b", "c")
    async with api({"": landing(FEATURES), "collections/c/items": listing}) as (source, server):
        about = await source.about()
        assert {"ids", "text"} <= about.search
        assert "no item search" in about.notes[-1]
        assert await ids_of(source, Search(collections=("c",), ids=("b", "c"))) == ["b", "c"]
        with pytest.raises(NotOffered, match="requires a collection"):
            await ids_of(source, Search(ids=("b",)))
        narrow = Search(collections=("c",), bbox=BBox(1, 2, 3, 4), datetime="2018-01-01T00:00:00Z/..")
        assert await ids_of(source, narrow) == []
        assert server.requests[-1].query == {
            "bbox": ["1,2,3,4"],
            "datetime": ["2018-01-01T00:00:00Z/.."],
            "limit": ["100"],
        }
    async with api({"": as_json({"id": "r"}), "collections/c/items": listing}) as (source, _):
        assert await ids_of(source, Search(collections=("c",), ids=("b",))) == ["b"]


async def test_what_is_not_offered_is_refused_before_it_is_asked_for() -> None:
    async with api({"": landing(SEARCH)}) as (source, server):
        with pytest.raises(NotOffered, match="words and filters in CQL2 text and sorting"):
            await source.search_page(Search(text="a", filter="b", sort=("c",)))
        with pytest.raises(NotOffered, match="a box or a geometry, not both"):
            await source.search_page(Search(bbox=BBox(0, 0, 1, 1), intersects={"type": "Point"}))
        assert len(server.requests) == 1


async def test_a_search_ends_where_enough_was_found() -> None:
    def search(asked: Request) -> Answer:
        page = int(asked.query.get("page", ["0"])[0])
        return items(f"{page}a", f"{page}b", f"{page}c", **next_link(f"?page={page + 1}"))

    async with api({"": landing(SEARCH), "search": search}) as (source, server):
        assert await ids_of(source, Search(limit=7)) == ["0a", "0b", "0c", "1a", "1b", "1c", "2a"]
        assert await ids_of(source, Search(limit=3)) == ["0a", "0b", "0c"]
        assert len(server.requests) == 5
        assert (await source.search_page(Search(limit=2))).stopped == "as many as were wanted"


async def test_posts_are_merged_page_after_page() -> None:
    def search(asked: Request) -> Answer:
        number = asked.body.get("token", 0)
        if number == 3 or asked.body.get("collections") != ["c"]:
            return items(f"{number}")
        link = next_link("search", method="POST", merge=True, body={"token": number + 1})
        return items(f"{number}", **link)

    async with api({"": landing(SEARCH, links=POSTED), "search": search}) as (source, _):
        assert await ids_of(source, Search(collections=("c",)), 10) == ["0", "1", "2", "3"]


async def test_a_page_that_fails_is_asked_for_alone_when_tried_again() -> None:
    broken = [True]

    def search(asked: Request) -> Answer:
        if "page" not in asked.query:
            return items("a", **next_link("?page=2"))
        return Answer(500) if broken.pop() else items("b")

    broken.insert(0, False)
    async with api({"": landing(SEARCH), "search": search}) as (source, server):

        async def page(link: str | None) -> Page[Item]:
            return await source.search_page(Search(), link=link)

        listing = Listing(page)
        assert (await listing.page()) is not None
        with pytest.raises(ServerError):
            await listing.page()
        rest = [found.id async for found in listing.entries()]
        assert rest == ["b"]
        assert listing.ended
        assert listing.stopped == ""
        assert [asked.query.get("page") for asked in server.requests[1:]] == [None, ["2"], ["2"]]


@pytest.mark.parametrize(
    ("handler", "ids", "reason"),
    [
        (lambda asked: items("a", **next_link(asked.target)), ["a"], REPEATED),
        (
            lambda asked: items(str(len(asked.target) % 2), **next_link(f"{asked.target}?xx")),
            ["0", "1"],
            SAME_PAGE,
        ),
        (lambda asked: items(**next_link(f"{asked.target}?x")), [], ALL_EMPTY),
        (lambda _: items("a", **next_link("ftp://x/y")), ["a"], "a link cannot be followed: ftp://x/y"),
    ],
)
async def test_why_a_listing_stopped_is_known(handler: Handler, ids: list[str], reason: str) -> None:
    async with api({"": landing(SEARCH), "collections/c/items": handler}) as (source, server):

        async def page(link: str | None) -> Page[Item]:
            return await source.items_page("c", link=link)

        listing = Listing(page)
        found: list[str] = []
        with pytest.raises(UnexpectedAnswer, match=reason):
            async for entry in listing.entries():
                found.append(entry.id)
        assert sorted(found) == ids
        assert listing.stopped == reason
        assert len(server.requests) < 30


@pytest.mark.parametrize(
    "handler",
    [
        lambda asked: items("a", numberMatched=1, **next_link(asked.target)),
        lambda asked: items(*([] if "page" in asked.query else ["a"]), **next_link("?page=2")),
    ],
)
async def test_a_listing_that_repeats_itself_after_all_is_complete(handler: Handler) -> None:
    async with api({"": landing(SEARCH), "collections/c/items": handler}) as (source, _):
        assert [item.id async for item in items_of(source, "c")] == ["a"]


@pytest.mark.parametrize(
    "auth", [Auth(), Auth(Scheme.BEARER, ""), Auth(Scheme.HEADER, "X-Token"), Auth(Scheme.QUERY, "apitoken")]
)
async def test_a_next_page_on_another_host_is_followed_without_the_key(auth: Auth) -> None:
    secret = "s3cret-s3cret-s3cret"
    with LoopbackServer(lambda _: items("b")) as other:
        more = next_link(f"{other.url}/more?apitoken={secret}&page=2", method="POST", body={"page": 2})
        places = {"": landing(SEARCH, links=POSTED), "search": items("a", **more)}
        async with api(places, api_key=secret, auth=auth) as (source, server):
            assert await ids_of(source, Search()) == ["a", "b"]
            first = await source.search_page(Search())
            assert secret not in (first.next or "")
        sent = f"{server.requests[-1].target} {server.requests[-1].headers}"
        assert secret in sent
        assert other.requests[0].body == {"page": 2}
        assert secret not in f"{other.requests[0].target} {other.requests[0].headers}"


async def test_documents_that_are_broken_in_places_are_still_given() -> None:
    broken = {"id": "c", "extent": {"spatial": [[1, 2, 3, 4]], "temporal": []}, "links": {"rel": "items"}}
    features = [item("a", assets={"x": {}}, bbox=None, geometry=None), item("b", properties=None), {}, None]
    places = {
        "": landing(SEARCH),
        "collections": as_json({"collections": [broken, {"id": ""}, {"id": [5]}]}),
        "collections/c/items": as_json({"features": features, "numberMatched": "many"}),
    }
    async with api(places) as (source, _):
        top = await source.entries()
        assert [entry.id for entry in top.entries] == ["c"]
        assert isinstance(top.entries[0].document, Collection)
        below = await source.entries(top.entries[0])
        assert [entry.id for entry in below.entries] == ["a", "b"]
        assert below.skipped == 2
        assert below.matched is None


async def test_queryables_are_where_a_link_says_or_at_their_usual_place() -> None:
    rel = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    collection = {"id": "c", "links": [{"rel": "queryables", "href": "c/q"}]}
    places: Places = {
        "": landing(
            SEARCH, links=[{"rel": rel, "href": "q.html", "type": "text/html"}, {"rel": rel, "href": "q"}]
        ),
        "q": as_json({"properties": {"a": {}}}),
        "collections/c": as_json(collection),
        "collections/c/q": as_json({"properties": {"b": {}}}),
        "collections/d": as_json({"id": "d"}),
        "collections/d/queryables": as_json({"properties": {"c": {}}}),
        "collections/e": as_json({"id": "e"}),
    }
    async with api(places) as (source, _):
        assert "a" in (await source.queryables())["properties"]
        assert "b" in (await source.queryables("c"))["properties"]
        assert "c" in (await source.queryables("d"))["properties"]
        with pytest.raises(NotOffered, match="does not say what a filter may name"):
            await source.queryables("e")


async def test_a_landing_page_behind_a_login_is_asked_for_again() -> None:
    answers = [page_of_html(), landing(SEARCH, f"{SEARCH}#sort", title="here")]
    async with api({"": lambda _: answers.pop(0)}) as (source, server):
        assert "a web page instead of data" in (await source.about()).notes[0]
        about = await source.about()
        assert about.title == "here"
        assert "sort" in about.search
        await source.about()
        assert [asked.path for asked in server.requests] == ["/stac/", "/stac", "/stac/"]


async def test_sort_fields_that_a_link_to_an_inner_host_lists_are_read_at_the_apis_own_place() -> None:
    links = [
        {"rel": "search", "href": "search", "method": "GET"},
        {"rel": "sortables", "href": "http://inner.invalid:8080/sortables"},
    ]
    places = {
        "": landing(SEARCH, f"{SEARCH}#sort", links=links),
        "sortables": as_json({"properties": {"datetime": {}}}),
        "search": items("a"),
    }
    async with api(places) as (source, server):
        assert await ids_of(source, Search(sort=("-datetime",))) == ["a"]
    assert server.requests[-1].query["sortby"] == ["-datetime"]

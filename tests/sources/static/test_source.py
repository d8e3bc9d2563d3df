"""A static catalog in a folder and on a server, seen through the seam of sources."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.errors import EntityDoesNotExist, NotOffered, RequestError, UnexpectedAnswer
from mlhub_tui.http.urls import resolve_href
from mlhub_tui.models import Catalog, Collection, Entry, EntryKind, Search
from mlhub_tui.sources.base import Listing, Source
from mlhub_tui.sources.static.document_loader import Children
from mlhub_tui.sources.static.source import NotASource, StaticSource
from tests.support.http_server import redirect
from tests.support.listing import items_of

from .conftest import Locate, Open, Serve
from .grow import Files, catalog, collection, forest, item, link, pack, plant


async def below(source: StaticSource, parent: Entry | None, size: int) -> list[Entry]:
    """Return all entries below one, pages of a size."""
    listing = Listing(lambda link: source.entries(parent, link=link, page_size=size))
    return [entry async for entry in listing.entries()]


async def everything(source: StaticSource, size: int) -> list[Entry]:
    """Return all entries of the tree, depth first, pages of a size."""
    found: list[Entry] = []
    waiting: list[Entry | None] = [None]
    while waiting:
        entries = await below(source, waiting.pop(), size)
        found.extend(entries)
        waiting.extend(entry for entry in entries if entry.kind is not EntryKind.ITEM)
    return found


async def test_the_tree_shows_every_document_once(location: Locate, opened: Open) -> None:
    source = opened(location(forest(3, 5)), patience=5)
    found = await everything(source, 2)
    kinds = [entry.kind for entry in found]
    assert (kinds.count(EntryKind.CATALOG), kinds.count(EntryKind.COLLECTION)) == (1, 3)
    items = sorted(entry.label for entry in found if entry.kind is EntryKind.ITEM)
    assert items == sorted(f"c{c}-{i:04d}" for c in range(3) for i in range(5))
    assert {e.collection_id for e in found if e.kind is EntryKind.ITEM} == {"c0", "c1", "c2"}


async def test_items_are_listed_from_links_and_fetched_on_demand(served: Serve, opened: Open) -> None:
    server = served(forest(1, 1000))
    source = opened(f"{server.url}/regions/c0/collection.json")
    (top,) = (await source.entries()).entries
    assert (top.kind, top.id) == (EntryKind.COLLECTION, "c0")
    page = await source.entries(top)
    assert (len(page.entries), page.matched) == (250, 1000)
    assert len(server.requests) == 1
    document = await source.document(page.entries[7])
    assert document.id == "c0-0007"
    assert document.url == f"{server.url}/regions/c0/c0-0007/c0-0007.json"


async def test_collections_are_found_at_any_depth(location: Locate, opened: Open) -> None:
    source: Source = opened(location(forest(4, 1)))
    assert [c.id for c in await source.collections()] == ["c0", "c1", "c2", "c3"]
    assert (await source.collection("c2")).url.endswith("/regions/c2/collection.json")
    with pytest.raises(EntityDoesNotExist):
        await source.collection("c9")


async def test_items_come_in_pages_and_one_by_one(location: Locate, opened: Open) -> None:
    source = opened(location(forest(2, 7)))
    first = await source.items_page("c1", page_size=3)
    assert [i.id for i in first.entries] == ["c1-0000", "c1-0001", "c1-0002"]
    assert first.matched == 7
    assert first.next is not None
    second = await source.items_page("c1", link=first.next, page_size=3)
    again = await source.items_page("c1", link=first.next, page_size=3)
    assert (
        [i.id for i in second.entries] == [i.id for i in again.entries] == ["c1-0003", "c1-0004", "c1-0005"]
    )
    assert [i.id async for i in items_of(source, "c1", limit=5, page_size=2)] == [
        f"c1-{n:04d}" for n in range(5)
    ]
    assert (await source.item("c1", "c1-0006")).id == "c1-0006"
    with pytest.raises(EntityDoesNotExist):
        await source.item("c1", "c0-0000")


async def test_items_below_nested_catalogs_belong_to_a_collection(location: Locate, opened: Open) -> None:
    files: Files = {
        "catalog.json": catalog("root", link("child", "c/collection.json")),
        "c/collection.json": collection(
            "c", link("item", "a.json"), link("child", "2020/catalog.json"), link("item", "z.json")
        ),
        "c/a.json": item("a", "c"),
        "c/z.json": item("z", "c"),
        "c/2020/catalog.json": catalog("2020", link("item", "../b.json"), link("child", "d/catalog.json")),
        "c/b.json": item("b", "c"),
        "c/2020/d/catalog.json": catalog("d", link("item", "e.json")),
        "c/2020/d/e.json": item("e", "c"),
    }
    place = location(files)
    for size in (1, 2, 250):
        assert [i.id async for i in items_of(opened(place), "c", page_size=size)] == ["a", "z", "b", "e"]
    link_ = None
    for identity in "azbe":  # a listing is resumed by another source of the same catalog
        page = await opened(place).items_page("c", link=link_, page_size=1)
        assert [i.id for i in page.entries] == [identity]
        link_ = page.next
    assert link_ is None


async def test_an_item_that_two_documents_link_is_listed_once_on_whatever_page(
    location: Locate, opened: Open
) -> None:
    files: Files = {
        "catalog.json": collection(
            "c", link("item", "a.json"), link("child", "n/catalog.json"), link("item", "b.json")
        ),
        "n/catalog.json": catalog("n", link("item", "../a.json"), link("item", "./../b.json")),
        "a.json": item("a"),
        "b.json": item("b"),
    }
    source = opened(location(files))
    for size in (1, 2, 250):
        assert [i.id async for i in items_of(source, "c", page_size=size)] == ["a", "b"]
    first = await source.items_page("c", page_size=1)
    for _ in range(2):
        assert [i.id for i in (await source.items_page("c", link=first.next, page_size=1)).entries] == ["b"]


async def test_an_item_in_a_file_of_another_name_is_found_by_its_id(
    planted: Callable[[Files], Path], opened: Open
) -> None:
    files: Files = {
        "collection.json": collection("c", link("item", "1.json"), link("item", "2.json")),
        "1.json": item("one"),
        "2.json": item("two"),
    }
    source = opened(planted(files))
    assert (await source.item("c", "two")).id == "two"
    by_place = await source.item("c", (await source.item("c", "one")).url)
    assert by_place.id == "one"


async def test_about_says_what_the_root_says(location: Locate, opened: Open) -> None:
    place = location({"catalog.json": catalog("root", title="A [title]\x1b[2J")})
    source = opened(place)
    about = await source.about()
    assert (about.kind, about.title, about.description) == (Kind.STATIC, "A [title][2J", "The root.")
    assert isinstance(about.document, Catalog)
    assert source.root_url == place


async def test_what_only_other_kinds_have_is_not_offered(
    planted: Callable[[Files], Path], opened: Open
) -> None:
    source = opened(planted(forest()))
    for asked in (source.datasets(), source.models(), source.archive_info("c0"), source.queryables()):
        with pytest.raises(NotOffered):
            await asked


async def test_a_search_looks_through_collections(location: Locate, opened: Open) -> None:
    source = opened(location(forest(2, 3)))
    named = await source.search_page(Search(collections=("c1",), ids=("c1-0001", "c0-0001")))
    assert [found.id for found in named.entries] == ["c1-0001"]
    everywhere = await source.search_page(Search(ids=("c1-0001", "c0-0001")), page_size=10)
    assert sorted(found.id for found in everywhere.entries) == ["c0-0001", "c1-0001"]


async def test_assets_of_local_catalogs_are_files_beside_them(
    planted: Callable[[Files], Path], opened: Open
) -> None:
    folder = planted(forest(1, 1))
    source = opened(folder)
    found = await source.item("c0", "c0-0000")
    href = resolve_href(found.url, found.assets[0].href)
    assert (await source.asset_link(href)).url == (folder / "regions/c0/c0-0000/c0-0000.tif").as_uri()


async def test_lists_of_items_are_spliced_where_they_are_linked(location: Locate, opened: Open) -> None:
    many = {"type": "FeatureCollection", "features": [item("a"), {"type": "Feature"}, item("b"), item("c")]}
    lines = b"\n".join(b'\x1e{"type":"Feature","id":"l%d","properties":{}}' % n for n in range(3))
    files: Files = {
        "catalog.json": collection(
            "root", link("item", "x.json"), link("items", "many.geojson"), link("items", "lines.ndjson"),
            link("item", "y.json")
        ),
        "x.json": item("x"), "y.json": item("y"), "many.geojson": many, "lines.ndjson": lines
    }  # fmt: skip
    source = opened(location(files))
    wanted = ["x", "a", "b", "c", "l0", "l1", "l2", "y"]
    for size in (1, 2, 3, 250):
        assert [i.id async for i in items_of(source, "root", page_size=size)] == wanted
        (top,) = (await source.entries()).entries
        assert [entry.label for entry in await below(source, top, size)] == wanted
    bare = Entry(EntryKind.ITEM, "b", url=(await source.item("root", "b")).url)
    assert (await source.document(bare)).id == "b"
    with pytest.raises(RequestError, match="a list of 3 items"):
        await source.document(Entry(EntryKind.ITEM, url=bare.url))


async def test_a_linked_list_that_is_the_first_page_of_a_listing_is_not_taken_for_all(
    location: Locate, opened: Open
) -> None:
    page = {
        "type": "FeatureCollection",
        "features": [item("a"), item("b")],
        "links": [link("next", "2.json")],
    }
    files: Files = {"catalog.json": collection("root", link("items", "1.json")), "1.json": page}
    source, found = opened(location(files)), []
    with pytest.raises(UnexpectedAnswer, match="the listing is not complete"):
        async for each in items_of(source, "root", page_size=1):
            found.append(each.id)
    assert found == ["a", "b"]
    (note,) = (await source.items_page("root")).notes
    assert "only the first page of a listing is read" in note


async def test_a_link_of_another_listing_is_refused(planted: Callable[[Files], Path], opened: Open) -> None:
    source = opened(planted(forest(2, 3)))
    page = await source.items_page("c0", page_size=1)
    for bad in (page.next, "[]", "nonsense", '[["x",-1]]'):
        with pytest.raises(RequestError):
            await source.items_page("c1", link=bad)
    with pytest.raises(RequestError):
        await source.entries(link="nonsense")


async def test_a_folder_without_a_catalog_says_so(tmp_path: Path, opened: Open) -> None:
    with pytest.raises(NotASource, match=r"neither catalog\.json nor"):
        await opened(tmp_path).about()
    with pytest.raises(EntityDoesNotExist):
        await opened(tmp_path / "missing.json").about()
    plant(tmp_path, forest(root="dataset/"))
    assert (await opened(tmp_path).about()).title == "root"


async def test_collections_keep_their_class(planted: Callable[[Files], Path], opened: Open) -> None:
    """Documents of STAC before 1.0 have no `type`: what is in them tells."""
    old = collection("old")
    del old["type"]
    root = catalog("root", link("child", "old.json"))
    del root["type"]
    source = opened(planted({"catalog.json": root, "old.json": old}))
    (entry,) = (await source.entries()).entries
    assert isinstance(entry.document, Collection)


@pytest.mark.parametrize("titled", [False, True])
async def test_items_that_are_linked_one_by_one_and_in_a_list_are_walked_once(
    planted: Any, opened: Open, titled: bool
) -> None:
    items = [item(f"a{n}", "a") for n in range(3)]
    links = [link("item", f"items/{n}.json", title=f"a{n}") for n in range(2)]
    if not titled:
        links = [link("item", f"a{n}/a{n}.json") for n in range(2)]
    more = link("child", "a2/collection.json")
    files: Files = {
        "catalog.json": catalog("root", link("child", "collection.json")),
        "collection.json": collection(
            "a", *links, link("item", "other.json"), link("items", "list.json"), more
        ),
        "list.json": {"type": "FeatureCollection", "features": items},
        "other.json": item("b", "a"),
        "a2/collection.json": collection("a2", link("item", "c.json")),
        "a2/c.json": item("c", "a2"),
    }
    files |= {one["href"]: items[n] for n, one in enumerate(links)}
    source = opened(planted(files))
    for size in (1, 100):
        found = [each.id async for each in items_of(source, "a", page_size=size)]
        assert sorted(found) == ["a0", "a1", "a2", "b", "c"]
    (entry,) = (await source.entries()).entries
    shown = (await source.entries(entry)).entries
    assert len(shown) == 5, "the child, the list's three, and the item that is not in it"


SHOWN = {"xml": "application/xml", "pdf": "application/pdf", "png": "image/png; application=overview"}


@pytest.mark.parametrize("absolute", [False, True])
async def test_what_is_linked_twice_or_as_a_page_is_walked_once(
    served: Serve, opened: Open, absolute: bool
) -> None:
    files: Files = {}
    server = served(files)
    base = f"{server.url}/cat/a/" if absolute else "../a/"
    page = {"type": "text/html; charset=utf-8"}
    spellings = (f"{server.url.replace('http', 'HTTP')}/cat/a/collection.json", "moved") if absolute else ()
    moved = redirect(f"{server.url}/cat/a/collection.json")
    a = (
        link("child", "./1.json", type="application/geo+json"),
        link("item", f"{base}1.json"),
        link("item", "x/../1.json#top"),
        link("item", "%31.json?"),
        link("item", "./1.html", **page),
        link("item", "2.HTM?item"),
        *(link("item", f"1.{end}", type=kind) for end, kind in SHOWN.items()),
        link("item", "2.json", title="two"),
        link("item", "././2.json"),
        link("items", "2.json", type="application/geo+json"),
    )
    files |= {
        "cat/catalog.json": catalog(
            "root",
            link("item", "./a/collection.json"),
            link(
                "child", f"{server.url}/cat/a/collection.json" if absolute else "a/collection.json", title="A"
            ),
            *(link("child", href) for href in spellings),
            link("child", "./a/index.html", **page),
            link("child", "./b/index.html"),
            link("child", "./a/index.xhtml", type="application/xhtml+xml"),
            link("child", "b/collection.json", title="B"),
            link("child", "./b/collection.json", title="B again"),
        ),
        "cat/a/collection.json": collection("a", *a),
        "cat/b/collection.json": collection("b", link("item", "i.json"), link("child", "i.json")),
        "cat/a/1.json": item("a1", "a"),
        "cat/a/2.json": item("a2", "a"),
        "cat/b/i.json": item("b1", "b"),
        "cat/moved": lambda _: moved,
    }
    source = opened(f"{server.url}/cat/catalog.json", patience=5)
    assert [each.id for each in await source.collections()] == ["a", "b"]
    assert [each.id async for each in items_of(source, "a")] == ["a1", "a2"]
    assert [each.id async for each in items_of(source, "b")] == ["b1"]
    found = await source.search_page(Search())
    assert ([each.id for each in found.entries], found.notes) == (["a1", "a2", "b1"], ())
    entries = await everything(source, 50)
    assert sorted(entry.url.rpartition("/cat/")[2] for entry in entries) == [
        "a/1.json", "a/2.json", "a/collection.json", "b/collection.json", "b/i.json"
    ]  # fmt: skip
    assert not source.troubles
    assert not [target for target in server.targets if "html" in target]


async def test_a_child_without_a_title_keeps_that_of_its_link(location: Locate, opened: Open) -> None:
    links = (link("child", "./a.json", title="Of the link"), link("child", "./b.json", title="Of the link"))
    files = {
        "catalog.json": catalog("root", *links),
        "a.json": catalog("a"),
        "b.json": catalog("b", title="Its own"),
    }
    page = await opened(location(files), patience=5).entries(None)
    assert [(entry.id, entry.title) for entry in page.entries] == [("a", "Of the link"), ("b", "Its own")]


@pytest.mark.parametrize("gone", ["http://127.0.0.1:1/stac", "a server without it"])
@pytest.mark.parametrize("copy", ["location", "archive"])
async def test_a_copy_of_a_published_catalog_is_read_where_its_links_lead_nowhere(
    location: Locate, tmp_path: Path, opened: Open, served: Serve, copy: str, gone: str
) -> None:
    published = gone if gone.startswith("http") else f"{served({}).url}/stac"
    files = forest(2, 3)
    for name, document in files.items():
        assert isinstance(document, dict)
        for each in document["links"]:
            if not each["href"].startswith("http"):
                each["href"] = urljoin(f"{published}/{name}", each["href"])
        document["links"].append(link("self", f"{published}/{name}"))
    source = opened(location(files) if copy == "location" else pack(tmp_path / "a.tar", files), patience=5)
    assert [c.id for c in await source.collections()] == ["c0", "c1"]
    *_, last = [item async for item in items_of(source, "c1")]
    assert last.url.endswith("/regions/c1/c1-0002/c1-0002.json")
    assert not last.url.startswith(published)
    assert (await source.item("c0", "c0-0001")).id == "c0-0001"
    assert any("read from this copy" in trouble for trouble in source.troubles)


async def test_a_published_catalog_that_is_there_is_read_there(served: Serve, opened: Open) -> None:
    files = forest(1, 1)
    there = served(files)
    here = served({"catalog.json": files["catalog.json"] | {"links": [
        link("self", f"{there.url}/catalog.json"), link("child", f"{there.url}/regions/c0/collection.json"),
    ]}})  # fmt: skip
    source = opened(f"{here.url}/catalog.json")
    assert [c.url for c in await source.collections()] == [f"{there.url}/regions/c0/collection.json"]
    assert [request.path for request in here.requests] == ["/catalog.json"]
    assert source.troubles == ()


@pytest.mark.parametrize("name", ["index.json", "catalog.json.gz", "sentinel-2.json"])
async def test_the_one_document_of_a_folder_is_its_root(tmp_path: Path, opened: Open, name: str) -> None:
    content = json.dumps(collection("c")).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert [c.id for c in await opened(tmp_path).collections()] == ["c"]
    (tmp_path / "z.json").write_text("{}")
    with pytest.raises(NotASource) as caught:
        await opened(tmp_path).collections()
    assert f"below it: {name}, z.json" in caught.value.hint


@pytest.mark.parametrize(
    ("href", "place"),
    [
        ("s3://b/stac/c.json", "https://b.s3.amazonaws.com/stac/c.json"),
        ("gs://b/stac/c.json", "https://storage.googleapis.com/b/stac/c.json"),
        ("/vsis3/b/stac/c.json", "https://b.s3.amazonaws.com/stac/c.json"),
        ("ipfs://b/c.json", "ipfs://b/c.json"),
    ],
)
def test_links_into_stores_are_followed_over_https(href: str, place: str) -> None:
    found = Children.of(Catalog(catalog("root", link("child", href)), url="https://h/catalog.json"))
    assert [child.url for child in found.links] == [place]

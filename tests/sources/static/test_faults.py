"""What is wrong with one document is one sentence about it; the rest of the catalog is still listed."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.auth import for_location
from mlhub_tui.errors import MLHubException, RequestError, UnexpectedAnswer
from mlhub_tui.http.cache import CachedResponse
from mlhub_tui.http.session import Session
from mlhub_tui.models import Document, Entry, EntryKind
from mlhub_tui.sources.documents import ItemList
from mlhub_tui.sources.probe import probe
from mlhub_tui.sources.static.document_loader import DocumentLoader, parsed
from mlhub_tui.sources.static.pages import AGAIN, Tree
from mlhub_tui.text import clean
from tests.http.patience import Patience
from tests.support.http_server import Answer, Request, page_of_html
from tests.support.listing import items_of

from .conftest import Locate, Open, Serve
from .grow import Files, catalog, collection, encoded, item, link

BROKEN: dict[str, Any] = {
    "html": b"<!DOCTYPE html><html>gone</html>",
    "xml": b"<?xml version='1.0'?><Error/>",
    "half": b'{"type": "Collection", "id": "x", ',
    "empty": b"",
    "list": b"[1, 2]",
    "other": b'{"code": "NotFound", "description": "none"}',
    "strange": b'{"type": "Topology", "id": "x"}',
    "nameless": b'{"type": "Collection", "links": []}',
    "numbered": b'{"type": "Item", "id": [7], "links": []}',
    "deep": b"[" * 100_000,
    "binary": bytes(range(256)),
    "latin": "é".encode("latin-1"),
    "packed": gzip.compress(b"{}" * 99)[:-9],
}
SAID = {
    "html": "the document is a web page",
    "xml": "XML, not JSON",
    "half": "not JSON (line 1, column",
    "empty": "the document is empty",
    "list": "not an object",
    "other": "JSON, but no STAC document",
    "strange": 'its type is "Topology"',
    "nameless": "a collection without an id",
    "numbered": "without an id",
    "deep": "nested too deep",
    "binary": "not JSON",
    "latin": "not JSON (not text)",
    "packed": "a gzip that ends too early",
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_document_that_is_none_has_a_sentence(name: str) -> None:
    error = parsed(CachedResponse(BROKEN[name], "https://host.org/a?sig=secret"))
    assert isinstance(error, UnexpectedAnswer)
    assert SAID[name] in error.message
    assert error.hint
    assert "\n" not in error.message
    assert "secret" not in error.message


async def test_the_rest_is_listed(location: Locate, opened: Open) -> None:
    children = [link("child", f"{name}/collection.json") for name in BROKEN]
    items = [link("item", f"{name}.json") for name in BROKEN]
    files: Files = {
        "catalog.json": catalog("root", *children, link("child", "missing.json"), link("child", "good.json")),
        "good.json": collection("good", *items, link("item", "missing.json"), link("item", "fine.json")),
        "fine.json": item("fine"),
        **{f"{name}/collection.json": value for name, value in BROKEN.items()},
        **{f"{name}.json": value for name, value in BROKEN.items()},
    }
    source = opened(location(files), patience=20)
    page = await source.entries()
    noted = {entry.label: entry.note for entry in page.entries if entry.note}
    assert noted.keys() == {*BROKEN, "missing"}
    assert all(SAID[name] in noted[name] for name in BROKEN)
    assert [entry.id for entry in page.entries if not entry.note] == ["good"]
    assert [c.id for c in await source.collections()] == ["good"]
    assert f"{len(BROKEN) + 1} catalogs or collections could not be read" in (await source.about()).notes[-1]
    listed = await source.items_page("good")
    assert ([found.id for found in listed.entries], listed.skipped) == (["fine"], len(BROKEN) + 1)
    assert f"{len(BROKEN) + 1} items could not be read, the first: " in listed.notes[0]
    for entry in (await source.entries(page.entries[-1])).entries[:-1]:
        with pytest.raises(RequestError):
            await source.document(entry)


async def test_a_404_page_with_status_200_is_no_document(served: Serve, opened: Open) -> None:
    server = served({"catalog.json": lambda _: page_of_html()})
    with pytest.raises(UnexpectedAnswer, match="a web page"):
        await opened(f"{server.url}/catalog.json").about()


async def test_cycles_end(location: Locate, opened: Open) -> None:
    """A catalog that contains itself, one above it, and one that two share."""
    files: Files = {
        "catalog.json": catalog("root", link("child", "a/catalog.json"), link("child", "./catalog.json"),
                                link("child", "b/catalog.json")),
        "a/catalog.json": catalog("a", link("child", "../catalog.json"), link("child", "../c.json"),
                                  link("item", "../x.json")),
        "b/catalog.json": catalog("b", link("child", "../c.json"), link("child", "../a/catalog.json")),
        "c.json": collection("c", link("child", "./a/../b/catalog.json"), link("item", "y.json")),
        "x.json": item("x"), "y.json": item("y")
    }  # fmt: skip
    source = opened(location(files), patience=20)
    assert [c.id for c in await source.collections()] == ["c"]
    root_url = (await source.about()).document
    assert isinstance(root_url, Document)
    for size in (1, 2, 250):
        assert sorted([i.id async for i in items_of(source, root_url.url, page_size=size)]) == ["x", "y"]
    page = await source.entries()
    assert [entry.note for entry in page.entries] == ["", AGAIN, ""]
    below = await source.entries(page.entries[0])
    assert below.entries[0].note == AGAIN
    assert (await source.entries(below.entries[0])).notes == (AGAIN,)
    waiting, opened_ones = list(page.entries), 0
    while waiting and opened_ones < 100:
        opened_ones += 1
        waiting.extend((await source.entries(waiting.pop())).entries)
    assert opened_ones < 30


async def test_a_tree_that_branches_without_end_is_walked_once(planted: Any, opened: Open) -> None:
    """Two links on each of 40 levels to the next one: a trillion ways, 41 catalogs."""
    files: Files = {
        f"{n}.json": catalog(f"l{n}", link("child", f"{n + 1}.json"), link("child", f"./{n + 1}.json"),
                             link("child", f"x/../{n + 1}.json"))
        for n in range(40)
    }  # fmt: skip
    files["40.json"] = collection("end", link("item", "i.json"))
    files["i.json"] = item("i")
    source = opened(planted(files) / "0.json")
    root = (await source.about()).document
    assert root is not None
    assert [i.id async for i in items_of(source, root.url)] == ["i"]
    assert [c.id for c in await source.collections()] == ["end"]


async def test_depth_costs_no_stack(planted: Any, opened: Open) -> None:
    deep = 1100
    files: Files = {f"{n}.json": catalog(f"l{n}", link("child", f"{n + 1}.json")) for n in range(deep)}
    files[f"{deep}.json"] = collection("end", link("item", "i.json"))
    files["i.json"] = item("i")
    source = opened(planted(files) / "0.json")
    assert [c.id for c in await source.collections()] == ["end"]
    assert (await source.item("end", "i")).id == "i"
    root = (await source.about()).document
    assert root is not None
    assert [i.id async for i in items_of(source, root.url)] == ["i"]


async def test_a_server_cannot_make_anybody_read_their_own_files(
    served: Serve, tmp_path: Path, opened: Open
) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(item("mine")))
    files: Files = {
        "catalog.json": collection("c", link("item", mine.as_uri()), link("child", mine.as_uri()),
                                   link("item", "ftp://host/x.json"), link("item", "ok.json")),
        "ok.json": item("ok")
    }  # fmt: skip
    source = opened(f"{served(files).url}/catalog.json")
    page = await source.items_page("c")
    assert [found.id for found in page.entries] == ["ok"]
    assert any("a file of this machine is not followed" in note or "machine" in note for note in page.notes)
    with pytest.raises(MLHubException):
        await source.document(Entry(EntryKind.ITEM, url=mine.as_uri()))
    with pytest.raises(MLHubException):
        await source.asset_link(mine.as_uri())


@pytest.mark.parametrize("key", [None, "k" * 30])
async def test_links_that_are_no_urls_are_a_note(key: str | None, served: Serve, opened: Open) -> None:
    bad = [
        "https://[bad/x.json",
        "https://host:port/x.json",
        "http://",
        "https:///x.json",
        "https://h\x00st/x",
        "//",
    ]
    files: Files = {
        "catalog.json": collection("c", *(link("item", href) for href in bad), link("item", "ok.json")),
        "ok.json": item("ok"),
    }
    home = served(files)
    session = Session(api_key=key, root_url=home.url, retry=Patience().policy())
    page = await opened(f"{home.url}/catalog.json", session=session).items_page("c")
    assert [found.id for found in page.entries] == ["ok"]
    assert page.skipped == len(bad) - 1  # "http://" and "//" are one address


async def test_pipes_and_devices_are_not_read(planted: Callable[[Files], Path], opened: Open) -> None:
    folder = planted(
        {
            "catalog.json": collection(
                "c", link("item", "pipe.json"), link("item", "/dev/zero"), link("item", ".")
            )
        }
    )
    os.mkfifo(folder / "pipe.json")
    page = await opened(folder).items_page("c")
    assert (page.entries, page.skipped) == ((), 3)


async def test_documents_in_utf_16_and_links_with_a_query_are_read_from_the_disk(
    tmp_path: Path, opened: Open
) -> None:
    root = collection(
        "c",
        link("item", "marked.json"),
        link("item", "copied.json?v=1/2#top"),
        link("item", "copied.json#end"),
    )
    documents = {"catalog.json": root, "marked.json": item("marked"), "copied.json": item("copied")}
    for name, document in documents.items():
        (tmp_path / name).write_bytes(json.dumps(document).encode("utf-16"))
    assert (await probe(for_location(str(tmp_path)))).counts == {"items": 3}
    assert [i.id async for i in items_of(opened(tmp_path), "c")] == ["marked", "copied"]


async def test_links_with_backslashes_spaces_and_no_href(
    planted: Callable[[Files], Path], opened: Open
) -> None:
    links = (
        link("item", ".\\sub dir\\a.json"),
        link("item", "sub%20dir/b.json"),
        link("item", "c%20d.json"),
        {"rel": "item"},
        {"rel": "item", "href": None},
        {"rel": ["item"], "href": "x"},
    )
    files: Files = {
        "catalog.json": collection("c", *links, title=7)
        | {"links": [*collection("c", *links)["links"], "no", 3]},
        "sub dir/a.json": item("a"),
        "sub dir/b.json": item("b"),
        "c%20d.json": item("c"),
    }
    source = opened(planted(files))
    assert [i.id async for i in items_of(source, "c")] == ["a", "b", "c"]
    (top,) = (await source.entries()).entries
    assert (await source.entries(top)).notes == ("2 links without an href",)


async def test_a_listing_goes_on_where_a_page_failed(served: Serve, opened: Open) -> None:
    state = {"fails": True}

    def child(_: Request) -> Answer:
        return Answer(404) if state["fails"] else Answer(200, json.dumps(files["b.json"]).encode())

    files: Files = {
        "catalog.json": collection("c", link("item", "1.json"), link("child", "flaky.json"),
                                   link("item", "2.json")),
        "flaky.json": child, "b.json": catalog("b", link("item", "3.json")),
        "1.json": item("1"), "2.json": item("2"), "3.json": item("3")
    }  # fmt: skip
    source = opened(f"{served(files).url}/catalog.json")
    first = await source.items_page("c", page_size=1)
    page = await source.items_page("c", link=first.next)
    assert [i.id for i in page.entries] == ["2"]
    assert "not found" in page.notes[0]
    state["fails"] = False
    again = await source.items_page("c", link=first.next)
    assert [i.id for i in again.entries] == ["2", "3"]


async def test_offline_the_tree_that_was_seen_is_there(served: Serve, opened: Open) -> None:
    state = {"away": False}
    made = collection("c", link("item", "1.json"), title="Seen")

    def root(_: Request) -> Answer:
        return Answer(503) if state["away"] else Answer(200, json.dumps(made).encode())

    location = f"{served({'collection.json': root, '1.json': item('1')}).url}/collection.json"
    before = opened(location)
    assert [i.id async for i in items_of(before, "c")] == ["1"]
    assert before.troubles == ()
    state["away"] = True
    source = opened(location)
    assert [i.id async for i in items_of(source, "c")] == ["1"]
    assert source.troubles[0].startswith("offline: as of ")
    about = await source.about()
    assert about.title == "Seen"
    assert about.notes[0].startswith("offline: as of ")


@pytest.mark.slow
async def test_a_large_document_does_not_hold_the_loop_and_is_read_once(
    planted: Callable[[Files], Path], opened: Open
) -> None:
    links = [
        link("item", f"./items/{n:06d}/{n:06d}.json", type="application/geo+json") for n in range(100_000)
    ]
    folder = planted({"collection.json": collection("large", *links)})
    source = opened(folder)
    (top,) = (await source.entries()).entries
    source.refresh()
    turns, reading = 0, True

    async def beat() -> None:
        nonlocal turns
        while reading:
            turns += 1
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        group.create_task(beat())
        page = await source.entries(top)
        reading = False
    assert (len(page.entries), page.matched) == (250, 100_000)
    assert turns > 5
    (folder / "collection.json").unlink()
    page = await source.entries(top, link=page.next)
    assert page.entries[0].title == "000250"


def test_a_document_beyond_the_bound_is_not_parsed() -> None:
    error = parsed(CachedResponse(b" " * 65_000_000, "https://host.org/x.json"))
    assert isinstance(error, UnexpectedAnswer)
    assert "65.0 MB of JSON, more than the 64.0 MB" in error.message


def test_every_recorded_document_is_something_or_has_a_sentence() -> None:
    folder = Path(__file__).parents[4] / "shared" / "stac-recorded"
    if not folder.is_dir():
        pytest.skip(f"no recorded answers at {folder}")
    kinds = []
    for path in sorted(folder.glob("0*.json")):
        found = parsed(CachedResponse(path.read_bytes(), f"https://host.org/{path.name}"))
        if isinstance(found, RequestError):
            assert "no STAC document" in found.message
        elif isinstance(found, ItemList):
            assert found.skipped == 0
        else:
            assert found.label
        kinds.append(type(found).__name__)
    assert set(kinds) == {"Catalog", "Collection", "Item", "ItemList", "UnexpectedAnswer"}


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["rel", "href", "title", "type"]),
            st.one_of(
                st.sampled_from(["child", "item", "items"]), st.text(max_size=30), st.none(), st.integers()
            ),
        ),
        max_size=8,
    )
)
def test_whatever_links_hold_what_is_drawn_is_clean(links: list[dict[str, Any]]) -> None:
    hostile = {"rel": "item", "href": "a%1b%5d52;c;x%07.json"}
    with TemporaryDirectory() as folder:
        path = Path(folder, "catalog.json")
        path.write_bytes(encoded(catalog("c", hostile, *links)))
        page = asyncio.run(Tree(DocumentLoader(None, local=True)).below(path.as_uri()))
    assert page.entries
    for entry in page.entries:
        assert entry.label == clean(entry.label)
        assert entry.url.isascii()

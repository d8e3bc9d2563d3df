"""Browse on STAC APIs and static catalogs, made up so that every answer is known, and kept waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.geometry import Offset

from mlhub_tui.auth import Credentials, Kind
from mlhub_tui.errors import ServerError
from mlhub_tui.models import Catalog, Collection, Entry, EntryKind, Item
from mlhub_tui.options import AppOptions
from mlhub_tui.sources.base import About, Page
from mlhub_tui.ui.actions import download_actions as item_download
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.catalog.catalog_tree import CatalogTree
from mlhub_tui.ui.catalog.loader import Documents
from mlhub_tui.ui.catalog.nodes import MoreNode, TreeEntry
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.source_connection import Connection
from mlhub_tui.ui.widgets.item_table import ItemTable
from mlhub_tui.ui.widgets.line_view import LineView
from tests.support import stac

from .conftest import Driver, Sizes, Then, driven
from .fake_source import FakeSource, Lister
from .test_browse import tree_of


def collection(identity: str, title: str = "") -> Collection:
    """Return a collection."""
    raw = {"type": "Collection", "stac_version": "1.0.0", "id": identity, "license": "CC0-1.0"}
    return Collection({**raw, "title": title, "description": f"All of {identity}.", "links": []})


def item(identity: str, collection_id: str = "c") -> Item:
    """Return an item with a day and an asset."""
    red = {"href": f"./{identity}.tif", "eo:bands": [{"name": "B04", "common_name": "red"}]}
    times = {"datetime": "2020-02-03T00:00:00Z"}
    return Item(stac.item(identity, collection_id, properties=times, assets={"B04": red}))


def pages(number: int, size: int, matched: int | None = None) -> Lister:
    """Return what lists collections in pages, and two items below each."""

    def lister(parent: Entry | None, link: str | None) -> Page[Entry]:
        if parent is not None:
            found = (item(f"{parent.id}-{n}", parent.id) for n in range(2))
            return Page(tuple(Entry.of(one) for one in found), None, 2)
        start = int(link or 0)
        stop = min(start + size, number)
        entries = tuple(Entry.of(collection(f"c{n:05}", f"Collection {n}")) for n in range(start, stop))
        return Page(entries, str(stop) if stop < number else None, matched)

    return lister


@asynccontextmanager
async def on(
    source: FakeSource, folder: Path, size: Sizes = (80, 24), then: Then = ()
) -> AsyncIterator[Driver]:
    """Run the app on a source, and wait for what it lists."""

    async def opened() -> Connection:
        return Connection(Credentials(None, source.root_url, None, "none", kind=source.kind), source)

    class OnSource(MLHubApp):
        def use_sample(self) -> None:
            self.connect(opened)

    async with driven(AppOptions(sample=True, output_dir=folder), size, OnSource, then=then) as driver:
        yield driver


async def down(driver: Driver, number: int = 1) -> None:
    """Go down some lines, without the time that keys take under Pilot."""
    for _ in range(number):
        tree_of(driver).action_cursor_down()
    await driver.pilot.pause()


def depth_of_cursor(driver: Driver) -> int:
    """Return how deep the line under the cursor is."""
    row = tree_of(driver).current
    assert row is not None
    return row.depth


def amount(driver: Driver) -> str:
    """Return how much is loaded at the top, as its line says."""
    return tree_of(driver).tree_model.top.amount


# STAC APIs


async def test_the_top_bar_names_the_kind_and_the_group_says_how_much_of_it_is_loaded(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(500, 200, 2365)), tmp_path) as driver:
        await driver.until("Collections  200 of 2,365")
        await driver.until(lambda: "STAC API stac.example.org" in driver.screen().splitlines()[0])
        await driver.until("Collection 0  c00000")  # title, and the id where there is room


async def test_more_is_loaded_where_the_end_is_reached_and_only_there(tmp_path: Path) -> None:
    source = FakeSource(Kind.STAC_API, pages(250, 100))
    async with on(source, tmp_path, then="Collections  100 and more") as driver:
        await down(driver, 99)
        assert len(source.asked) == 1
        await driver.press("G", then=lambda: amount(driver) == "200 and more")
        assert source.asked[-1] == (None, "100")
        current = tree_of(driver).current
        assert current is not None and isinstance(current.data, Entry)
        assert current.data.id == "c00100", "the cursor is on the first that came"
        await driver.press("G", then=lambda: amount(driver) == "250")
        assert not [row for row in tree_of(driver).tree_model.rows if isinstance(row.data, MoreNode)]


async def test_a_page_that_fails_is_tried_again_alone(tmp_path: Path) -> None:
    listed, broken = pages(150, 100), [True]

    def lister(parent: Entry | None, link: str | None) -> Page[Entry]:
        if link and broken:
            raise ServerError("the server failed (500)", hint="retry later")
        return listed(parent, link)

    async with on(FakeSource(Kind.STAC_API, lister), tmp_path, (120, 24), then="100 and more") as driver:
        await driver.press("G", then="! the server failed (500): retry later")
        broken.clear()
        await driver.press("G", "enter", then=lambda: amount(driver) == "150")
        await driver.until("Collection 99 ")  # nothing that was there is lost
        # The detail follows the cursor a moment later.
        await driver.until(lambda: "the server failed" not in driver.screen())


async def test_what_was_left_out_why_it_stopped_and_notes_are_said(tmp_path: Path) -> None:
    page = Page((Entry.of(collection("one")),), None, 9, 3, "the next link leads in circles")
    noted: Page[Entry] = Page((), None, notes=("the item x.json is no document",))
    source = FakeSource(Kind.STAC_API, lambda parent, _: page if parent is None else noted)
    async with on(source, tmp_path, (120, 24)) as driver:
        await driver.until("Collections  1 of 9", "3 entries without an ID left out")
        await driver.until("stopped: the next link leads in circles")
        await driver.press("j", "l", then="! the item x.json is no document")


async def test_a_source_that_repeats_its_pages_is_stopped(tmp_path: Path) -> None:
    entries = tuple(Entry.of(collection(f"c{n}")) for n in range(3))
    async with on(
        FakeSource(Kind.STAC_API, lambda *_: Page(entries, "again")), tmp_path, (120, 24)
    ) as driver:
        await driver.until("3 collections loaded")
        await driver.press("G", then="stopped: the server repeats its pages")
        assert tree_of(driver).tree_model.top.loaded == 3


async def test_what_the_source_says_of_itself_stands_in_the_groups_line_and_detail(tmp_path: Path) -> None:
    about = About(Kind.STAC_API, "Earth", "Everything.", notes=("offline: as of 2 d ago",))
    async with on(FakeSource(Kind.STAC_API, pages(3, 3), about=about), tmp_path, (120, 24)) as driver:
        await driver.until("Collections  3  offline: as of 2 d ago", "Everything.")


async def test_the_detail_of_a_static_catalog_names_it_once(tmp_path: Path) -> None:
    source = FakeSource(Kind.STATIC, pages(3, 3), about=About(Kind.STATIC, "Fields of wheat", "Everything."))
    async with on(source, tmp_path, (120, 24)) as driver:
        await driver.until("Fields of wheat  3", "Entries: 3")


async def test_the_filter_says_what_it_looked_at(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(500, 200, 2365)), tmp_path, (100, 24)) as driver:
        await driver.until("200 of 2,365")
        await driver.press("slash")
        await driver.type("c0001", then="10 found, filtering the 200 loaded of 2,365")
        await driver.until("Collections  10 of 200 loaded  /c0001", "200 collections of 2,365 loaded, more…")


async def test_the_filter_finds_loaded_items_and_takes_in_what_is_loaded_meanwhile(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(30, 20, 30)), tmp_path, then="20 of 30") as driver:
        await driver.press("j", "j", "l", then="c00001-1")
        await driver.press("h", "h", "slash")
        await driver.type("-1", then=("c00001-1", "1 found"))
        await driver.until("Collection 1 ")  # its collection is shown and open
        await driver.until(lambda: "Collection 2 " not in driver.screen())
        await driver.press("enter", "escape", then="Collection 2 ")
        await driver.press("slash")
        await driver.type("c0002", then="0 found")
        await driver.press("enter", "G", then="Collection 29")


async def test_a_reload_keeps_the_cursor_on_an_item_whose_page_comes_later(tmp_path: Path) -> None:
    source = FakeSource(Kind.STAC_API, pages(5, 5))
    async with on(source, tmp_path, then="Collection 4") as driver:
        await driver.press("j", "j", "l", then="c00001-1")
        await driver.press("j", "j")
        source.gate.clear()
        await driver.press("r")
        await driver.until("c00001-1")  # what is there stays while it is asked for again
        source.gate.set()
        await driver.until(lambda: [a[0].id for a in source.asked if a[0]] == ["c00001", "c00001"])
        await driver.until(
            lambda: getattr(getattr(tree_of(driver).current, "data", None), "id", "") == "c00001-1"
        )


async def test_esc_stops_what_loads_in_the_tree_and_enter_or_r_loads_it(tmp_path: Path) -> None:
    source = FakeSource(Kind.STAC_API, pages(3, 3))
    source.gate.clear()
    async with on(source, tmp_path, then=("loading…", lambda: len(source.asked) == 1)) as driver:
        await driver.press("escape")
        await driver.until("stopped before it was loaded", "not loaded", "try again (r)", "Stopped.")
        source.gate.set()
        await driver.press("r", then="Collection 2")
        source.gate.clear()
        await driver.press("j", "l", then=("loading…", lambda: len(source.asked) == 3))
        await driver.press("escape", then=("stopped before it was loaded", "try again (enter)"))
        source.gate.set()
        await driver.press("j", "enter", then="c00000-1")


async def test_esc_leaves_what_was_listed_last_time_when_it_stops_a_reload(tmp_path: Path) -> None:
    source = FakeSource(Kind.STAC_API, pages(3, 3))
    async with on(source, tmp_path, then="Collection 2") as driver:
        source.gate.clear()
        await driver.press("r", then=lambda: len(source.asked) == 2)
        await driver.press("escape", then=("Stopped.", "Collections  3", "Collection 2"))
        source.gate.set()
        await driver.press("r", then=lambda: len(source.asked) == 3 and "Collection 2" in driver.screen())


async def test_a_reload_that_another_one_stops_leaves_the_place_to_it(tmp_path: Path) -> None:
    number = [3]
    source = FakeSource(Kind.STAC_API, lambda parent, link: pages(number[0], 9)(parent, link))
    async with on(source, tmp_path, then="Collection 2") as driver:
        source.gate.clear()
        number[0] = 5
        await driver.press("r", then=lambda: len(source.asked) == 2)
        await driver.press("r", then=lambda: len(source.asked) == 3)
        source.gate.set()
        await driver.until("Collections  5", "Collection 4")
        assert "stopped" not in driver.screen()


async def test_d_leads_to_the_assets_where_there_are_no_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    async def choose(app: MLHubApp, subjects: Sequence[TreeEntry], documents: Documents, **_: object) -> bool:
        asked.append([subject.entry.id for subject in subjects])
        return True

    monkeypatch.setattr(item_download, "choose_assets", choose)
    async with on(FakeSource(Kind.STAC_API, pages(2, 2)), tmp_path, then="Collection 1") as driver:
        await driver.press("j", "d", then=lambda: asked == [["c00000"]])
        await driver.press("l", then="c00000-1")
        await driver.press("j", "space", "space", "d", then=lambda: asked[1:] == [["c00000-0", "c00000-1"]])
        await driver.until(lambda: "✓" not in driver.screen())
        await driver.press("k", "space", then="✓")
        await driver.press("escape", then=lambda: "✓" not in driver.screen())
        await driver.press("g", "d", then=lambda: asked[2:] == [[]])


async def test_an_item_shows_its_dates_bands_and_assets(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(2, 2)), tmp_path, then="Collection 1") as driver:
        await driver.press("j", "i", then=("2 items of 2", "2020-02-03  1"))
        await driver.press("enter", then=("Bands      red", "2020-02-03"))


async def test_what_is_not_valid_stac_is_shown_with_the_reason_once_it_is_opened(tmp_path: Path) -> None:
    documents = {"odd": Catalog({"id": "odd", "type": "Catalog", "links": "none"})}
    entry = Entry(EntryKind.CATALOG, "odd")
    source = FakeSource(Kind.STAC_API, lambda parent, _: Page(() if parent else (entry,)), dict(documents))
    async with on(source, tmp_path, then="odd") as driver:
        await driver.press("j", "enter", then="Not valid STAC")
        await driver.press("J", then='"links": "none"')


async def test_what_another_screen_had_asked_for_is_shown_by_the_one_in_front(tmp_path: Path) -> None:
    known = collection("c", "What came meanwhile")

    class Late(Documents):
        """Has the answer after the sheet was filled, and before it is looked up what is missing."""

        async def complete(self, subject: TreeEntry) -> AsyncIterator[None]:
            self.keep([Entry.of(known)])
            async for _ in super().complete(subject):
                yield

    documents = Late(FakeSource(Kind.STAC_API, pages(0, 1)))
    async with on(FakeSource(Kind.STAC_API, pages(2, 2)), tmp_path, then="Collection 1") as driver:
        driver.app.push_screen(DocumentScreen(TreeEntry(Entry(EntryKind.COLLECTION, "c")), documents))
        await driver.until("What came meanwhile")


# Static catalogs


def nested(parent: Entry | None, link: str | None) -> Page[Entry]:
    """List a catalog, in it a catalog, and so on; an item known by its link in each."""
    depth = int(parent.url.rpartition("/")[2]) if parent else 0
    below = Entry(EntryKind.CATALOG, "", f"Level {depth + 1}", f"https://h/{depth + 1}")
    leaf = Entry(EntryKind.ITEM, "", f"scene-{depth}.json", f"https://h/item/{depth}")
    return Page((below, leaf))


@pytest.mark.slow
async def test_catalogs_are_opened_to_any_depth(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STATIC, nested), tmp_path, (100, 30), then="Level 1") as driver:
        await driver.until(lambda: "static stac.example.org" in driver.screen().splitlines()[0])
        for depth in range(1, 30):
            await driver.press("j", "l", then=f"Level {depth + 1}")
        assert depth_of_cursor(driver) == 29
        for _ in range(29):
            await driver.press("h", "h")
        assert depth_of_cursor(driver) == 0


async def test_an_entry_known_by_its_link_takes_the_name_of_its_document(tmp_path: Path) -> None:
    documents = {"https://h/item/0": item("the-real-id")}
    async with on(FakeSource(Kind.STATIC, nested, dict(documents)), tmp_path, then="scene-0.json") as driver:
        await driver.press("j", "j")
        await driver.until(lambda: "the-real-id" in driver.screen().partition("▏")[0] + driver.screen())
        await driver.until(lambda: "scene-0.json" not in driver.screen())
        tree_of(driver).apply_filter("real-id")
        await driver.until(lambda: len(tree_of(driver).tree_model.rows) == 2)


async def test_a_document_that_cannot_be_read_says_why_in_its_place(tmp_path: Path) -> None:
    entry = Entry(EntryKind.CATALOG, "", "Broken", "https://h/broken", note="it is no JSON")
    mended: list[bool] = []

    def lister(parent: Entry | None, link: str | None) -> Page[Entry]:
        if parent is not None and not mended:
            raise ServerError("it is no JSON", hint="")
        return Page((entry,) if parent is None else (Entry(EntryKind.ITEM, "", "whole", "https://h/i"),))

    async with on(FakeSource(Kind.STATIC, lister), tmp_path, then="Broken  ! it is no JSON") as driver:
        await driver.press("j", "l", then="try again (enter)")
        mended.append(True)
        await driver.press("j", "enter", then="whole")


async def test_dates_of_items_known_by_links_come_as_they_are_looked_at(tmp_path: Path) -> None:
    urls = [f"https://h/{n}" for n in range(300)]
    documents = {url: item(f"id-{n}") for n, url in enumerate(urls)}
    top = Page((Entry(EntryKind.COLLECTION, "c", "", "https://h/c"),))
    links = Page(tuple(Entry(EntryKind.ITEM, "", f"scene-{n}", url) for n, url in enumerate(urls)))
    lister: Lister = lambda parent, _: links if parent else top  # noqa: E731
    source = FakeSource(Kind.STATIC, lister, {**documents, "https://h/c": collection("c")})
    async with on(source, tmp_path, then="Made up  1") as driver:
        await driver.press("j", "i", then="300 items")
        await driver.until(lambda: driver.screen().count("2020-02-03") > 15)
        assert len(source.fetched) < 60, "only those in sight"
        await driver.press("G", then="id-299")


# Many


MANY = Page(tuple(Entry(EntryKind.ITEM, f"i{n:06}", url=f"https://h/{n}") for n in range(100_000)))


async def drawn_for_j(driver: Driver, view: LineView) -> list[int]:
    """Return the lines that are drawn once the cursor goes down: two, whatever there is; note later ones."""
    drawn: list[int] = []
    draw = view.draw_line
    view.draw_line = lambda number, width: drawn.append(number) or draw(number, width)  # type: ignore[method-assign,func-returns-value]
    await driver.pilot.pause(0.2)
    while drawn:
        drawn.clear()
        await driver.pilot.pause(0.2)
    line = view.cursor_line
    await driver.press("j", then=lambda: sorted(set(drawn)) == [line, line + 1])
    return drawn


@pytest.mark.slow
@pytest.mark.usefixtures("painted")
@pytest.mark.parametrize("place", ["tree", "table"])
async def test_a_hundred_thousand_entries_cost_no_more_a_key_than_ten(tmp_path: Path, place: str) -> None:
    """What is drawn for a key is counted, not timed."""
    few = Page((Entry(EntryKind.COLLECTION, "holder"),))
    source = FakeSource(Kind.STAC_API, lambda parent, _: MANY if parent else few)
    async with on(source, tmp_path, then="holder") as driver:
        tree = tree_of(driver)
        if place == "tree":
            await driver.press("j", "l", then=lambda: tree.line_count == 100_002)
        else:
            await driver.press("j", "i", then="100,000 items")
        drawn = await drawn_for_j(driver, tree if place == "tree" else driver.app.screen.query_one(ItemTable))
        await driver.press("G", then="i099999")
        assert len(set(drawn)) < 60
        if place == "tree":
            await driver.press("slash")
            await driver.type("i09999", then="10 found, filtering the 100,001 loaded")


# The mouse, and those who hear the screen


async def test_a_click_on_the_arrow_opens_and_on_the_label_shows(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(2, 2)), tmp_path, then="Collection 1") as driver:
        tree = tree_of(driver)
        await driver.pilot.click(CatalogTree, Offset(3, 1))
        await driver.until("c00000-1")
        assert tree.cursor_line == 1
        await driver.pilot.click(CatalogTree, Offset(3, 1))
        await driver.until(lambda: "c00000-1" not in driver.screen())
        await driver.pilot.hover(CatalogTree, Offset(6, 2))
        assert tree.hover_line == 2
        await driver.pilot.click(CatalogTree, Offset(8, 1))
        await driver.until(DocumentScreen)


async def test_the_terminals_cursor_is_where_the_line_under_the_cursor_begins(tmp_path: Path) -> None:
    async with on(FakeSource(Kind.STAC_API, pages(50, 50)), tmp_path, then="Collection 9") as driver:
        await driver.press("j", "j", then=lambda: at_cursor(driver).startswith("Collection 1 "))
        await driver.press("G", then=lambda: at_cursor(driver).startswith("Collection 49"))


def at_cursor(driver: Driver) -> str:
    """Return what stands at the terminal's cursor."""
    at = driver.app.cursor_position
    return driver.screen().splitlines()[at.y][at.x :]

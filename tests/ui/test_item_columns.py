"""Columns of items: what the data has, sorted by any of them, remembered by the kind of source."""

from __future__ import annotations

import time
from typing import Any

from textual.app import ComposeResult
from textual.pilot import Pilot

from mlhub_tui.models import Entry, EntryKind, Item
from mlhub_tui.options import AppOptions
from mlhub_tui.sources.base import Page
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.items_screen import ColumnScreen
from mlhub_tui.ui.widgets.item_table import AssetTable, ItemTable

from .conftest import Driver, Stage, driven
from .drawing import screen_text
from .scenes import items as items_scene


def scene(name: str, **properties: Any) -> Entry:
    assets = {"a": {"href": "a.tif", "file:size": properties.pop("size", None)}}
    return Entry.of(Item({"id": name, "collection": "c", "properties": properties, "assets": assets}))


DAY = {"datetime": "2019-01-01T00:00:00Z"}
CLEAR = scene("clear", **DAY, **{"eo:cloud_cover": 3.2}, gsd=10, platform="sentinel-2a", size=9_000_000)
CLOUDY = scene("cloudy", **{"eo:cloud_cover": 71}, gsd=0.5, datetime="2020-02-01T00:00:00Z")
LABELS = scene("labels", **DAY, **{"label:classes": [{"classes": ["maize", "rice"]}]}, size=20_000)


class Shown(Stage):
    """A table by itself."""

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield ItemTable()


class ShownEmpty(Shown):
    """A table of assets that was given none yet."""

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield AssetTable()


async def filled(pilot: Pilot[None], *entries: Entry) -> ItemTable:
    table = pilot.app.query_one(ItemTable)
    await table.add_page(Page(entries))
    await pilot.pause()
    return table


async def test_a_table_is_drawn_before_it_was_given_anything_to_show() -> None:
    async with ShownEmpty().run_test(size=(110, 8)) as pilot:
        assert not screen_text(pilot.app).strip()


async def test_columns_show_what_the_items_have() -> None:
    async with Shown().run_test(size=(110, 8)) as pilot:
        await filled(pilot, CLEAR, CLOUDY, LABELS)
        header, *rows = (line.split() for line in screen_text(pilot.app).splitlines()[:4])
        assert header == ["Item", "Dates", "Cloud", "GSD", "Platform", "Classes", "Size", "Assets"]
        assert rows[0] == ["clear", "2019-01-01", "3", "%", "10", "m", "sentinel-2a", "9.0", "MB", "1"]
        assert rows[1] == ["cloudy", "2020-02-01", "71", "%", "0.5", "m", "1"]
        assert rows[2] == ["labels", "2019-01-01", "maize,", "rice", "20.0", "kB", "1"]


async def test_columns_go_from_the_right_where_there_is_no_room() -> None:
    async with Shown().run_test(size=(44, 8)) as pilot:
        await filled(pilot, CLEAR, CLOUDY, LABELS)
        header = screen_text(pilot.app).splitlines()[0].split()
        assert header[:3] == ["Item", "Dates", "Cloud"] and "Assets" not in header


async def test_items_are_sorted_by_a_column_and_more_of_them_join() -> None:
    async with Shown().run_test(size=(110, 8)) as pilot:
        table = await filled(pilot, CLOUDY, LABELS)
        table.sort_by("cloud")
        await table.add_page(Page((CLEAR,)))
        assert [entry.id for entry in table.shown] == ["clear", "cloudy", "labels"]
        table.sort_by("size")
        assert [entry.id for entry in table.shown] == ["labels", "clear", "cloudy"]
        table.sort_by("dates")
        assert next(entry.id for entry in table.shown) == "cloudy"
        assert table.current is not None and table.current.id == "cloudy", "the cursor stays on its item"
        table.sort_by("")
        assert [entry.id for entry in table.shown] == ["cloudy", "labels", "clear"]


async def test_items_of_which_only_links_are_known_come_behind_those_sorted_by_id() -> None:
    link = Entry(EntryKind.ITEM, title="a", url="https://x.test/a.json")
    async with Shown().run_test(size=(110, 8)) as pilot:
        table = await filled(pilot, link, LABELS, CLEAR)
        table.sort_by("id")
        assert [entry.id for entry in table.shown] == ["clear", "labels", ""]


async def test_an_item_of_which_only_a_link_was_known_stays_selected_when_its_document_comes() -> None:
    links = [Entry(EntryKind.ITEM, title=name, url=f"https://x.test/{name}.json") for name in "abc"]
    async with Shown().run_test(size=(80, 8)) as pilot:
        table = await filled(pilot, *links)
        table.toggle_mark()
        table.toggle_mark()
        for number, entry in enumerate(links):
            document = Item({"id": f"item {entry.title}", "collection": "c", "properties": DAY, "assets": {}})
            table.learn(number, entry, document)
        await pilot.pause()
        assert [line.split()[0] for line in screen_text(pilot.app).splitlines()[1:4]] == ["✓", "✓", "item"]
        table.go_to(links[0])
        assert table.current is not None and table.current.id == "item a"
        assert [entry.id for entry in table.marked.values()] == ["item a", "item b"]
        table.toggle_mark()
        assert [entry.id for entry in table.marked.values()] == ["item b"]


async def test_the_key_for_sorting_goes_through_the_columns_and_is_remembered(options: AppOptions) -> None:
    async with driven(options, (100, 30)) as driver:
        await items_scene(driver)
        await driver.press("z", then="Item ↓")
        await driver.press("z", then="Dates ↓")
        assert driver.app.memory.item_orders == {"mlhub": "dates"}
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, DocumentScreen))
        await driver.press("enter", then=DocumentScreen)
        await driver.press("i", then="Dates ↓")


async def test_columns_are_chosen_and_remembered_by_the_kind_of_source(options: AppOptions) -> None:
    async with driven(options, (120, 30)) as driver:
        await items_scene(driver)
        await driver.until("Platform")
        await driver.press("C", then=(ColumnScreen, "[x] Cloud"))
        await driver.press("down", "space", then="[ ] Cloud")
        await driver.press("escape", then=DocumentScreen)
        header = header_of(driver)
        assert "Dates" in header and "Cloud" not in header
    async with driven(options, (120, 30)) as driver:
        await items_scene(driver)
        await driver.until("Platform")
        assert "Cloud" not in header_of(driver)
        assert driver.app.memory.hidden_columns == {"mlhub": "cloud"}


def header_of(driver: Driver) -> str:
    """Return the line that names the columns of items."""
    return next(line for line in driver.screen().splitlines() if "Item " in line and "Dates" in line)


async def test_a_hundred_thousand_items_are_sorted_without_holding_up_a_key() -> None:
    entries = [
        scene(f"s{n:06}", **{"eo:cloud_cover": n * 7919 % 101}, datetime=f"20{n % 20:02}-01-01T00:00:00Z")
        for n in range(1000)
    ]
    async with Shown().run_test(size=(110, 20)) as pilot:
        table = await filled(pilot, *entries)
        table.rows *= 100
        await table.add_page(Page((CLEAR,)))
        assert table.line_count == 100_001
        longest = 0.0
        for order in table.orders:
            began = time.thread_time()
            table.sort_by(order)
            longest = max(longest, time.thread_time() - began)
            table.sort_by("")
        began = time.thread_time()
        table.hide(["cloud"])
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.5, f"{longest:.3f} s of CPU; about 0.02 s where nothing else is at work"

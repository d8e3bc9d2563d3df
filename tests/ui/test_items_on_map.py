"""A table of items and the map of them: the map follows the cursor, a range of dates narrows the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.models import BBox, Search
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.search_dialog import SearchForm
from mlhub_tui.ui.map.footprint_map import FootprintMap
from mlhub_tui.ui.map.map_pane import BrowseMap, MapPane
from mlhub_tui.ui.map.time_histogram import TimeHistogram
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.results import ResultsScreen
from mlhub_tui.ui.widgets.item_table import ItemTable

from .conftest import Driver, driven
from .preview.catalogs import catalog, item

WIDE = (140, 44)


def places(folder: Path) -> Path:
    """Write a collection of six items in a row, a month each."""
    items = []
    for at in range(6):
        one: dict[str, Any] = item(f"place{at}", {}, datetime=f"2020-0{at + 1}-15T00:00:00Z")
        west = 34.0 + at
        ring = [[west, 0], [west + 0.5, 0], [west + 0.5, 0.5], [west, 0.5], [west, 0]]
        one["geometry"] = {"type": "Polygon", "coordinates": [ring]}
        one["bbox"] = [west, 0, west + 0.5, 0.5]
        items.append(one)
    extent = {
        "spatial": {"bbox": [[34, 0, 40, 1]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    }
    return catalog(folder, items, extent=extent)


def current(chart: FootprintMap) -> int | None:
    """Return the number of the place that is the current one: their order is that of the answers."""
    return None if chart.current is None else int(chart.footprints[chart.current].box[0] - 34.0)


@pytest.fixture
def options(tmp_path: Path) -> AppOptions:
    return AppOptions(source=str(places(tmp_path / "places")), output_dir=tmp_path / "out")


async def opened(driver: Driver, key: str) -> tuple[ItemTable, MapPane]:
    """Open the items, or the map, of the collection, all of them known."""
    await driver.until("▸ chips")
    await driver.press("j", key, then=DocumentScreen)
    screen = driver.app.screen
    table, pane = screen.query_one(ItemTable), screen.query_one(MapPane)
    if key == "m":
        await driver.press("i")
    await driver.until(lambda: pane.status == "6 footprints")
    if key == "m":
        await driver.press("m")
    return table, pane


@pytest.mark.parametrize("size", [(80, 24), WIDE])
async def test_a_map_opens_on_all_it_shows_as_its_items_come_and_close_enough(
    options: AppOptions, size: tuple[int, int]
) -> None:
    async with driven(options, size) as driver:
        _, pane = await opened(driver, "i")
        await driver.press("m", then=("6 footprints", lambda: pane.query_one(FootprintMap).view is not None))
        opened_so = driver.screen()
        await driver.press("home", then=lambda: driver.screen() == opened_so)
        await driver.press("plus", then=lambda: driver.screen() != opened_so)
        await driver.pilot.resize_terminal(size[0] + 2, size[1])
        await driver.press("home")
        await driver.pilot.resize_terminal(*size)
        await driver.until(lambda: driver.screen() == opened_so)


async def choose_months(driver: Driver, *keys: str) -> None:
    """Go to the histogram and choose a range on it."""
    await driver.press("t", then=lambda: driver.app.screen.query_one(TimeHistogram).has_focus)
    await driver.press(*keys)


async def test_a_range_of_dates_narrows_the_table_until_escape(options: AppOptions) -> None:
    async with driven(options) as driver:
        table, pane = await opened(driver, "m")
        dates = pane.query_one(TimeHistogram)
        await choose_months(driver)
        assert dates.bins is not None
        march = next(
            n for n in range(len(dates.bins.counts)) if dates.bins.start(n).isoformat() == "2020-03-01"
        )
        await driver.press(*["l"] * march, "b", "l", "enter")
        await driver.until("2 footprints of 6", "[Mar to Apr 2020, esc]", "enter searches there")
        assert [entry.label for entry in table.shown] == ["place2", "place3"]
        await driver.press("i", then=("place2", "place3", "[Mar to Apr 2020, esc]", "2 match, 6 items"))
        await driver.press("s", then=("2020-03/2020-04", "2020-03-01 to 2020-04-30"))
        await driver.press("escape")
        await driver.over()
        assert "place1" not in driver.screen()
        await driver.press("escape", then=("place1", "place5", lambda: not table.narrowed))
        assert not pane.when and dates.range is None
        assert isinstance(driver.app.screen, DocumentScreen)
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, DocumentScreen))


async def test_the_chosen_dates_go_into_a_search(options: AppOptions) -> None:
    async with driven(options) as driver:
        await opened(driver, "m")
        await choose_months(driver, "b", "l", "enter")
        await driver.until("enter searches there")
        await driver.press("enter", then=(SearchForm, "2020-01-01 to 2020-02-29"))


async def test_beside_the_items_the_map_follows_the_cursor(options: AppOptions) -> None:
    async with driven(options, WIDE) as driver:
        table, pane = await opened(driver, "i")
        chart = pane.query_one(FootprintMap)
        await driver.until(lambda: chart.region.height > 8 and len(table.rows) == 6 and table.has_focus)
        await driver.press("j", "j", then=lambda: current(chart) == 2 and "place2, " in driver.screen())
        await driver.press("k", then=lambda: current(chart) == 1)


async def test_beside_the_tree_an_item_stands_among_those_around_it(options: AppOptions) -> None:
    async with driven(options, WIDE, then="▸ chips") as driver:
        await driver.press("j", "l", then="place5")
        for _ in range(3):
            await driver.press("j", then="Collection chips")
        chart = driver.app.screen.query_one(BrowseMap)
        await driver.until(lambda: chart.current is not None and len(chart.footprints) >= 1)
        await driver.press("k", then=lambda: len(chart.footprints) >= 2 and current(chart) == 1)
        assert not chart.boxes
        await driver.press("h", then=lambda: chart.boxes == (BBox(34, 0, 40, 1),) and not chart.footprints)


async def searched(driver: Driver) -> tuple[ItemTable, MapPane]:
    await driver.until("▸ chips")
    connection = driver.app.connection
    assert connection is not None
    driver.app.push_screen(ResultsScreen(connection.source, Search(bbox=BBox(30, -5, 45, 5))))
    await driver.until("place5")
    return driver.app.screen.query_one(ItemTable), driver.app.screen.query_one(MapPane)


async def test_results_are_shown_on_a_map_in_place_of_the_table(options: AppOptions) -> None:
    async with driven(options) as driver:
        table, pane = await searched(driver)
        await driver.press("j", "m")
        chart = pane.query_one(FootprintMap)
        await driver.until("place1, ", lambda: chart.has_focus and not table.display)
        assert len(chart.footprints) == 6 and chart.boxes == (BBox(30, -5, 45, 5),)
        await driver.press("n", "n", "m", then=lambda: table.display and table.cursor_line == 3)
        await driver.press("m", "escape", then=(lambda: table.has_focus, "place0"))
        assert isinstance(driver.app.screen, ResultsScreen)


async def test_results_beside_their_map_are_narrowed_by_dates_and_by_a_box(options: AppOptions) -> None:
    async with driven(options, WIDE) as driver:
        table, pane = await searched(driver)
        await driver.press("m", "j", "j", then=lambda: current(pane.query_one(FootprintMap)) == 2)
        await driver.press("m")
        await choose_months(driver, "b", "l", "enter")
        await driver.until("2 match", lambda: table.line_count == 2)
        await driver.press("escape", then=lambda: table.line_count == 6)
        await driver.press("t", "b", "enter", then=SearchForm)


async def test_items_whose_dates_are_not_known_stay_until_they_are(tmp_path: Path) -> None:
    table = ItemTable()
    from mlhub_tui.models import Entry, EntryKind, Item
    from mlhub_tui.sources.base import Page
    from mlhub_tui.ui.widgets.table_rows import ItemRow

    entries = [Entry(EntryKind.ITEM, f"i{n}") for n in range(5)]
    written = ["2020-01-31", "2020-02-01 to 2020-03-05", "open to 2020-01-15", "", "2020-03-01 to open"]
    table.rows = [ItemRow(entry, dates) for entry, dates in zip(entries, written, strict=True)]
    table.post_message = lambda *_: True  # type: ignore[method-assign]
    table.set_timer = lambda *_: None  # type: ignore[assignment, method-assign]
    await table.add_page(Page(()))
    table.apply_dates("2020-02", "Feb 2020")
    assert [entry.id for entry in table.shown] == ["i1", "i3"]
    table.learn(3, entries[3], Item(item("i3", {}, datetime="2019-01-01T00:00:00Z")))
    assert [entry.id for entry in table.shown] == ["i1"]
    table.apply_dates("", "")
    assert table.line_count == 5

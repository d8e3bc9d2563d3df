"""The map and the histogram under Pilot: keys, messages, bytes; and where the screens show them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from random import Random

import pytest
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from mlhub_tui.models import BBox, Interval
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.search_dialog import BoxScreen, SearchForm
from mlhub_tui.ui.map.canvas import Footprint
from mlhub_tui.ui.map.footprint_map import FootprintMap
from mlhub_tui.ui.map.map_pane import MapPane
from mlhub_tui.ui.map.time_histogram import TimeHistogram
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.theme import DARK

from .conftest import Driver, Stage, driven
from .test_browse import find, finding

KENYA = BBox(33.9, -4.7, 41.9, 5.5)


class Shown(Stage):
    """The two widgets, with the messages they post."""

    CSS = "FootprintMap { height: 16; } TimeHistogram { height: 5; }"

    def __init__(self, ascii_only: bool = False) -> None:
        super().__init__()
        self.news: list[Message] = []
        self.draws_ascii = ascii_only
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield FootprintMap()
        yield TimeHistogram()

    @on(FootprintMap.Moved)
    @on(FootprintMap.Opened)
    @on(FootprintMap.BoxChosen)
    @on(FootprintMap.BoxLeft)
    @on(TimeHistogram.RangeChosen)
    def hear(self, message: Message) -> None:
        self.news.append(message)


@asynccontextmanager
async def staged(ascii_only: bool = False) -> AsyncIterator[tuple[Shown, FootprintMap, Pilot[None]]]:
    app = Shown(ascii_only)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        chart = app.query_one(FootprintMap)
        chart.focus()
        await pilot.pause()
        yield app, chart, pilot


def some(number: int, box: BBox = KENYA) -> list[Footprint]:
    random = Random(1)
    places = (
        (random.uniform(box.west, box.east), random.uniform(box.south, box.north)) for _ in range(number)
    )
    return [Footprint((x, y, x + 0.3, y + 0.2)) for x, y in places]


def text(chart: FootprintMap) -> str:
    return "\n".join(chart.render_line(y).text for y in range(chart.size.height))


async def test_keys_move_the_map_and_look_closer() -> None:
    async with staged() as (_, chart, pilot):
        chart.show([KENYA])
        start = chart.view
        assert start is not None
        await pilot.press("l", "k")
        moved = chart.view
        assert moved is not None and moved.longitude > start.longitude and moved.latitude > start.latitude
        await pilot.press("plus")
        assert chart.view is not None and chart.view.scale == pytest.approx(2 * start.scale)
        await pilot.press("0")
        assert chart.view is not None and chart.view.east - chart.view.west == 360
        await pilot.press("home")
        assert chart.view is not None and chart.view.longitude == pytest.approx(37.9)


async def test_the_globe_ends_at_the_poles_and_goes_on_over_the_antimeridian() -> None:
    async with staged() as (_, chart, pilot):
        chart.show([])
        await pilot.press("plus", "plus", *["k"] * 40)
        assert chart.view is not None and chart.view.north == pytest.approx(90)
        for _step in range(60):
            await pilot.press("l")
            assert -180 <= chart.view.longitude < 180


async def test_footprints_are_gone_through_and_opened() -> None:
    async with staged() as (app, chart, pilot):
        chart.show([KENYA], some(5))
        await pilot.press("n", "n", "N", "N", "enter")
        await pilot.pause()
        assert [news.index for news in app.news] == [0, 1, 0, 4, 4]  # type: ignore[attr-defined]
        assert isinstance(app.news[-1], FootprintMap.Opened)
        assert "Tanzania" in text(chart).splitlines()[-1]


async def test_without_footprints_keys_for_them_are_left_to_the_screen() -> None:
    async with staged() as (_, chart, _pilot):
        chart.show([KENYA])
        assert not chart.check_action("step", ())
        assert not chart.check_action("take", ())
        assert not chart.check_action("corner", ())


async def test_a_box_is_chosen_by_its_corners() -> None:
    async with staged() as (app, chart, pilot):
        chart.show([KENYA])
        chart.choose_box(KENYA)
        await pilot.press("right", "down", "space", "left", "up", "enter")
        await pilot.pause()
        (news,) = app.news
        assert isinstance(news, FootprintMap.BoxChosen)
        box = news.box
        assert box.west < 33.9 and box.south < -4.7 and box.east > 41.9 and box.north > 5.5
        assert not chart.choosing
        await pilot.press("b", "escape")
        await pilot.pause()
        assert isinstance(app.news[-1], FootprintMap.BoxLeft)


async def test_a_box_may_cross_the_antimeridian() -> None:
    async with staged() as (app, chart, pilot):
        chart.show([BBox(170, -20, -175, -10)])
        chart.choose_box(BBox(170, -20, 178, -10))
        await pilot.press(*["right"] * 20, "enter")
        await pilot.pause()
        (news,) = app.news
        assert isinstance(news, FootprintMap.BoxChosen)
        assert news.box.west == 170 and -180 < news.box.east < 170


AFRICA = BBox(-17, -35, 51, 37)


async def test_footprints_all_over_a_continent_are_drawn() -> None:
    async with staged() as (_, chart, _pilot):
        chart.show([AFRICA], some(150, AFRICA))
        assert set("⠛⣤⣿o8") & set(text(chart))


async def test_in_ascii_nothing_else_is_drawn() -> None:
    async with staged(ascii_only=True) as (app, chart, pilot):
        chart.show([KENYA], some(20))
        await pilot.press("n", "b")
        assert text(chart).isascii()
        dates = app.query_one(TimeHistogram)
        dates.show({date(2018, 4, 1): 3, date(2018, 9, 1): 1})
        assert all(dates.render_line(y).text.isascii() for y in range(5))


async def test_a_range_of_time_is_chosen_by_its_ends() -> None:
    async with staged() as (app, _chart, pilot):
        dates = app.query_one(TimeHistogram)
        dates.show({date(2018, 4, 2): 3, date(2019, 9, 1): 1}, Interval("2018-01-01", "2019-12-31"))
        dates.focus()
        await pilot.press("l", "l", "l", "b", "l", "enter")
        await pilot.pause()
        (news,) = app.news
        assert isinstance(news, TimeHistogram.RangeChosen)
        assert (news.when, news.words) == ("2018-04-01/2018-05-31", "Apr to May 2018")
        dates.add({date(2024, 1, 1): 5})
        assert dates.range is not None and dates.bins is not None
        assert dates.bins.start(dates.range[0]) <= date(2018, 4, 1)
        # Once it is taken, `b` begins the next one.
        dates.action_take()
        await pilot.press("b")
        assert dates.range == (dates.cursor, dates.cursor) and "enter shows these" in dates.words


# On the screens


async def opened(driver: Driver) -> MapPane:
    """Open the map of a collection with items."""
    await find(driver, "kenya_02_s")
    await driver.press("m", then=(DocumentScreen, "footprints"))
    return driver.app.screen.query_one(MapPane)


async def test_a_collection_shows_its_items_on_the_map_with_their_dates(options: AppOptions) -> None:
    async with driven(options) as driver:
        pane = await opened(driver)
        await driver.until("30 items loaded", "Kenya")
        chart = pane.query_one(FootprintMap)
        assert len(chart.footprints) == 30
        assert chart.has_focus
        await driver.press("N", then=lambda: len(chart.footprints) == 52)
        await driver.press("t", "t", then=lambda: chart.has_focus)
        await driver.press("enter", then="Bands")


async def test_a_box_on_the_map_begins_a_search(options: AppOptions) -> None:
    async with driven(options) as driver:
        await opened(driver)
        await driver.press("b", "enter", then=(SearchForm, "ref_african_crops_kenya_02_source", "°E"))


async def test_the_form_of_a_search_takes_its_box_from_a_map(options: AppOptions) -> None:
    async with finding(options, "kenya_02_s") as driver:
        await driver.press("s", then=SearchForm)
        form = driver.app.screen
        await driver.until(lambda: form.query_one("#bbox", Input).region)
        for typed in ("", "34,0,35,1"):
            form.query_one("#bbox", Input).value = typed
            form.query_one("#map").focus()
            await driver.press("enter", then=BoxScreen)
            await driver.until(lambda: driver.app.screen.query_one(FootprintMap).view is not None)
            await driver.press(*([] if typed else ["b"]), "right", "enter")
            await driver.until(lambda: driver.app.screen is form)
            assert form.query_one("#bbox", Input).value not in ("", typed)
        form.query_one("#map").focus()
        await driver.press("enter", then=BoxScreen)
        await driver.press("escape", "escape", then=lambda: driver.app.screen is form)


@pytest.mark.slow
async def test_a_wide_terminal_has_the_map_beside_the_tree(options: AppOptions) -> None:
    async with driven(options, (140, 40)) as driver:
        await find(driver, "kenya_02_s", then=lambda: bool(driver.app.screen.query(FootprintMap)))
        chart = driver.app.screen.query_one(FootprintMap)
        await driver.until(lambda: bool(chart.boxes))
        await driver.press("m")
        assert chart.has_focus
        await driver.press("m", then="30 items loaded")
        await driver.press("escape", "escape")
        assert driver.app.focused is not chart
        await driver.pilot.resize_terminal(80, 24)
        await driver.pilot.pause()
        await driver.until(lambda: not chart.region)
        await driver.press("m", then=DocumentScreen)

"""Searching in the app: the form, its checks as one types, the results page by page, saved searches."""

from __future__ import annotations

import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from textual.widgets import Input, Static

from mlhub_tui.auth import Kind
from mlhub_tui.models import BBox, Item, Search
from mlhub_tui.models.search import parse_when
from mlhub_tui.options import AppOptions
from mlhub_tui.sources.base import About, Page
from mlhub_tui.sources.saved_searches import SavedSearches
from mlhub_tui.ui.dialogs.search_dialog import SearchForm
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.results import ResultsScreen
from mlhub_tui.ui.search_criteria import fault, quoted, read, words_of, written
from mlhub_tui.ui.terminal.driver import BracketedPaste
from mlhub_tui.ui.widgets.form import TextButton

from ..sources.static.grow import forest, plant
from .conftest import Driver, Sizes, driven
from .fake_source import FakeSource
from .hostile import nasty
from .safety import drawn
from .stac_service import CORE, FEATURES, Service
from .test_any_source import item, on, pages
from .test_browse import finding


@asynccontextmanager
async def at(service: Service, folder: Path, size: Sizes = (80, 24)) -> AsyncIterator[Driver]:
    """Run the app on an API, the cursor on its collection."""
    with service.server:
        async with driven(AppOptions(source=service.root, output_dir=folder), size) as driver:
            await driver.until("▸ Scenes")
            await driver.press("j")
            yield driver


async def ask(driver: Driver) -> SearchForm:
    """Open the form."""
    await driver.press("s", then=SearchForm)
    form = driver.app.screen
    assert isinstance(form, SearchForm)
    words = form.query_one("#said", Static)
    await driver.until(lambda: "requesting" not in str(words.content))
    return form


def field(form: SearchForm, name: str) -> Input:
    """Return a field of the form."""
    return form.query_one(f"#{name}", Input)


async def put(driver: Driver, form: SearchForm, **values: str) -> None:
    """Fill in fields, as a paste does."""
    for name, value in values.items():
        field(form, name).value = value
    await driver.pilot.pause()


def results(driver: Driver) -> ResultsScreen:
    """Return the results in front."""
    assert isinstance(driver.app.screen, ResultsScreen)
    return driver.app.screen


async def find_all(driver: Driver) -> ResultsScreen:
    """Search for all items of the collection."""
    await ask(driver)
    await driver.press("ctrl+s")
    await driver.until(lambda: isinstance(driver.app.screen, ResultsScreen) and results(driver).table.rows)
    return results(driver)


@asynccontextmanager
async def found_all(
    service: Service, folder: Path, size: Sizes = (80, 24)
) -> AsyncIterator[tuple[Driver, ResultsScreen]]:
    """Run the app on an API, the results of a search for all of its items in front."""
    async with at(service, folder, size) as driver:
        yield driver, await find_all(driver)


def ids(screen: ResultsScreen) -> list[str]:
    """Return the ids that are loaded."""
    return [row.entry.id for row in screen.table.rows]


# What is typed


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("bbox", "33.9 -0.4", "2 numbers"),
        ("bbox", "1,50,2,40", "south (50) above its north"),
        ("bbox", "0,91,1,92", "beyond 90"),
        ("datetime", "2018-13", "no date"),
        ("datetime", "2019/2018", "ends before"),
        ("filter", "a = 'b", "quote"),
        ("filter", "(a = 1", "not closed"),
        ("filter", "a = 1)", "not opened"),
        ("sort", "-", "names no field"),
        ("limit", "0", "1 or more"),
        ("limit", "many", "1 or more"),
        ("ids", "x" * 10_001, "too long"),
    ],
)
def test_what_cannot_be_meant_is_said_where_it_is_typed(name: str, typed: str, words: str) -> None:
    reading = read(name, typed)
    assert reading.bad and words in reading.words


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("bbox", "[33.9, -0.4, 0, 35.2, 0.9, 100]", BBox(33.9, -0.4, 35.2, 0.9)),
        ("datetime", "2018-04", "2018-04-01T00:00:00Z/2018-04-30T23:59:59.999Z"),
        ("datetime", "2018/..", "2018-01-01T00:00:00Z/.."),
        ("ids", "a, b,,a", ("a", "b")),
        ("sort", "-datetime, eo:cloud_cover", ("-datetime", "eo:cloud_cover")),
        ("limit", "1,000", 1000),
        ("text", "  two   words ", "two words"),
        ("filter", "a = 'it''s (' AND \"b)\" = 1", "a = 'it''s (' AND \"b)\" = 1"),
    ],
)
def test_what_people_type_is_understood(name: str, typed: str, value: object) -> None:
    assert read(name, typed).value == value and not read(name, typed).bad


def test_a_search_is_written_into_the_form_as_it_was() -> None:
    search = Search(
        ("c",), ("a", "b"), BBox(-10.5, -1, 20, 3), None, "2018-01-01T00:00:00Z/..", "w", "x = 1", ("-d",), 5
    )
    typed = written(search)
    assert {name: read(name, text).value for name, text in typed.items()} == {
        "collections": ("c",),
        "ids": ("a", "b"),
        "bbox": search.bbox,
        "datetime": search.datetime,
        "text": "w",
        "filter": "x = 1",
        "sort": ("-d",),
        "limit": 5,
    }
    assert "in c; 2018-01-01 to open; 2 ids; box -10.5,-1,20,3" in words_of(search)


@pytest.mark.parametrize(
    "when",
    [
        *("2018", "2018-04", "2018-04-25", "2018/2019", "2018-04/2018-06", "2018-04-25/2018-05-03"),
        *("2018/..", "../2018-06", "2018-04-25/.."),
    ],
)
def test_whole_days_stand_in_the_form_in_their_short_form(when: str) -> None:
    assert written(Search(datetime=parse_when(when))) == {"datetime": when}


@pytest.mark.parametrize(
    "when", ["2018-04-25T10:00:00Z", "2018-04-25T10:00:00Z/..", "2018-04-25T00:00:00Z/2018-04-26T10:00:00Z"]
)
def test_parts_of_days_stand_in_the_form_as_they_are(when: str) -> None:
    assert written(Search(datetime=when)) == {"datetime": when}


def test_ids_of_collections_give_way_to_the_rest_of_a_search() -> None:
    search = Search(("ref_african_crops_kenya_02_source",), datetime=parse_when("2018-04/2018-06"))
    assert words_of(search) == "in ref_african_crops_kenya_02_source; 2018-04-01 to 2018-06-30"
    assert words_of(search, 80) == words_of(search)
    short = words_of(search, 50)
    assert len(short) == 50
    assert short.startswith("in ref_afr") and short.endswith("_source; 2018-04-01 to 2018-06-30")
    assert words_of(replace(search, collections=("a" * 30, "b" * 30)), 50) == (
        "in 2 collections; 2018-04-01 to 2018-06-30"
    )


def test_names_are_quoted_as_cql2_wants_them() -> None:
    assert [quoted(n) for n in ("eo:cloud_cover", "platform", "1a", 'a"b')] == [
        '"eo:cloud_cover"',
        "platform",
        '"1a"',
        '"a""b"',
    ]
    assert not fault("((a = '(') OR b > 1)")


# The form


async def test_the_form_asks_the_api_for_all_that_was_typed(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        form = await ask(driver)
        assert field(form, "collections").value == "scenes", "the collection under the cursor"
        await put(
            driver,
            form,
            bbox="33,-1,35,1",
            datetime="2020-01",
            ids="scene-00001, scene-00002",
            filter='"eo:cloud_cover" < 10',
            sort="-datetime",
            limit="7",
        )
        await driver.until("2020-01-01 to 2020-01-31")
        await driver.press("ctrl+s", then="of 250")
        asked = service.server.requests[-1]
        assert asked.query["filter"] == ['"eo:cloud_cover" < 10'], "by GET, as servers take text there"
        assert asked.query["collections"] == ["scenes"] and asked.query["bbox"] == ["33,-1,35,1"]
        assert asked.query["datetime"] == ["2020-01-01T00:00:00Z/2020-01-31T23:59:59.999Z"]
        assert asked.query["ids"] == ["scene-00001,scene-00002"] and asked.query["limit"] == ["7"]
        assert asked.query["sortby"] == ["-properties.datetime"]


@pytest.mark.parametrize(
    ("pasted", "typed"),
    [
        ("S2A_1\rS2A_2\rS2A_3\r", "S2A_1, S2A_2, S2A_3"),
        ("S2A_1,\r\n  S2A_2,\r\n", "S2A_1, S2A_2"),
        ("S2A_1\n\nS2A_2", "S2A_1, S2A_2"),
        ("S2A_1, S2A_2", "S2A_1, S2A_2"),
    ],
)
async def test_a_column_of_ids_that_is_pasted_is_a_list_of_them(
    pasted: str, typed: str, tmp_path: Path
) -> None:
    (event,) = BracketedPaste().take(f"{BracketedPaste.START}{pasted}{BracketedPaste.END}")
    async with at(Service(), tmp_path) as driver:
        form = await ask(driver)
        field(form, "ids").focus()
        driver.app.post_message(cast("Any", event))
        await driver.until(lambda: field(form, "ids").value == typed)


async def test_lines_that_are_pasted_elsewhere_stay_apart(tmp_path: Path) -> None:
    (event,) = BracketedPaste().take("\x1b[200~gsd < 1\rAND gsd > 0\x1b[201~")
    async with at(Service(), tmp_path) as driver:
        form = await ask(driver)
        field(form, "filter").focus()
        driver.app.post_message(cast("Any", event))
        await driver.until(lambda: field(form, "filter").value == "gsd < 1 AND gsd > 0")


async def test_a_fault_keeps_the_search_from_running_and_leads_to_its_field(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        form = await ask(driver)
        field(form, "bbox").focus()
        await driver.press(*"15", "comma", "2", then="! the box")
        await driver.press("ctrl+s", then="look at Box")
        assert form.focused is field(form, "bbox") and driver.app.screen is form
        assert not service.searches
        await put(driver, form, bbox="1,2,3,4")
        await driver.until("1.00°E to 3.00°E")


async def test_what_the_api_does_not_offer_is_closed_and_says_why(tmp_path: Path) -> None:
    async with at(Service(conforms=(*CORE, FEATURES)), tmp_path, (60, 15)) as driver:
        form = await ask(driver)
        open_ones = {
            name for name in ("text", "bbox", "filter", "sort", "limit") if not field(form, name).disabled
        }
        assert open_ones == {"bbox", "limit"}
        assert form.query_one("#names", TextButton).disabled
        assert form.focused is not None and not form.focused.disabled
        await driver.press(*["down"] * 5, then="does not say that it can sort")


async def test_names_for_a_filter_are_offered_from_the_source(tmp_path: Path) -> None:
    names = {f"made:up_{n}": {"type": "string"} for n in range(300)}
    service = Service(
        names={**names, "eo:cloud_cover": {"type": "number", "minimum": 0, "maximum": 100}, nasty("x"): {}}
    )
    async with at(service, tmp_path) as driver:
        form = await ask(driver)
        form.query_one("#names", TextButton).focus()
        await driver.press("enter", then="301 names")
        drawn(driver.app)
        await driver.type("cloud", then="0 to 100")
        await driver.press("enter", then=lambda: field(form, "filter").value == '"eo:cloud_cover"')
        assert form.focused is field(form, "filter")


async def test_the_extent_of_the_collection_fills_the_box(tmp_path: Path) -> None:
    async with at(Service(), tmp_path) as driver:
        form = await ask(driver)
        form.query_one("#extent", TextButton).focus()
        await driver.press("enter", then=lambda: field(form, "bbox").value == "33.5,-1,35,1.25")


async def test_a_file_is_the_area_and_a_box_beside_it_is_refused(tmp_path: Path) -> None:
    area = tmp_path / "area.geojson"
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    service = Service()
    async with at(service, tmp_path) as driver:
        form = await ask(driver)
        await put(driver, form, intersects=str(tmp_path / "nothing.geojson"))
        await driver.until("cannot be read")
        await put(driver, form, intersects=str(area), bbox="0,0,1,1")
        await driver.until("a box or a file, not both")
        await put(driver, form, bbox="")
        await driver.until("Polygon of ")
        await driver.press("ctrl+s", then="of 250")
        assert service.searches[0]["intersects"]["coordinates"] == [ring]


async def test_collections_are_picked_from_the_list_of_the_source(options: AppOptions) -> None:
    name = "ref_african_crops_kenya_02_source"
    async with driven(options, then="BigEarthNet") as driver:
        form = await ask(driver)
        for before, after, typed in (("[ ]", "[x]", name), ("[x]", "[ ]", "")):
            form.query_one("#list", TextButton).action_press()
            await driver.until("148 collections", lambda: driver.app.screen is not form)
            await driver.type("kenya_02_s")
            await driver.until(f"{before} {name}", lambda: "african_crops_uganda" not in driver.screen())
            await driver.press("enter", then=f"{after} {name}")
            await driver.press("escape", then=lambda: driver.app.screen is form)
            assert field(form, "collections").value == typed


async def test_catalogs_are_picked_by_name_in_static_folders(tmp_path: Path) -> None:
    plant(tmp_path / "plain", forest(2, 4))
    async with driven(AppOptions(source=str(tmp_path / "plain"), output_dir=tmp_path)) as driver:
        await driver.until("▸ Regions  regions")
        form = await ask(driver)
        form.query_one("#list", TextButton).action_press()
        await driver.until("[ ] ", lambda: "loading" not in driver.screen())
        await driver.press("enter", then="[x] ")
        await driver.press("escape")
        await driver.until(lambda: driver.app.screen is form, lambda: field(form, "collections").value)
        field(form, "datetime").value = "2018-13"
        await driver.until("no date")
        field(form, "datetime").value = ""
        await driver.until(lambda: "no date" not in driver.screen())
        await driver.press("ctrl+s")
        await driver.until(
            lambda: isinstance(driver.app.screen, ResultsScreen) and results(driver).table.rows
        )


async def test_mlhub_is_searched_in_its_collections_on_this_side(options: AppOptions) -> None:
    async with finding(options, "kenya_02_s", then="Source imagery") as driver:
        form = await ask(driver)
        assert field(form, "filter").disabled and not field(form, "text").disabled
        await put(driver, form, collections="")
        await driver.until("searched in its collections")
        await put(driver, form, collections="ref_african_crops_kenya_02_source", datetime="2019-06")
        await driver.press("ctrl+s", then="of 52 checked")
        assert all("201906" in identity for identity in ids(results(driver)))


async def test_a_static_folder_is_searched_whole(tmp_path: Path) -> None:
    plant(tmp_path / "catalog", forest(2, 30))
    async with driven(AppOptions(source=str(tmp_path / "catalog"), output_dir=tmp_path)) as driver:
        await driver.until("regions")
        form = await ask(driver)
        await put(driver, form, collections="", ids="c0-0003, c1-0007")
        await driver.press("ctrl+s", then="2 items")
        assert ids(results(driver)) == ["c0-0003", "c1-0007"]
        await driver.press("enter", then=(DocumentScreen, "c0-0003"))


# The results


async def test_pages_come_as_the_cursor_nears_the_end(tmp_path: Path) -> None:
    service = Service()
    async with found_all(service, tmp_path) as (driver, screen):
        await driver.until("100 of 250")
        assert len(service.searches) == 1
        await driver.press("G", then="200 of 250")
        await driver.press("G", then="250 items")
        assert ids(screen) == [f"scene-{number:05}" for number in range(250)]
        await driver.press("g", "enter", then=(DocumentScreen, "scene-00000"))
        await driver.press("escape")
        assert results(driver) is screen
        await driver.press("escape", then="Made up")


async def test_a_page_that_failed_is_asked_for_alone(tmp_path: Path) -> None:
    service = Service(failing={"100"})
    async with found_all(service, tmp_path) as (driver, screen):
        await driver.press("G", then=("page 2 did not come", "r retries"))
        before = len(service.searches)
        await driver.press("k", "G", "j")
        assert len(service.searches) == before, "only r asks again"
        service.failing.clear()
        await driver.press("r", then="200 of 250")
        assert [body.get("token") for body in service.searches[before:]] == ["100"]
        await driver.until(lambda: "did not come" not in driver.screen())
        assert len(set(ids(screen))) == 200


async def test_the_reason_why_a_listing_stopped_is_shown(tmp_path: Path) -> None:
    async with found_all(Service(repeating=True), tmp_path) as (driver, _):
        await driver.press("G", then=("The listing stopped", "leads back", "200 of 250"))


async def test_the_filter_says_what_it_looks_at(tmp_path: Path) -> None:
    async with found_all(Service(), tmp_path) as (driver, screen):
        await driver.press("slash")
        await driver.type("scene-0009", then="10 of the 100 loaded of 250")
        await driver.press("enter", then="10 match, filtering the 100 loaded of 250")
        await driver.press("G", "j", then="filtering the 200 loaded of 250")
        assert screen.table.line_count == 10
        assert screen.table.current is not None and screen.table.current.id == "scene-00099"
        await driver.press("escape", then="200 of 250")
        assert screen.table.current is not None and screen.table.current.id == "scene-00099"


async def test_esc_stops_a_search_that_hangs_and_r_goes_on(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        service.gate.clear()
        await ask(driver)
        await driver.press("ctrl+s", then="esc stops")
        await driver.press("escape", then="stopped, r continues")
        service.gate.set()
        await driver.press("r", then="100 of 250")
        await driver.press("escape", then="Made up")


async def test_results_without_items_name_only_the_keys_that_change_the_search(tmp_path: Path) -> None:
    async with at(Service(number=0), tmp_path) as driver:
        await ask(driver)
        await driver.press("ctrl+s", then=("Nothing was found.", "0 items"))
        footer = driver.screen().splitlines()[-1]
        assert "s change" in footer and "r again" in footer
        assert not [
            hint for hint in ("enter open", "download", "export", "select", "filter") if hint in footer
        ]


async def test_an_empty_collection_has_items_of_no_number_and_nothing_to_select(tmp_path: Path) -> None:
    async with at(Service(number=0), tmp_path, (140, 40)) as driver:
        await driver.press("i", then=("0 items", lambda: "0 items of" not in driver.screen()))
        assert "select" not in driver.screen().splitlines()[-1]


async def test_an_item_without_assets_says_that_there_is_nothing_to_download(tmp_path: Path) -> None:
    async with at(Service(number=1, more={"assets": {}}), tmp_path) as driver:
        await driver.press("l", then="scene-00000")
        await driver.press("j", "d", then=("no assets here", "─ esc cancels ─"))


async def test_the_search_is_changed_from_its_results(tmp_path: Path) -> None:
    async with found_all(Service(), tmp_path) as (driver, screen):
        form = await ask(driver)
        assert field(form, "collections").value == "scenes"
        await put(driver, form, limit="3")
        await driver.press("ctrl+s")
        await driver.until(lambda: results(driver).search.limit == 3 and len(screen.table.rows) == 3)
        assert results(driver) is screen


class Sifted(FakeSource):
    """A source that looks at a thousand items for each page and finds something in few."""

    def __init__(self, found: Callable[[int], int]) -> None:
        super().__init__(
            Kind.STATIC, pages(1, 1), about=About(Kind.STATIC, "Sifted", search=frozenset({"text"}))
        )
        self._found = found
        self.pages = 0

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return what is among the next thousand."""
        at = int(link or 0)
        self.pages += 1
        entries = tuple(item(f"{at}-{n}") for n in range(self._found(at)))
        return Page(entries, str(at + 1) if at < 99 else None, looked=1000, notes=("one could not be read",))


async def test_pages_in_which_nothing_is_found_are_passed_over(tmp_path: Path) -> None:
    source = Sifted(lambda at: 40 if at == 50 else 0)
    async with on(source, tmp_path, then="Collection 0") as driver:
        await ask(driver)
        await driver.press("ctrl+s", then=("40 and more of 51,000 checked", "one could not be read"))
        assert source.pages == 51
        await driver.press("G", then="40 items of 100,000 checked")


@pytest.mark.slow
async def test_a_hundred_thousand_results_are_held_by_a_line_each(tmp_path: Path) -> None:
    class Endless(FakeSource):
        async def search_page(
            self, search: Search, *, link: str | None = None, page_size: int | None = None
        ) -> Page[Item]:
            start = int(link or 0)
            entries = tuple(item(f"scene-{n:06}") for n in range(start, start + 10_000))
            return Page(entries, str(start + 10_000) if start < 90_000 else None, 100_000)

    source = Endless(Kind.STATIC, pages(1, 1), about=About(Kind.STATIC, search=frozenset({"text"})))
    async with on(source, tmp_path, then="Collection 0") as driver:
        screen = await find_all(driver)
        for loaded in range(20_000, 100_000, 10_000):
            await driver.press("G", then=f"{loaded:,} of 100,000")
        await driver.press("G", then="100,000 items")
        assert screen.table.rows[5].entry.document is None
        assert sum(type(one) is Item for one in gc.get_objects()) < 2_000, "documents that nobody looks at"
        await driver.press("slash")
        await driver.type("09999", then="11 of the 100,000 loaded")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 15), (140, 40)])
async def test_hostile_items_are_drawn_as_text(tmp_path: Path, size: Sizes) -> None:
    bad: dict[str, Any] = {
        "id": nasty("item"),
        "collection": nasty("collection"),
        "properties": {"datetime": nasty("2020"), nasty("p"): nasty("v")},
    }
    async with found_all(Service(number=3, more=bad), tmp_path, size) as (driver, _):
        if size[0] >= 140:
            await driver.until(lambda: any("item[/][bold]" in text for text in drawn(driver.app)))
        for key in ("slash", "escape", "space", "d", "escape", "e", "escape", "ctrl+s", "escape"):
            await driver.press(key)
            drawn(driver.app)


# Saved searches


async def test_a_search_is_saved_with_its_count_run_again_and_forgotten(tmp_path: Path) -> None:
    service = Service()
    async with found_all(service, tmp_path) as (driver, _):
        await driver.press("ctrl+s", then="Found: 250 items")
        await driver.type("all scenes")
        await driver.press("enter", then=lambda: "Saved as all scenes, 250 items" in driver.said())
        (saved,) = SavedSearches().all()
        assert (saved.name, saved.count, saved.source) == ("all scenes", 250, service.root)
        assert saved.search == Search(collections=("scenes",))
        service.number = 120
        await driver.press("escape", "ctrl+s", then=("Saved searches", "in this source"))
        await driver.press("enter", then="100 of 120")
        await driver.until(lambda: SavedSearches().get("all scenes").count == 120)
        await driver.press("escape", "ctrl+s", then="Saved searches")
        await driver.press("x", then="Remove the search all scenes?")
        await driver.press("y", then="None yet")
        assert SavedSearches().all() == []


@pytest.mark.slow
async def test_a_search_saved_elsewhere_opens_its_source(tmp_path: Path) -> None:
    plant(tmp_path / "catalog", forest(1, 4))
    service = Service(number=5)
    with service.server:
        folder = str(tmp_path / "catalog")
        async with driven(AppOptions(source=service.root, output_dir=tmp_path), then="Scenes") as driver:
            await driver.press("j")
            await find_all(driver)
            await driver.press("ctrl+s", then="a name for it")
            await driver.type("five")
            await driver.press("enter", then=lambda: "Saved as five" in driver.said())
        async with driven(AppOptions(source=folder, output_dir=tmp_path), then="regions") as driver:
            await driver.press("ctrl+s", then="five")
            await driver.press("enter", then=("5 items", "five: in scenes"))
            assert ids(results(driver))[0] == "scene-00000"


async def test_a_damaged_file_of_searches_is_said_to_be(tmp_path: Path) -> None:
    store = SavedSearches()
    store.path.parent.mkdir(parents=True, exist_ok=True)
    store.path.write_text("{nope")
    async with at(Service(), tmp_path) as driver:
        await driver.press("ctrl+s", then=lambda: "is damaged" in driver.said())
        assert len(driver.app.screen_stack) == 1


async def test_enter_goes_from_field_to_field_and_only_the_button_searches(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        form = await ask(driver)
        visited = [form.focused]
        while not visited[1:] or isinstance(visited[-1], Input):
            await driver.press("enter", then=lambda: form.focused is not visited[-1])
            assert driver.app.screen is form
            visited.append(form.focused)
        assert len(visited) > 2 and visited[-1] is not None and visited[-1].id == "submit"
        assert not service.searches
        await driver.press("enter", then=ResultsScreen)

"""Writing items to files: streamed, whole or not at all, never over another without a question."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from textual.widgets import Input

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.base import ProgressScreen, QuestionScreen
from mlhub_tui.ui.dialogs.export_dialog import ExportScreen
from mlhub_tui.ui.widgets.form import ChoiceField
from mlhub_tui.ui.widgets.line_view import PickList

from ..sources.static.grow import forest, plant
from .conftest import Driver, Sizes, driven
from .hostile import nasty
from .safety import drawn
from .stac_service import Service
from .test_browse import finding
from .test_search import at, found_all


def dialog(driver: Driver) -> ExportScreen:
    """Return the dialog in front."""
    assert isinstance(driver.app.screen, ExportScreen)
    return driver.app.screen


async def export(driver: Driver) -> ExportScreen:
    """Open the dialog."""
    await driver.press("e", then=ExportScreen)
    return dialog(driver)


def offered(screen: ExportScreen) -> list[str]:
    """Return what can be written."""
    return [line.name for line in screen.query_one(PickList).lines]


async def write(driver: Driver, what: int, form: str, path: Path, assets: str = "") -> None:
    """Fill in the dialog and press Enter."""
    screen = dialog(driver)
    screen.query_one(PickList).cursor_line = what
    screen.query_one("#form", ChoiceField).choose(form)
    await driver.pilot.pause()
    screen.query_one("#path", Input).value = str(path)
    screen.query_one("#assets", Input).value = assets
    await driver.press("ctrl+s")


async def test_all_that_was_found_is_written_as_received(tmp_path: Path) -> None:
    service = Service()
    async with found_all(service, tmp_path) as (driver, _):
        screen = await export(driver)
        assert offered(screen) == [
            "item scene-00000",
            "100 loaded",
            "all 250 found",
            "the JSON of scene-00000",
        ]
        path = tmp_path / "new" / "all.geojson"
        await write(driver, 2, "GeoJSON", path)
        await driver.until(lambda: "all.geojson: 250 items" in driver.said())
        found = json.loads(path.read_text())
        assert found["type"] == "FeatureCollection"
        assert found["features"][249] == service.item(249)


@pytest.mark.slow
async def test_what_is_selected_and_what_the_filter_leaves_is_written(tmp_path: Path) -> None:
    service = Service(number=400)
    async with found_all(service, tmp_path) as (driver, _):
        for loaded in (200, 300, 400):
            await driver.press("G", then=f"{loaded} of 400" if loaded < 400 else "400 items")
        await driver.press("g", "space", "space", "slash")
        await driver.type("scene-00")
        await driver.press("enter")
        before = len(service.searches)
        assert offered(await export(driver))[:2] == ["2 selected items", "400 that the filter leaves"]
        await write(driver, 0, "CSV", tmp_path / "two.csv")
        await driver.until(lambda: "two.csv: 2 items" in driver.said())
        with (tmp_path / "two.csv").open() as file:
            assert [row["id"] for row in csv.DictReader(file)] == ["scene-00000", "scene-00001"]
        assert len(service.searches) == before, "two are asked for alone"
        await export(driver)
        await write(driver, 1, "GeoJSON", tmp_path / "filtered.geojson")
        await driver.until(lambda: "filtered.geojson: 400 items" in driver.said())
        assert len(service.searches) == before + 4, "many are listed again"


@pytest.mark.parametrize(
    ("form", "assets", "first", "number"),
    [
        ("URLs", "", "/files/0/B04.tif", 4 * 4 - 0),
        ("URLs", "thumbnail, nothing", "/files/0/t.png", 4),
        ("aria2", "data", "/files/0/B04.tif", 16),
    ],
)
async def test_urls_of_assets_are_written(
    tmp_path: Path, form: str, assets: str, first: str, number: int
) -> None:
    async with at(Service(number=4), tmp_path) as driver:
        assert offered(await export(driver)) == ["all items of scenes", "the JSON of scenes"]
        path = tmp_path / "urls.txt"
        await write(driver, 0, form, path, assets)
        await driver.until(lambda: "urls.txt: 4 items" in driver.said())
        lines = path.read_text().splitlines()
        assert lines[0].endswith(first) and len(lines) == number
        if form == "aria2":
            assert lines[1].strip() == "out=scenes/scene-00000/B04.tif"
        if not assets:
            assert "whose reader pays for the transfer: 4" in driver.said()


async def test_what_is_no_item_is_counted_where_items_are_listed_and_written(tmp_path: Path) -> None:
    async with at(Service(number=3, more={"id": None}), tmp_path) as driver:
        await driver.press("i", then="0 items of 3, 3 without an ID")
        await driver.press("escape")
        await export(driver)
        await write(driver, 0, "GeoJSON", tmp_path / "none.geojson")
        await driver.until(lambda: "3 entries without an ID left out" in driver.said())


async def test_one_document_is_written_as_received(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        screen = await export(driver)
        await driver.press("j", then="the document as received")
        assert screen.query_one("#path", Input).value == str(tmp_path / "scenes.json")
        await driver.press("ctrl+s", then=lambda: "scenes.json" in driver.said())
        assert json.loads((tmp_path / "scenes.json").read_text()) == service.collection()


async def test_a_file_that_is_there_is_replaced_only_after_a_question(tmp_path: Path) -> None:
    path = tmp_path / "there.geojson"
    path.write_text("before")
    async with at(Service(number=2), tmp_path) as driver:
        await export(driver)
        await write(driver, 0, "GeoJSON", path)
        await driver.until(QuestionScreen)
        await driver.press("n", then=ExportScreen)
        assert path.read_text() == "before"
        await driver.press("ctrl+s", then=QuestionScreen)
        await driver.press("y", then=lambda: "there.geojson: 2 items" in driver.said())
        assert len(json.loads(path.read_text())["features"]) == 2


@pytest.mark.parametrize(("typed", "words"), [("", "type the path"), ("here", "is a folder")])
async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, typed: str, words: str) -> None:
    (tmp_path / "here").mkdir()
    async with at(Service(number=2), tmp_path) as driver:
        screen = await export(driver)
        screen.query_one("#path", Input).value = str(tmp_path / typed) if typed else ""
        await driver.press("ctrl+s")
        # Where the line breaks is up to the length of the folder's path.
        await driver.until(lambda: words in " ".join(driver.screen().replace("│", " ").split()))
        assert driver.app.screen is screen


async def test_a_page_that_fails_is_tried_again_or_nothing_is_left(tmp_path: Path) -> None:
    service = Service(failing={"100"})
    path = tmp_path / "all.geojson"
    async with at(service, tmp_path) as driver:
        for answer in ("escape", "r"):
            await export(driver)
            await write(driver, 0, "GeoJSON", path)
            await driver.until("r tries again")
            assert isinstance(driver.app.screen, ProgressScreen) and not path.exists()
            if answer == "r":
                service.failing.clear()
            await driver.press(answer)
            if answer == "escape":
                await driver.until(lambda: "Nothing was written" in driver.said())
                assert not list(tmp_path.glob("*.geojson*")) and not list(tmp_path.glob(".*"))
        await driver.until(lambda: "all.geojson: 250 items" in driver.said())
        assert len(json.loads(path.read_text())["features"]) == 250


async def test_items_of_a_static_folder_and_of_mlhub_are_written(tmp_path: Path, options: AppOptions) -> None:
    plant(tmp_path / "catalog", forest(2, 30))
    async with driven(AppOptions(source=str(tmp_path / "catalog"), output_dir=tmp_path)) as driver:
        await driver.until("regions")
        await driver.press("j")
        await export(driver)
        await write(driver, 0, "GeoJSON", tmp_path / "static.geojson")
        await driver.until(lambda: "static.geojson: " in driver.said())
    async with finding(options, "kenya_02_s") as driver:
        assert offered(await export(driver))[0] == "all items of ref_african_crops_kenya_02_source"
        await write(driver, 0, "CSV", tmp_path / "mlhub.csv")
        await driver.until(lambda: "mlhub.csv: 52 items" in driver.said())
    assert json.loads((tmp_path / "static.geojson").read_text())["features"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 15), (140, 40)])
async def test_the_dialog_of_hostile_items_is_drawn_as_text(tmp_path: Path, size: Sizes) -> None:
    bad = {"id": nasty("../item"), "collection": nasty("c")}
    async with found_all(Service(number=2, more=bad), tmp_path, size) as (driver, _):
        screen = await export(driver)
        drawn(driver.app)
        screen.query_one(PickList).cursor_line = 2
        await driver.pilot.pause()
        path = Path(screen.query_one("#path", Input).value)
        assert path.parent == tmp_path
        await driver.press("ctrl+s", then=lambda: path.is_file())
        drawn(driver.app)

"""Choosing assets: by key and role over one item or thousands, on any kind of source, into the same queue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Static

from mlhub_tui.options import AppOptions
from mlhub_tui.planning.requests import AssetRequest
from mlhub_tui.queue.job import JobState
from mlhub_tui.ui.dialogs.asset_dialog import AssetsScreen
from mlhub_tui.ui.dialogs.base import ProgressScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.widgets.form import ChoiceField
from mlhub_tui.ui.widgets.line_view import PickList

from ..sources.static.grow import forest, plant
from .conftest import Driver, Sizes, driven
from .hostile import nasty
from .safety import drawn
from .stac_service import BODY, GEOTIFF, Service
from .test_search import at, found_all


def chooser(driver: Driver) -> AssetsScreen:
    """Return the dialog in front."""
    assert isinstance(driver.app.screen, AssetsScreen)
    return driver.app.screen


def is_counted(screen: AssetsScreen) -> bool:
    """Tell whether all that is to be counted was counted."""
    return screen.is_mounted and "looking" not in line_of(screen, "counted")


async def choose(driver: Driver) -> AssetsScreen:
    """Open the dialog, and wait until all is counted."""
    await driver.press("d")
    await driver.until(lambda: isinstance(driver.app.screen, AssetsScreen) and is_counted(chooser(driver)))
    return chooser(driver)


def line_of(screen: AssetsScreen, identity: str) -> str:
    """Return what a line of the dialog says."""
    return str(screen.query_one(f"#{identity}", Static).content)


async def tick(driver: Driver, key: str) -> None:
    """Put the cursor on a line and tick it."""
    table = driver.app.screen.query_one(PickList)
    table.cursor_line = [line.key for line in table.lines].index(key)
    table.focus()
    await driver.press("space")


def requests(driver: Driver) -> list[AssetRequest]:
    """Return what is queued."""
    return [job.request for job in driver.app.jobs if isinstance(job.request, AssetRequest)]


async def test_assets_of_the_selected_items_are_counted_and_queued(tmp_path: Path) -> None:
    async with found_all(Service(), tmp_path) as (driver, _):
        await driver.press("space", "space", "space")
        screen = await choose(driver)
        await driver.until("3 selected items")
        assert line_of(screen, "chosen") == "6 files, 300 B + 3 unknown", "data at first"
        await driver.until("CC-BY-4.0")
        await tick(driver, "key:thumbnail")
        assert line_of(screen, "chosen") == "9 files, 300 B + 6 unknown"
        await tick(driver, "key:B08")
        assert line_of(screen, "chosen") == "6 files, 300 B + 3 unknown"
        await driver.press("enter", then=lambda: "6 files queued" in driver.said())
        await driver.until(lambda: all(job.state is JobState.DONE for job in driver.app.jobs))
        assert {request.licence for request in requests(driver)} == {"CC-BY-4.0"}, "for the Library"
        files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "scenes").rglob("*.*"))
        assert files == [
            f"scenes/scene-0000{n}/{name}" for n in range(3) for name in ("B04.tif", "thumbnail.png")
        ]
        assert (tmp_path / files[0]).read_bytes() == BODY


async def test_what_its_reader_pays_for_is_marked_explained_and_left_out(tmp_path: Path) -> None:
    async with found_all(Service(), tmp_path) as (driver, _):
        await driver.press("space", "space")
        screen = await choose(driver)
        assert "requester" not in line_of(screen, "warning")
        await driver.press("G", then="$ requester pays")
        assert "usgs-landsat is requester-pays" in line_of(screen, "warning"), "of the line under the cursor"
        await driver.press("A")
        assert line_of(screen, "chosen") == "6 files, 200 B + 4 unknown"
        assert "2 chosen assets cannot be downloaded and will be skipped" in line_of(screen, "warning")
        assert "usgs-landsat is requester-pays" in line_of(screen, "warning")
        await driver.press("enter", then=lambda: "2 left out: the bucket usgs-landsat" in driver.said())
        assert {request.key for request in requests(driver)} == {"B04", "B08", "thumbnail"}


class PaidCollection(Service):
    """Its collection alone states who pays for one of its assets."""

    def collection(self) -> dict[str, Any]:
        """Return the collection."""
        return super().collection() | {"item_assets": {"paid": {"storage:requester_pays": True}}}

    def item(self, number: int) -> dict[str, Any]:
        """Return an item that does not."""
        made = super().item(number)
        made["assets"]["paid"] = {"href": "s3://made-up/x.tif", "type": GEOTIFF, "roles": ["archive"]}
        return made


async def test_what_the_collection_states_of_who_pays_holds_for_its_items(tmp_path: Path) -> None:
    async with found_all(PaidCollection(), tmp_path) as (driver, _):
        await driver.press("space", "space")
        screen = await choose(driver)
        await driver.press("G", then="$ requester pays")
        await driver.press("A")
        assert "made-up is requester-pays" in line_of(screen, "warning")
        await driver.press("enter", then=lambda: "2 left out: the bucket made-up" in driver.said())
        assert {request.key for request in requests(driver)} == {"B04", "B08", "thumbnail"}


async def test_nothing_chosen_queues_nothing_and_says_so(tmp_path: Path) -> None:
    async with found_all(Service(), tmp_path) as (driver, _):
        screen = await choose(driver)
        await driver.press("A", "A", "enter")
        assert "select some with space" in line_of(screen, "warning") and driver.app.screen is screen
        await tick(driver, "key:paid")
        await driver.press("enter")
        assert driver.app.screen is screen, "nothing of it can be fetched"
        await driver.press("escape")
        assert requests(driver) == []


@pytest.mark.parametrize("most", ["150", "all"])
async def test_a_whole_collection_is_queued_page_by_page(tmp_path: Path, most: str) -> None:
    async with at(Service(), tmp_path) as driver:
        screen = await choose(driver)
        await driver.until("all items of scenes")
        assert line_of(screen, "chosen") == "500 files, 25.0 kB + 250 unknown"
        screen.query_one("#most", Input).value = most
        await tick(driver, "role:data")
        await tick(driver, "key:thumbnail")
        wanted = 250 if most == "all" else 150
        await driver.press("enter")
        about = "" if most == "all" else "about "
        await driver.until(f"Download {about}{wanted} files, of unknown size", str(tmp_path)[:40])
        await driver.press("y", then=lambda: f"{wanted} files queued" in driver.said())
        assert len(requests(driver)) == wanted
        assert {request.key for request in requests(driver)} == {"thumbnail"}


async def test_after_no_the_dialog_of_the_assets_is_back_as_it_was_left(tmp_path: Path) -> None:
    async with at(Service(), tmp_path) as driver:
        dialog = await choose(driver)
        dialog.query_one("#most", Input).value = "50"
        await tick(driver, "role:data")
        await tick(driver, "key:thumbnail")
        dialog.query_one("#folder", Input).value = str(tmp_path / "elsewhere")
        dialog.query_one("#if-exists", ChoiceField).choose("skip")
        await driver.until("▏ Scenes")  # the detail behind the dialog, which is fetched meanwhile
        left = driver.screen()
        for _ in range(2):
            await driver.press("ctrl+s", then="Download about 50 files")
            assert "elsewhere" in re.sub(r"[\s│]", "", driver.screen()), "the folder, broken into lines"
            await driver.press("enter", then=lambda: driver.app.screen is dialog)
        assert driver.screen() == left
        await driver.press("ctrl+s", then="Download about 50 files")
        await driver.press("y", then=lambda: "50 files queued" in driver.said())
        assert {(r.key, r.folder, r.if_exists.value) for r in requests(driver)} == {
            ("thumbnail", tmp_path / "elsewhere" / "scenes", "skip")
        }


async def test_a_page_that_fails_while_queueing_can_be_asked_for_again(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        await choose(driver)
        service.failing.add("100")
        await driver.press("enter", then="Download 500 files, 25.0 kB + 250 of unknown size")
        await driver.press("y", then="r tries again")
        assert isinstance(driver.app.screen, ProgressScreen)
        service.failing.clear()
        await driver.press("r", then=lambda: "500 files queued" in driver.said())


async def test_queueing_that_is_stopped_keeps_what_is_queued(tmp_path: Path) -> None:
    service = Service()
    async with at(service, tmp_path) as driver:
        await choose(driver)
        service.failing.add("200")
        await driver.press("enter", then="Download 500 files, 25.0 kB + 250 of unknown size")
        await driver.press("y", then="r tries again")
        await driver.press("escape", then=lambda: "400 files queued" in driver.said())
        assert "stopped before the end" in driver.said()


async def test_the_first_of_many_items_are_counted_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlhub_tui.ui.dialogs.asset_dialog.COUNTED", 100)
    service = Service()
    async with at(service, tmp_path) as driver:
        await driver.press("enter", then=DocumentScreen)
        await driver.press("i", then="100 items of 250")
        before = len(service.server.requests)
        await driver.press("O")
        await choose(driver)
        await driver.until("counted in the first 100")
        await driver.until("200 files, 10.0 kB + 100 unknown in the first 100 items")
        assert sum("items" in asked.path for asked in service.server.requests[before:]) == 1


async def test_the_collections_own_assets_are_the_other_choice(tmp_path: Path) -> None:
    async with at(Service(), tmp_path) as driver:
        screen = await choose(driver)
        screen.query_one("#of-what", ChoiceField).focus()
        await driver.press("right", then=lambda: line_of(screen, "chosen") == "1 file, 100 B")
        assert not screen.query_one("#most-row").display
        await driver.press("enter", then=lambda: [r.name for r in requests(driver)] == ["map.png"])


async def test_items_marked_in_the_items_pane_are_what_d_is_about(tmp_path: Path) -> None:
    async with at(Service(), tmp_path) as driver:
        await driver.press("i", then="100 items of 250")
        await driver.press("space", "j", "space", then="2 selected, 100 items")
        await choose(driver)
        await driver.until("2 selected items")
        await driver.press("enter")
        await driver.until(lambda: {r.item_id for r in requests(driver)} == {"scene-00000", "scene-00002"})


@pytest.mark.slow
async def test_an_item_of_mlhub_has_assets_to_choose_from(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("slash")
        await driver.type("kenya_02_s")
        await driver.press("enter", "i", then="30 items of 52")
        await driver.press("enter", then="Properties")
        screen = await choose(driver)
        await driver.until("CC-BY-SA-4.0")
        await driver.press("A", "A")
        await tick(driver, "key:B02")
        assert line_of(screen, "chosen").startswith("1 file")
        await driver.press("enter", then=lambda: [request.key for request in requests(driver)] == ["B02"])
        await driver.until(lambda: driver.app.jobs[0].state is JobState.DONE)


async def test_the_assets_of_a_model_are_downloaded_into_its_folder(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("enter", then="Models")
        await driver.press("down", "enter", then="AgriFieldNet Model")
        await driver.press("down", then="CC-BY-4.0")
        screen = await choose(driver)
        assert line_of(screen, "chosen").startswith("2 files")
        await driver.press("enter")
        await driver.until(lambda: [job.state for job in driver.app.jobs] == [JobState.DONE] * 2)
        queued = requests(driver)
        await driver.until("● A Spatio-Temporal")
    for request in queued:
        assert (request.folder / request.name).is_file() and request.folder.name == request.item_id


async def test_assets_of_a_static_folder_are_copied(tmp_path: Path) -> None:
    files = forest(1, 5)
    for number in range(5):
        files[f"c0/c0-{number:04}/data.tif"] = BODY
    plant(tmp_path / "catalog", files)
    options = AppOptions(source=str(tmp_path / "catalog"), output_dir=tmp_path / "out")
    async with driven(options, then="regions") as driver:
        await driver.press("j", "l", then="c0")
        await driver.press("j")
        screen = await choose(driver)
        assert line_of(screen, "chosen").startswith("5 files")
        await driver.press("enter", then=lambda: len(requests(driver)) == 5)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 15), (140, 40)])
async def test_hostile_assets_are_drawn_as_text(tmp_path: Path, size: Sizes) -> None:
    asset = {
        "href": f"https://x/{nasty('h')}",
        "title": nasty("title"),
        "type": nasty("t"),
        "roles": [nasty("role")],
    }
    bad = {"assets": {nasty("key"): asset, "x" * 5000: asset, "": {"href": None}, "no": 3}}
    async with found_all(Service(number=3, more=bad), tmp_path, size) as (driver, _):
        await choose(driver)
        drawn(driver.app)
        for key in ("j", "j", "j", "space", "A", "enter"):
            await driver.press(key)
            await driver.pilot.pause(0.02)
            drawn(driver.app)

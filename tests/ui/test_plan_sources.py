"""Plans of collections that are not MLHub's: read page by page, from an API or a static catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.planning.requests import DatasetRequest
from mlhub_tui.queue.job import JobState
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens.plan_screen import PlanScreen

from ..sources.static.grow import forest, plant
from .conftest import Driver, driven
from .stac_service import Service
from .test_search import at


async def plan(driver: Driver) -> None:
    """Open the plan of the collection under the cursor."""
    await driver.press("D", then=DownloadScreen)
    assert "archives" not in driver.screen()
    await driver.press("enter", then=PlanScreen)


@pytest.mark.slow
async def test_a_collection_of_an_api_is_read_planned_and_fetched(tmp_path: Path) -> None:
    async with at(Service(number=250), tmp_path) as driver:
        await plan(driver)
        await driver.until("751 files · 25.1 kB + 500 of unknown size · 250 items")
        await driver.until("250 assets left out: the bucket usgs-landsat is requester-pays")
        await driver.press("enter", then="Download 751 files, 25.1 kB + 500 of unknown size")
        await driver.press("y", then=lambda: driver.app.jobs)
        request = driver.app.jobs[0].request
        assert isinstance(request, DatasetRequest)
        assert request.collections == ("scenes",)
        await driver.until(lambda: driver.app.jobs[0].state.finished)
        assert driver.app.jobs[0].state is JobState.DONE, driver.app.jobs[0].reason
    assert len(list((tmp_path / "scenes" / "scenes").rglob("*.tif"))) == 500


async def test_what_was_read_to_plan_with_is_not_asked_for_again(tmp_path: Path) -> None:
    service = Service(number=28)
    async with at(service, tmp_path) as driver:
        await plan(driver)
        await driver.until("· 28 items")
        await driver.press("t")
        await driver.type("2020-01-05", then="4 files")
        await driver.press("escape", "enter", then=lambda: driver.app.jobs)
        await driver.until(lambda: driver.app.jobs[0].state.finished)
        assert driver.app.jobs[0].files_total == 4
        assert not service.searches


async def test_a_reading_says_what_it_waits_for_and_names_the_key_to_retry_once_that_failed(
    tmp_path: Path,
) -> None:
    service = Service(number=250, failing={"100"})
    async with at(service, tmp_path) as driver:
        service.gate.clear()
        await plan(driver)
        await driver.until("loading…", "Esc stops")
        assert "r retry" not in driver.screen().splitlines()[-1]
        service.gate.set()
        await driver.until("r tries again", lambda: "r retry" in driver.screen().splitlines()[-1])


async def test_a_page_that_fails_is_said_and_the_reading_goes_on_from_there(tmp_path: Path) -> None:
    service = Service(number=250, failing={"100"})
    async with at(service, tmp_path) as driver:
        await plan(driver)
        await driver.until("r tries again")
        before = len(service.server.requests)
        service.failing.clear()
        await driver.press("r", then="· 250 items")
        pages = [asked for asked in service.server.requests[before:] if "items" in asked.path]
        assert len(pages) <= 2, "the first page was kept"


async def test_a_plan_says_that_not_all_could_be_listed(tmp_path: Path) -> None:
    async with at(Service(number=250, repeating=True), tmp_path) as driver:
        await plan(driver)
        await driver.until("the listing is not complete", "200 items")


async def test_a_collection_of_a_static_catalog_on_disk_is_planned(tmp_path: Path) -> None:
    root = plant(tmp_path / "catalog", forest(2, 7))
    async with driven(AppOptions(source=str(root), output_dir=tmp_path / "out"), then="regions") as driver:
        await driver.press("j", "l", then="c1")
        await driver.press("j")
        await plan(driver)
        await driver.until("· 7 items")


@pytest.mark.slow
async def test_nothing_ticked_is_nothing_to_fetch_where_there_is_no_catalog(tmp_path: Path) -> None:
    async with at(Service(number=20), tmp_path) as driver:
        await plan(driver)
        await driver.until("· 20 items")
        await driver.press("A", then="nothing is ticked")
        await driver.press("enter")
        await driver.pilot.pause(0.1)
        assert not driver.app.jobs

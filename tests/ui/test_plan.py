"""The plan of a dataset: from `d` to the files on disk, and everything that is typed on the way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input

from mlhub_tui.options import AppOptions
from mlhub_tui.planning.requests import DatasetRequest
from mlhub_tui.queue.job import JobState
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens.plan_screen import PlanScreen
from mlhub_tui.ui.widgets.form import ChoiceField
from mlhub_tui.ui.widgets.plan_tree import PlanTree

from .conftest import Driver, Sizes
from .test_browse import finding

pytestmark = pytest.mark.slow

DATASET = "ref_african_crops_kenya_02"
LABELS, SOURCE = f"{DATASET}_labels", f"{DATASET}_source"


@asynccontextmanager
async def on_dataset(
    options: AppOptions, identity: str = DATASET, size: Sizes = (80, 24)
) -> AsyncIterator[Driver]:
    """Run the app with the cursor on a dataset."""
    async with finding(options, identity, size=size) as driver:
        await driver.press("g", "j")
        yield driver


@asynccontextmanager
async def planned(options: AppOptions, size: Sizes = (80, 24)) -> AsyncIterator[Driver]:
    """Run the app and open the plan of a dataset."""
    async with on_dataset(options, size=size) as driver:
        await driver.press("D", then=(DownloadScreen, "the catalog first ("))
        await driver.press("enter", then=(PlanScreen, "738 files"))
        yield driver


async def replace(driver: Driver, field: str, text: str) -> None:
    """Type something else into a field, and go back to the tree."""
    await driver.press(field, "ctrl+u")
    await driver.type(text)
    await driver.press("escape")


async def test_d_and_enter_queue_the_archives_of_a_dataset(options: AppOptions) -> None:
    async with on_dataset(options) as driver:
        await driver.press("d", then=("archives: 2 of 2 collections, 118.1 MB", "CC-BY-SA-4.0"))
        await driver.until("10.34911/rdnt.dw605x")
        await driver.press("enter", then=lambda: len(driver.app.jobs) == 2)
        assert {job.name for job in driver.app.jobs} == {f"{LABELS}.tar.gz", f"{SOURCE}.tar.gz"}
        assert all(job.bytes_total for job in driver.app.jobs)


async def test_from_the_tree_to_a_running_job_it_takes_five_keys(options: AppOptions) -> None:
    async with on_dataset(options) as driver:
        await driver.press("d", then="the catalog first (")
        await driver.press("space", "enter", then="738 files")
        await driver.press("enter")
        await driver.until("Download 738 files, 3.9 MB + 4 of unknown size", f"to {options.output_dir}"[:50])
        await driver.press("enter")  # the safe answer
        await driver.until(PlanScreen)
        assert not driver.app.jobs
        await driver.press("enter", then="Download 738 files, ")
        await driver.press("y", then=lambda: driver.app.jobs)
        await driver.until(lambda: driver.app.jobs[0].state is JobState.DONE)
    root = options.output_dir / DATASET
    assert (root / "catalog.json").is_file()
    assert (root / LABELS / "_common" / "documentation.pdf").is_file()
    assert len(list((root / SOURCE).rglob("B01.tif"))) == 52


async def test_only_what_is_ticked_and_typed_is_fetched(options: AppOptions, tmp_path: Path) -> None:
    async with planned(options) as driver:
        await driver.press("j", "space", then=" 9 files")
        await replace(driver, "b", "34,0,34.3,0.3")
        await driver.until(" 7 files")
        await driver.press("enter", then=lambda: driver.app.jobs)
        request = driver.app.jobs[0].request
        assert isinstance(request, DatasetRequest)
        assert request.filters.collections == ((LABELS, frozenset()),)
        await driver.until(lambda: driver.app.jobs[0].state is JobState.DONE)
    files = [p for p in (options.output_dir / DATASET / LABELS).rglob("*") if p.suffix not in ("", ".json")]
    assert len(files) == 7
    assert not list((options.output_dir / DATASET / SOURCE).rglob("*.tif"))


async def test_enter_in_a_field_commits_it_and_starts_nothing(options: AppOptions) -> None:
    async with planned(options) as driver:
        await driver.press("b", "ctrl+u")
        await driver.until("enter next field", "esc to the list", lambda: "d download" not in driver.screen())
        await driver.type("34,0,34.3,0.3")
        await driver.press("enter")
        await driver.until("372 files", lambda: getattr(driver.app.screen.focused, "id", "") == "time")
        await driver.type("1999")
        await driver.press("enter", then="1 file of the collections themselves")
        await driver.until(lambda: not isinstance(driver.app.screen.focused, Input))
        assert isinstance(driver.app.screen, PlanScreen) and not driver.app.jobs


UNREADABLE = (
    ("b", "34,0", "has 2 numbers, not 4 or 6"),
    ("b", "0.1,134.1,0.3,134.3", "latitude and longitude may be swapped"),
    ("b", "34,0.3,34.3,0", "has its south (0.3) above its north (0)"),
    ("b", "not.geojson", "not.geojson cannot be read"),
    ("b", "{", "the GeoJSON is not whole"),
    ("t", "2018-13", "is no date"),
    ("t", "2019/2018", "ends before it starts"),
)


def shows(driver: Driver, words: str) -> bool:
    """Whether words are on the screen, on however many lines."""
    return words in " ".join(driver.screen().split())


async def test_what_cannot_be_read_is_said_and_nothing_is_queued(options: AppOptions) -> None:
    async with planned(options) as driver:
        for field, typed, said in UNREADABLE:
            await replace(driver, field, typed)
            await driver.until(partial(shows, driver, said))
            await driver.press("enter")
            await driver.pilot.pause(0.1)
            assert not driver.app.jobs
            await replace(driver, field, "")
            await driver.until("738 files")
        # Nor where nothing matches.
        await replace(driver, "t", "1999")
        await driver.until("1 file of the collections themselves; no item matches")
        await driver.press("space")  # the labels, which have something of their own
        await driver.until("no files match")
        await driver.press("enter", then="nothing would be downloaded")
        assert not driver.app.jobs


async def test_what_is_typed_right_behind_a_key_an_area_over_the_antimeridian_and_a_file_of_geojson(
    options: AppOptions, tmp_path: Path
) -> None:
    ring = [[34, 0], [34.3, 0], [34.3, 0.3], [34, 0.3], [34, 0]]
    file = tmp_path / "area.geojson"
    file.write_text(json.dumps({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}))
    async with planned(options) as driver:
        await driver.type("t2019-12", then="2019-12-01 to 2019-12-31")
        assert isinstance(driver.app.screen, PlanScreen)
        await driver.press("escape")
        await replace(driver, "t", "")
        await replace(driver, "b", "170,-10,35,10")
        await driver.until("over the antimeridian", "738 files")
        await driver.press("b", "ctrl+u")
        driver.app.screen.focused.insert_text_at_cursor(str(file))  # type: ignore[union-attr]
        await driver.until("Polygon of area.geojson", "372 files")


async def test_keys_are_ticked_in_one_collection_or_in_all(options: AppOptions) -> None:
    async with planned(options, (120, 40)) as driver:
        tree = driver.app.screen.query_one(PlanTree)
        names = [(line.facts.id, line.key) for line in tree.lines]
        tree.cursor_line = names.index((SOURCE, "B01"))
        await driver.press("space", then="686 files")
        await driver.until("[-] " + SOURCE)
        tree.cursor_line = names.index((SOURCE, "documentation"))
        await driver.press("K", then="684 files")
        await driver.press("A", then="738 files")
        await driver.press("A", then="only the catalog, no assets")
        await driver.press("enter", then=lambda: driver.app.jobs)
        request = driver.app.jobs[0].request
        assert isinstance(request, DatasetRequest)
        assert request.filters.catalog_only


async def test_map_and_dates_are_beside_the_tree_or_behind_a_key(options: AppOptions) -> None:
    async with planned(options) as driver:
        assert "Where:" not in driver.screen()
        await driver.press("m", then=("Where: 34.02°E to 34.38°E", "2019-12"))
        await driver.until(lambda: "Collection " not in driver.screen())
        await driver.press("m", then="Collection ")
        await driver.pilot.resize_terminal(140, 40)
        await driver.until("Where: 34.02°E to 34.38°E", "Collection ")


async def test_a_dataset_without_a_catalog_says_so_and_goes_on_with_archives(options: AppOptions) -> None:
    async with on_dataset(options, "rti_rwanda_crop_type") as driver:
        await driver.press("D", then=(DownloadScreen, "archives: "))
        await driver.until(lambda: "requesting" not in driver.screen())
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, DownloadScreen))


async def test_leaving_while_the_catalog_is_read_ends_the_reading(options: AppOptions) -> None:
    async with on_dataset(options) as driver:
        await driver.press("D", then="the catalog first (")
        await driver.press("enter", "escape", then=lambda: not isinstance(driver.app.screen, PlanScreen))
        assert not driver.app.jobs


async def test_the_assets_go_to_a_folder_of_their_own(options: AppOptions, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    async with on_dataset(options) as driver:
        await driver.press("D", then="the catalog first (")
        driver.app.screen.query_one("#assets").focus()
        await driver.pilot.pause()
        driver.app.screen.focused.insert_text_at_cursor(str(apart))  # type: ignore[union-attr]
        await driver.press("enter", then=lambda: getattr(driver.app.screen.focused, "id", "") != "assets")
        assert isinstance(driver.app.screen, DownloadScreen), "Enter in a field goes to the next"
        driver.app.screen.query(ChoiceField).first().focus()
        await driver.press("enter", then="738 files")
        await driver.press("j", "space", "enter", then=lambda: driver.app.jobs)
        await driver.until(lambda: driver.app.jobs[0].state is JobState.DONE)
    assert (apart / DATASET / LABELS / "_common" / "documentation.pdf").is_file()
    assert (options.output_dir / DATASET / "catalog.json").is_file()


async def test_collections_that_are_selected_are_those_that_are_ticked(options: AppOptions) -> None:
    async with finding(options, LABELS) as driver:
        await driver.press("D", then="the catalog first (")
        await driver.press("enter", then=(" 9 files", f"[x] {LABELS}", f"[ ] {SOURCE}"))

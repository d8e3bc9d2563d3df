"""Jobs of datasets on the Downloads screen: their files, what failed and its retry; unpacking archives."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.screen import Screen

from mlhub_tui.models import BBox
from mlhub_tui.options import AppOptions
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.manifest import FileStatus, Manifest, manifest_path
from mlhub_tui.planning.requests import DatasetRequest, dataset_request
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.ui.dialogs.job_dialog import DatasetJobScreen
from mlhub_tui.ui.theme import DARK
from mlhub_tui.ui.transfers.job_files import PAGE, FileList, FileQuery
from mlhub_tui.ui.transfers.job_list import columns_for, job_line
from mlhub_tui.ui.transfers.job_view import files_words, filter_words, fraction, report_path
from tests.support.waiting import until
from tests.unpack.test_unpack import archive, file

from .conftest import Driver, driven
from .test_downloads import queue
from .test_plan import DATASET, LABELS, planned

MANY = 5 * PAGE + 7


@pytest.fixture
def request_(tmp_path: Path) -> DatasetRequest:
    """Return a request whose work list has many files."""
    request = dataset_request("a_dataset", tmp_path, source="https://a.example/")
    path = manifest_path(request)
    with Manifest(path) as files:
        files.want(
            PlannedFile(f"c/i{n:05}/x.tif", f"https://a.example/{n}", n, "", False, "c", f"i{n:05}", "x")
            for n in range(MANY)
        )
        with files.transaction() as db:
            db.execute("UPDATE fate SET state = 2 WHERE id % 2 = 0")
            db.execute("UPDATE fate SET state = 3 WHERE id % 100 = 0")
    return request


async def test_files_are_read_page_by_page_from_any_place(request_: DatasetRequest) -> None:
    look = await FileQuery.of(request_, None)
    assert look.count == MANY
    assert [e.file.path for e in await look.page(5)] == [f"c/i{n:05}/x.tif" for n in range(1000, MANY)]
    assert await look.page(6) == []
    failed = await FileQuery.of(request_, FileStatus.FAILED)
    assert failed.count == MANY // 100
    assert {entry.status for entry in await failed.page(0)} == {FileStatus.FAILED}


async def test_a_job_that_never_came_to_its_files_has_none(tmp_path: Path) -> None:
    look = await FileQuery.of(dataset_request("never", tmp_path, source="https://a.example/"), None)
    assert (look.count, await look.page(0)) == (0, [])


class _Files(Screen[None]):
    """A list of files alone."""

    def __init__(self, request: DatasetRequest) -> None:
        super().__init__()
        self.request = request
        self.wanted: list[int] = []

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield FileList()

    async def on_file_list_wanted(self, message: FileList.Wanted) -> None:
        """Bring the page."""
        self.wanted.append(message.page)
        look = await FileQuery.of(self.request, None)
        self.query_one(FileList).fill(message.page, await look.page(message.page))


async def asked(screen: _Files, pages: list[int]) -> None:
    """Wait until pages were asked for, and see that no others are."""
    await until(lambda: len(screen.wanted) >= len(pages))
    await asyncio.sleep(0.1)
    assert screen.wanted == pages


@pytest.mark.usefixtures("painted")
async def test_only_pages_in_sight_are_asked_for_and_few_are_kept(request_: DatasetRequest) -> None:
    app: App[None] = App()
    app.register_theme(DARK)
    app.theme = DARK.name
    screen = _Files(request_)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(screen)
        files = screen.query_one(FileList)
        files.show(300_000, reset=True)
        files.focus()
        await asked(screen, [0])
        await pilot.press("G")
        await asked(screen, [0, 300_000 // PAGE - 1])
        for page in range(20):
            files.fill(page, [])
        assert len(files.cached_pages) <= 6


def _job(state: JobState = JobState.DOWNLOADING, **more: Any) -> Job:
    request = dataset_request(
        "a_dataset",
        Path("/data"),
        Filters(
            Filters.keys({"a": ["x", "y"], "b": []}), bbox=BBox(1, 2, 3, 4), exact=False, catalog_only=False
        ),
        source="https://a.example/",
    )
    return Job(1, request, "a_dataset", state, 1, **more)


def test_a_job_of_many_files_says_how_many_are_done_and_how_many_failed() -> None:
    job = _job(files_done=1_234, files_failed=2, files_total=300_000, bytes_done=5)
    assert files_words(job) == "1,234 of 300,000 files, 2 failed"
    assert "1,234/300,000" in "".join(job_line(job, columns_for(120)))
    assert report_path(job) == "/data/a_dataset/err_report.csv"
    assert report_path(_job(files_done=1, files_total=1)) == ""


def test_its_bar_counts_files_where_bytes_are_not_known() -> None:
    assert fraction(_job(files_done=50, files_failed=25, files_total=100)) == 0.75
    assert fraction(_job()) is None
    assert fraction(_job(bytes_done=1, bytes_total=4)) == 0.25


def test_what_was_asked_for_is_said() -> None:
    request = _job().request
    assert isinstance(request, DatasetRequest)
    assert filter_words(request.filters) == "a (x, y), b; box 1,2,3,4"
    assert filter_words(Filters()) == "everything"
    assert filter_words(Filters(catalog_only=True)) == "the catalog alone"


@pytest.mark.slow
async def test_what_failed_is_listed_and_a_retry_takes_only_that(options: AppOptions) -> None:
    item = f"{DATASET}_tile_00_label"
    in_the_way = options.output_dir / DATASET / LABELS / item / "labels.tif"
    in_the_way.mkdir(parents=True)
    (in_the_way / "mine").write_text("keep")
    async with planned(options) as driver:
        await driver.press("enter", then="Download 738 files")
        await driver.press("y", "2")
        await driver.until(lambda: driver.app.jobs and driver.app.jobs[0].state is JobState.FAILED)
        await driver.until("done with 1 failed", "err_report.csv")
        await driver.press("enter", then=(DatasetJobScreen, "[failed]", "failed  4.4 kB"))
        await driver.until("737 of 738 files, 1 failed", "tile_00_label/labels.tif")
        await driver.press("f", "f", then=("[done]", "legend.csv"))
        (in_the_way / "mine").unlink()
        in_the_way.rmdir()
        await driver.press("r", then=lambda: driver.app.jobs[0].state is JobState.DONE)
        await driver.until("738 of 738 files")
    assert in_the_way.is_file()
    assert (options.output_dir / DATASET / "err_report.csv").read_text() == ""


async def _done(driver: Driver, collection: str) -> None:
    await queue(driver, collection)
    await driver.press("2", then=lambda: driver.app.jobs and driver.app.jobs[0].state is JobState.DONE)


async def test_a_finished_archive_is_unpacked_after_a_question(options: AppOptions) -> None:
    async with driven(options) as driver:
        await _done(driver, LABELS)
        await driver.press("u", then=f"Unpack {LABELS}.tar.gz?")
        await driver.press("n")
        assert not (options.output_dir / LABELS).exists()
        await driver.press("u", then=f"Unpack {LABELS}.tar.gz?")
        await driver.press("y", then="11 files unpacked")
    assert (options.output_dir / LABELS / "collection.json").is_file()


async def test_a_damaged_archive_says_so_and_what_to_do(options: AppOptions) -> None:
    async with driven(options) as driver:
        await _done(driver, LABELS)
        archive = options.output_dir / f"{LABELS}.tar.gz"
        archive.write_bytes(gzip.compress(b"no archive at all" * 100))
        await driver.press("u", then="Unpack")
        await driver.press("y", then="damaged")


@pytest.mark.slow
async def test_members_that_lead_out_of_an_archive_are_counted_and_the_first_are_named(
    options: AppOptions,
) -> None:
    async with driven(options) as driver:
        await _done(driver, LABELS)
        archive(
            options.output_dir / f"{LABELS}.tar.gz",
            [file("c/good"), *(file(f"../evil{number}") for number in range(5))],
        )
        await driver.press("u", then="Unpack")
        await driver.press("y", then=("1 file unpacked", "skipped 5 members: ../evil0: its name"))
        await driver.until("and 2 more")
    assert (options.output_dir / "c/good").read_bytes() == b"x"
    assert not list(options.output_dir.parent.glob("evil*"))


async def test_a_dataset_needs_no_unpacking_and_what_is_gone_of_it_is_found(options: AppOptions) -> None:
    async with planned(options) as driver:
        await driver.press("j", "space", "enter", "2")
        await driver.until(lambda: driver.app.jobs and driver.app.jobs[0].state is JobState.DONE)
        await driver.press("u", "v", then=("Check", "whole: sizes"))
        assert "Unpack" not in driver.screen()
        tile = next(options.output_dir.rglob("*.tif"))
        tile.unlink()
        await driver.press("v", then=("1 file gone or changed", "what is missing is"))

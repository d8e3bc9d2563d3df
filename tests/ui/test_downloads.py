"""Downloads: from `d` to the whole file, and what can be done to a transfer on the way."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import tarfile
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.queue.job import JobState
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.dialogs.base import QuestionScreen
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.widgets.bars import TO_DOWNLOADS
from tests.support.waiting import until

from .conftest import Driver, driven
from .test_browse import find, finding

SMALL = "ref_african_crops_kenya_02_labels"
LARGE = "bigearthnet_v1_labels"


async def queue(driver: Driver, collection: str) -> None:
    """Queue the archive of a collection, by keys."""
    await find(driver, collection)
    await driver.press("d", then=(DownloadScreen, "Free space", lambda: "requesting" not in driver.screen()))
    await driver.press("enter", then=lambda: any(collection in job.name for job in driver.app.jobs))
    await driver.press("escape", "escape")


def state(driver: Driver, collection: str = "") -> JobState:
    """Return the state of a transfer."""
    return next(job.state for job in driver.app.jobs if collection in job.name)


async def test_news_of_what_was_queued_name_the_key_of_the_downloads_elsewhere_alone(
    options: AppOptions,
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        driver.app.notify(f"1 archive queued. {TO_DOWNLOADS}")
        await driver.until("1 archive queued. 2 shows the downloads.")
        await driver.press("2")
        await driver.until("1 archive queued.", lambda: "2 shows the downloads" not in driver.screen())


async def test_d_and_enter_bring_the_archive_whole_to_disk_and_the_list_fits_every_width(
    options: AppOptions, sample: SampleServer
) -> None:
    async with driven(options) as driver:
        await queue(driver, SMALL)
        await driver.press("2", then=lambda: state(driver) is JobState.DONE)
        for size in ((60, 15), (140, 40), (80, 24)):
            await driver.pilot.resize_terminal(*size)
            await driver.until("done", "kenya_02_labels")
            assert max(len(line) for line in driver.screen().splitlines()) <= size[0]
    path = options.output_dir / f"{SMALL}.tar.gz"
    url = f"{sample.root_url}archive/{SMALL}?key={sample.key}"
    expected = httpx.get(url, follow_redirects=True).content
    assert hashlib.md5(path.read_bytes()).digest() == hashlib.md5(expected).digest()
    with tarfile.open(path) as archive:
        assert any(name.endswith("collection.json") for name in archive.getnames())
    assert [entry.name for entry in options.output_dir.iterdir()] == [path.name]


async def test_the_dialog_says_size_licence_room_and_folder(options: AppOptions) -> None:
    async with finding(options, LARGE) as driver:
        await driver.press("d", then=("169.3 MB", "CDLA-Permissive-1.0", "Free space", "[resume]"))
        await driver.press("right", then="[skip]")
        await driver.press("escape")
        assert not driver.app.jobs


async def test_a_transfer_pauses_goes_on_and_once_cancelled_leaves_nothing(
    slow: AppOptions, tmp_path: Path
) -> None:
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.press("2", then=lambda: state(driver) is JobState.DOWNLOADING)
        await driver.until(lambda: driver.app.jobs[0].bytes_done > 0)
        assert not (tmp_path / "out" / f"{LARGE}.tar.gz").exists(), "nothing unfinished under the final name"
        await driver.press("P", then=lambda: state(driver) is JobState.PAUSED)
        await driver.until("paused")
        await driver.press("P", then=lambda: state(driver) is JobState.DOWNLOADING)
        await driver.press("x", then="Cancel")
        await driver.press("n")
        assert state(driver) is JobState.DOWNLOADING
        await driver.press("x", "y", then=lambda: state(driver) is JobState.CANCELLED)
        await driver.until(lambda: not list((tmp_path / "out").iterdir()))
        await driver.until("x remove")
        await driver.press("x", then="from the list?")
        await driver.press("y", then="Nothing is queued")


@pytest.mark.parametrize("keys", [("q", "q"), ("ctrl+q", "ctrl+q"), ("q", "y")])
async def test_the_key_that_quits_pressed_again_at_the_question_quits(
    keys: tuple[str, str], slow: AppOptions
) -> None:
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.until(lambda: driver.app.jobs[0].bytes_done > 0)
        for safe in ("enter", "escape", "n"):
            await driver.pilot.press(keys[0])
            await driver.until("y/q Quit", "n Stay (enter)")
            await driver.pilot.press(safe)
            await driver.until(lambda: not driver.app.screen.is_modal)
            assert driver.app.return_code is None
        await driver.pilot.press(keys[0])
        await driver.until("y/q Quit")
        await driver.pilot.press(keys[1])
        await until(lambda: driver.app.return_code == 0)


@pytest.mark.slow
async def test_quitting_asks_once_and_the_next_start_goes_on(slow: AppOptions) -> None:
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.until(lambda: driver.app.jobs[0].bytes_done > 0)
        await driver.press("q", then=QuestionScreen)
        await driver.press("n", then=lambda: state(driver) is JobState.DOWNLOADING)
        await driver.press("q", then=QuestionScreen)
        await driver.press("y")
    async with driven(slow) as driver:
        await driver.until(lambda: driver.app.jobs and state(driver) is JobState.DOWNLOADING)
        await driver.press("2", then=LARGE[:12])
        assert driver.app.jobs[0].bytes_done > 0, "what was fetched still counts"


async def test_without_a_key_d_leads_to_the_profiles_or_the_transfer_waits_for_one(
    sample: SampleServer, tmp_path: Path
) -> None:
    async with driven(AppOptions(root_url=sample.root_url, output_dir=tmp_path / "out"), (120, 30)) as driver:
        await find(driver, SMALL)
        await driver.press("d", then="Archives need an API key")
        await driver.press("y", then="browse without a key")
        assert not driver.app.jobs
        await driver.press("1", "d", then="Archives need an API key")
        await driver.press("n", then=(DownloadScreen, "no API key was sent"))
        # Cause and advice stand apart.
        await driver.until(lambda: re.search("^[│ ]*check the key on the Profiles", driver.screen(), re.M))
        await driver.press("enter", "2", then=lambda: driver.app.jobs and state(driver) is JobState.NEEDS_KEY)
        await driver.until("needs a key")


@pytest.mark.slow
async def test_several_marked_collections_are_queued_at_once(options: AppOptions) -> None:
    async with finding(options, "kenya_02_") as driver:
        await driver.press("space", "j", "space", "d", then="2 archives")
        await driver.until(lambda: "requesting" not in driver.screen())
        await driver.press("enter", then=lambda: len(driver.app.jobs) == 2)
        await driver.until(lambda: all(job.state is JobState.DONE for job in driver.app.jobs))


async def test_the_folder_can_be_chosen_and_trouble_with_it_is_said(
    options: AppOptions, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    async with finding(replace(options, output_dir=tmp_path / "file"), SMALL) as driver:
        await driver.press("d", then="is a file")
        await driver.press("enter", "escape", "escape", "2")
        await driver.until(lambda: driver.app.jobs and state(driver) is JobState.FAILED)
        # The words are broken where the path lets them.
        await driver.until(lambda: "is a file, not a folder" in " ".join(driver.screen().split()))
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.slow
async def test_in_the_background_it_goes_on_and_the_next_start_attaches(tmp_path: Path) -> None:
    with SampleServer(rate=400_000) as server:
        slow = AppOptions(api_key=server.key, root_url=server.root_url, output_dir=tmp_path / "out")
        await leave_and_come_back(slow)


async def leave_and_come_back(slow: AppOptions) -> None:
    """Hand a transfer over, find it again in the next app, and cancel it from there."""
    async with driven(slow) as driver:
        await queue(driver, LARGE)
        await driver.until(lambda: driver.app.jobs[0].bytes_done > 0)
        had = driver.app.jobs[0].bytes_done
        await driver.press("q", then="b Background")
        await driver.press("b")
        await until(lambda: driver.app.return_code is not None)
    async with driven(slow) as driver:
        await driver.press("2", then="in the background, pid")
        pid = int(driver.app.jobs[0].where.rpartition(" ")[2])
        try:
            await driver.until(lambda: state(driver) is JobState.DOWNLOADING)
            await driver.until(lambda: driver.app.jobs[0].bytes_done >= had > 0)
            await driver.until("»bigearthnet_v1_labels", "B/s")
            await driver.press("P", then=lambda: state(driver) is JobState.PAUSED)
            await driver.press("x", then=QuestionScreen)
            await driver.press("y", then=lambda: state(driver) is JobState.CANCELLED)
            await driver.until(lambda: not list(slow.output_dir.iterdir()))
        finally:
            os.kill(pid, signal.SIGTERM)


async def test_a_queue_that_cannot_be_opened_is_named_and_the_rest_of_the_app_works(
    options: AppOptions, mlhub_home: Path
) -> None:
    mlhub_home.mkdir(exist_ok=True)
    (mlhub_home / "queue.db").write_bytes(b"this is no database\n" * 500)
    async with driven(options) as driver:
        await driver.press("2", then=("cannot open the download queue", "MLHUB_HOME"))
        await driver.press("1")
        await find(driver, SMALL)
        await driver.press("d", then=("Free space", lambda: "requesting" not in driver.screen()))
        await driver.press("enter", then=lambda: not isinstance(driver.app.screen, DownloadScreen))
        await driver.press("exclamation_mark")
        await driver.until("cannot open the download queue", "restore a backup of it")
    assert (mlhub_home / "queue.db").read_bytes() == b"this is no database\n" * 500
    assert not list(options.output_dir.glob("*"))

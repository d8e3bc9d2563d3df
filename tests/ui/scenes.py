"""The scenes of the snapshots: fixed data, and the keys that lead to each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual.widgets import Input

from mlhub_tui import paths
from mlhub_tui.models.search import parse_span
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.manifest import Manifest, manifest_path
from mlhub_tui.planning.requests import SAMPLE, ArchiveRequest, archive_name, dataset_request
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.job import Event, Job, JobState
from mlhub_tui.queue.runner import QueueSettings
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.dialogs.job_dialog import DatasetJobScreen
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.widgets.bars import Notification
from mlhub_tui.ui.widgets.detail_view import DetailView

from .conftest import Driver
from .source_steps import paste, write_catalog
from .test_browse import find

Scene = Callable[[Driver], Awaitable[None]]
FOLDER = Path("/home/you/data")
GB, MB = 1_000_000_000, 1_000_000


def _job(number: int, collection: str, state: JobState, **more: Any) -> Job:
    request = ArchiveRequest(source=SAMPLE, profile=None, collection_id=collection, folder=FOLDER)
    return Job(number, request, archive_name(collection), state, number, **more)


JOBS = (
    _job(
        1,
        "bigearthnet_v1_source",
        JobState.DOWNLOADING,
        bytes_done=12 * GB,
        bytes_total=34 * GB,
        rate=8.4e6,
        eta=2619,
        connections=4,
    ),
    _job(
        2,
        "ref_african_crops_kenya_02_source",
        JobState.STALLED,
        bytes_done=3 * MB,
        bytes_total=GB,
        reason="nothing came for 20 s",
        hint="it goes on by itself",
    ),
    _job(
        3,
        "rti_rwanda_crop_type_source",
        JobState.RETRYING,
        bytes_done=80 * MB,
        bytes_total=100 * MB,
        reason="connection reset",
        hint="it goes on by itself where it stopped",
        tries=3,
    ),
    _job(4, "nasa_marine_debris_source", JobState.VERIFYING, bytes_done=78 * MB, bytes_total=78 * MB),
    _job(5, "spacenet7_training_source", JobState.PAUSED, bytes_done=2 * GB, bytes_total=9 * GB),
    _job(
        6,
        "ramp_accra_ghana_labels",
        JobState.NEEDS_KEY,
        bytes_total=20 * MB,
        reason="no API key was sent",
        hint="check the key on the Profiles screen, or run `mlhub-tui configure`",
    ),
    _job(
        7,
        "sn1_AOI_1_RIO",
        JobState.NO_SPACE,
        bytes_total=14 * GB,
        reason="the disk of /home/you/data has 3.1 GB left; 14.0 GB are needed",
        hint="make room or choose another disk, then retry",
    ),
    _job(
        8,
        "rti_rwanda_crop_type_raw",
        JobState.FAILED,
        reason='the archive of collection "rti_rwanda_crop_type_raw" does not exist;'
        " it may still be generating",
        hint="check the ID; if it is right, try again later",
    ),
    _job(9, "umd_mali_crop_type", JobState.DONE, bytes_done=3 * MB, bytes_total=3 * MB),
    _job(10, "ref_african_crops_kenya_02_labels", JobState.CANCELLED),
    *(
        _job(11 + n, f"landcovernet_na_{n:03}_labels", JobState.QUEUED, bytes_total=n * MB or None)
        for n in range(4)
    ),
)
"""A transfer in each of the states."""


class FixedQueue:
    """A queue in which nothing happens."""

    notice = ""
    loaded = True
    settings = QueueSettings(limit=10 * MB)

    def snapshot(self) -> tuple[Job, ...]:
        """Return the fixed transfers."""
        return JOBS

    async def change(self, **_: object) -> QueueSettings:
        """Change nothing."""
        return self.settings

    async def log(self, job_id: int, after: int = 0) -> list[Event]:
        """Return what happened at noon of a day."""
        noon = time.mktime((2024, 2, 1, 12, 0, 0, 0, 0, -1))
        words = ("queued", "connecting to store.example", "failed: the server did not answer")
        return [Event(n, noon + n, said) for n, said in enumerate(words, 1) if n > after]

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def app_over(queue: FixedQueue) -> type[MLHubApp]:
    """Return the app with a queue in place of its own."""

    class AppOver(MLHubApp):
        def make_queue(self) -> Any:
            return queue

    return AppOver


def settled(driver: Driver) -> bool:
    """Tell whether all Markdown on the screen in front was read."""
    return all(sheet.settled for sheet in driver.app.screen.query(DetailView))


SUMMARY = 5
"""Lines of the detail of the tree's first line, of which the most frequent values are the rest."""


async def listed(driver: Driver) -> None:
    """Wait for the tree and its detail: behind a dialog it would depend on how soon that comes."""
    screen = driver.app.screen_stack[0]
    assert isinstance(screen, BrowseScreen)
    await driver.until("BigEarthNet", lambda: screen.detail.virtual_size.height > SUMMARY)


async def browse(driver: Driver) -> None:
    """The tree, a dataset opened, a collection under the cursor."""
    await find(driver, "kenya_02_s", then="10.34911/rdnt.dw605x")
    await driver.until(lambda: "requesting" not in driver.screen(), lambda: settled(driver))


async def filtering(driver: Driver) -> None:
    """The filter while it is typed."""
    await listed(driver)
    await driver.press("slash")
    await driver.type("kenya", then=("datasets", "Licence"))
    await driver.until(lambda: "requesting" not in driver.screen(), lambda: settled(driver))


async def near(driver: Driver) -> None:
    """A filter in force that nothing holds, with what comes near it; a favourite among it."""
    await listed(driver)
    await driver.press("slash")
    await driver.type("segmntation")
    await driver.press("enter", "asterisk")
    await driver.until("★", "Licence", lambda: settled(driver), lambda: "Added" not in driver.screen())


async def _opened(driver: Driver, *keys: str) -> None:
    await find(driver, "kenya_02_s")
    await driver.press("enter", then=DocumentScreen)
    await driver.until("Licence", lambda: "requesting" not in driver.screen(), lambda: settled(driver))
    await driver.press(*keys)


async def collection(driver: Driver) -> None:
    """A collection: all metadata."""
    await _opened(driver)


async def items(driver: Driver) -> None:
    """The items of a collection."""
    await _opened(driver, "i")
    await driver.until("30 items of 52")


async def where(driver: Driver) -> None:
    """Where and when the items of a collection are, one of them under the cursor."""
    await _opened(driver, "m")
    await driver.until("30 items loaded")
    await driver.press("n")


async def choosing_a_box(driver: Driver) -> None:
    """A box chosen on the map."""
    await where(driver)
    await driver.press("0", "b", then="enter takes")


async def collection_assets(driver: Driver) -> None:
    """The assets of a collection."""
    await _opened(driver, "a")


async def json(driver: Driver) -> None:
    """The JSON of a collection as received."""
    await _opened(driver, "J")
    await driver.until('"type": "Collection"')


async def item(driver: Driver) -> None:
    """An item: all metadata."""
    await items(driver)
    await driver.press("enter", then="Properties")


async def assets(driver: Driver) -> None:
    """The assets of an item."""
    await item(driver)
    await driver.press("a")


async def downloads(driver: Driver) -> None:
    """A transfer in each state, a failed one under the cursor."""
    await driver.press("2", *"jjjjjjj", then="still be generating")


async def details(driver: Driver) -> None:
    """All about a transfer."""
    await driver.press("2", then="bigearthnet")
    await driver.press("enter", then="esc closes")


async def limits(driver: Driver) -> None:
    """How fast, and how much at a time."""
    await driver.press("2", then="bigearthnet")
    await driver.press("R", then="ctrl+s applies")


async def dialog(driver: Driver) -> None:
    """The questions before a download."""
    await find(driver, "bigearthnet_v1_l")
    await driver.press("d", then="169.3 MB")


async def dataset(driver: Driver) -> None:
    """The ways to download a dataset, and what each costs."""
    await find(driver, "ref_african_crops_kenya_02")
    await driver.press("g", "j", "d", then="118.1 MB")


async def plan(driver: Driver) -> None:
    """What is selected of a dataset: a key unticked, an area typed."""
    await dataset(driver)
    await driver.press("space", "enter", then="738 files")
    await driver.press("j", "l", "j", "j", "space", "b")
    driver.app.screen.query_one("#area", Input).value = "34,0,34.3,0.3"
    await driver.press("escape", then="· 28 items")


async def files(driver: Driver) -> None:
    """The job of a dataset: its files that failed, and why."""
    wish = dataset_request(
        "nasa_marine_debris",
        FOLDER,
        Filters(Filters.keys({"nasa_marine_debris_source": ["B04", "B08"]}), when=parse_span("2018")),
        source="https://mlhub.example.org/v1/",
        title="Marine Debris Dataset for Object Detection",
    )
    with Manifest(manifest_path(wish)) as work:
        work.want(
            PlannedFile(f"a/item_{n:03}/B04.tif", f"https://x.example/{n}", MB, "", False, "a", f"{n}", "B04")
            for n in range(40)
        )
        with work.transaction() as db:
            db.execute("UPDATE fate SET state = 2, bytes = 1000000 WHERE id > 3")
            db.execute("UPDATE fate SET state = 3 WHERE id <= 3")
            db.execute(
                "INSERT INTO trouble SELECT id, 'the store has it no more', '' FROM fate WHERE state = 3"
            )
    words = "done with 3 failed: 37 of 40 files are there"
    failed = JobState.FAILED
    job = Job(len(JOBS) + 1, wish, wish.name, failed, 1, reason=words, hint="retry fetches only those")
    await listed(driver)
    job = replace(job, bytes_done=37 * MB, bytes_total=40 * MB, files_done=37, files_failed=3, files_total=40)
    driver.app.push_screen(DatasetJobScreen(job))
    await driver.until("the store has it no more")


async def search(driver: Driver) -> None:
    """What a search can be asked for, a box and dates typed."""
    await find(driver, "kenya_02_s")
    await driver.press("s", then="without CQL2")
    for name, typed in (("bbox", "34.0,0.4,34.5,0.7"), ("datetime", "2019-06/2019-09")):
        driver.app.screen.query_one(f"#{name}", Input).value = typed
    await driver.until("2019-06-01 to 2019-09-30")


async def results(driver: Driver) -> None:
    """What a search finds, two items of it selected."""
    await search(driver)
    await driver.press("ctrl+s", then=" checked")
    await driver.press("space", "space", then="2 selected")


async def choosing(driver: Driver) -> None:
    """The assets of two items, to choose from."""
    await results(driver)
    await driver.press("d", then="CC-BY-SA-4.0")


async def exporting(driver: Driver) -> None:
    """The questions before an export."""
    await results(driver)
    await driver.press("e", then="ctrl+s exports")


async def profiles(driver: Driver) -> None:
    """Profiles, one of them in use."""
    await listed(driver)
    await driver.press("3", then="project1")


async def library(driver: Driver) -> None:
    """What was downloaded, and is not there any more."""
    await driver.press("4", then=("umd_mali_crop_type", "missing", "not stated on this disk"))


async def welcome(driver: Driver) -> None:
    """The first start."""
    await driver.until("Welcome")


async def form(driver: Driver) -> None:
    """A source to open or add."""
    await welcome(driver)
    await driver.press("ctrl+s", then="Open or add a source")


async def found(driver: Driver) -> None:
    """A source that was looked at, and a way to send its key."""
    folder = paths.home().parent / "wheat"
    write_catalog(folder)
    await form(driver)
    await paste(driver, str(folder))
    await driver.press("enter", then=("Fields of wheat", "[save and use]"))


async def edited(driver: Driver) -> None:
    """A profile that is edited."""
    await profiles(driver)
    await driver.press("j", "E", then=("Edit project1", "stays if left empty"))


async def keys(driver: Driver) -> None:
    """The help."""
    await listed(driver)
    await driver.press("question_mark", then="esc closes")


async def settings(driver: Driver) -> None:
    """The settings, one of them explained."""
    await listed(driver)
    await driver.press("comma", then="ctrl+s saves")
    await driver.press("down", "down", then="what lines, bars and marks")


async def messages(driver: Driver) -> None:
    """What was said; the time of day is left out."""
    await listed(driver)
    noon = time.mktime((2024, 2, 1, 12, 0, 0, 0, 0, -1))
    driver.app.message_history.clear()
    driver.app.message_history.append(
        Notification("the server did not answer\nretry, or check whether it is up", "error", when=noon)
    )
    driver.app.message_history.append(
        Notification("ID copied: ref_african_crops_kenya_02_labels", "information", when=noon)
    )
    await driver.press("exclamation_mark", then="esc closes")


SCENES: tuple[Scene, ...] = (
    browse,
    filtering,
    near,
    collection,
    items,
    where,
    choosing_a_box,
    json,
    item,
    assets,
    downloads,
    details,
    limits,
    dialog,
    dataset,
    plan,
    files,
    search,
    results,
    choosing,
    exporting,
    profiles,
    library,
    welcome,
    form,
    found,
    edited,
    keys,
    settings,
    messages,
)
FIRST_START = (welcome, form, found)
"""Scenes before there is any profile."""

"""Where there is nothing to show or fetch, the app says so and what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlhub_tui import paths
from mlhub_tui.options import AppOptions
from mlhub_tui.queue import repository
from mlhub_tui.queue.database import Database
from mlhub_tui.sample.server import SampleServer
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from .conftest import driven
from .test_browse import finding

LABELS = "ref_african_crops_kenya_02_labels"


pytestmark = pytest.mark.usefixtures("hasty")


def keyless(sample: SampleServer, folder: Path) -> AppOptions:
    """Return options that lead to the sample catalog without its key."""
    return AppOptions(root_url=sample.root_url, output_dir=folder)


async def test_without_a_key_the_items_pane_offers_the_profiles(sample: SampleServer, tmp_path: Path) -> None:
    async with finding(keyless(sample, tmp_path), "kenya_02_labels") as driver:
        await driver.press("i", then=f"The items of {LABELS} need an API key.")
        await driver.press("n", then="3 opens the profiles")
        await driver.press("r", then="y Open profiles")
        await driver.press("y", then="browse without a key")


def scarce(asked: Request) -> Answer:
    """Answer with a dataset without collections, and one whose items the server fails to list."""
    if asked.path.endswith("/datasets"):
        return as_json(
            [
                {"id": "barren"},
                {"id": "broken", "collections": [{"id": "broken_labels", "types": ["labels"]}]},
            ]
        )
    if asked.path.endswith("/models"):
        return as_json([])
    return as_json({"detail": "out of order"}, 500)


async def test_a_dataset_without_collections_has_nothing_to_download(tmp_path: Path) -> None:
    with LoopbackServer(scarce) as server:
        async with driven(AppOptions(root_url=server.root, output_dir=tmp_path), then="barren") as driver:
            await driver.press("j", "d", then=lambda: "nothing to download" in driver.said())
            assert "enter queues" not in driver.screen()


@pytest.mark.slow
async def test_items_that_cannot_be_listed_say_the_whole_reason(tmp_path: Path) -> None:
    with LoopbackServer(scarce) as server:
        async with driven(AppOptions(root_url=server.root, output_dir=tmp_path), then="broken") as driver:
            await driver.press("slash", *"broken", "underscore", "enter")
            await driver.until(lambda: "broken_labels" in driver.screen())
            await driver.press("i", then=lambda: "the server failed (500)" in driver.said())
            await driver.until("not loaded, r retries")


async def test_a_queue_that_another_program_holds_is_not_said_to_be_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "AT_START", 0.1)
    Database(paths.queue()).close()
    with closing(sqlite3.connect(paths.queue(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with driven(AppOptions(sample=True, output_dir=tmp_path)) as driver:
            await driver.press("2", then="database is locked")
            assert "Nothing is queued" not in driver.screen()

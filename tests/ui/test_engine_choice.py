"""Choosing who fetches a dataset: this machine, or the workers of a cluster, and a store as the place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from mlhub_tui import cluster as needed
from mlhub_tui.options import AppOptions, ClusterConfig
from mlhub_tui.ui.dialogs.download_dialog import DownloadChoice, DownloadScreen
from mlhub_tui.ui.widgets.form import ChoiceField
from mlhub_tui.ui.widgets.form_rows import CLUSTER

from .conftest import Driver
from .test_plan import on_dataset


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the packages of the extra found, whether they are here or not."""
    monkeypatch.setattr(needed, "installed", lambda: True)


@asynccontextmanager
async def opened(options: AppOptions) -> AsyncIterator[tuple[Driver, DownloadScreen]]:
    """Run the app with the dialog of a dataset in front, its assets chosen."""
    async with on_dataset(options) as driver:
        await driver.press("D", then="the catalog first (")
        screen = driver.app.screen
        assert isinstance(screen, DownloadScreen)
        yield driver, screen


def write(screen: DownloadScreen, field: str, text: str) -> None:
    """Put text into a field."""
    screen.query_one(f"#{field}", Input).value = text


async def test_a_store_needs_a_cluster_and_no_password_and_both_go_into_the_choice(
    options: AppOptions, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    async with opened(options) as (driver, screen):
        write(screen, "folder", "s3://chips/kenya")
        await driver.until("URLs are for datasets on a cluster")
        await driver.press("enter", then="choose the assets")
        assert driver.app.screen is screen
        screen.query_one("#engine", ChoiceField).choose(CLUSTER)
        write(screen, "folder", "s3://user:hunter2@chips/kenya")
        await driver.until("carries credentials")
        await driver.press("enter", then="leave them out")
        assert driver.app.screen is screen
        answers: list[DownloadChoice | None] = []
        monkeypatch.setattr(screen, "dismiss", answers.append)
        await driver.until("tcp://host:8786, or")
        write(screen, "scheduler", "tcp://10.0.0.1:8786")
        write(screen, "folder", "s3://chips/kenya/")
        await driver.until("as much as the store has")
        await driver.press("enter", then=lambda: answers)
        choice = answers[0]
        assert choice is not None
        assert (choice.cluster, choice.url) == (ClusterConfig("tcp://10.0.0.1:8786"), "s3://chips/kenya")


async def test_the_scheduler_of_the_environment_is_offered(
    options: AppOptions, installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://head:8786")
    async with opened(options) as (driver, screen):
        screen.query_one("#engine", ChoiceField).choose(CLUSTER)
        await driver.until("tcp://head:8786")


@pytest.mark.slow
async def test_a_folder_that_the_workers_share_needs_no_url(
    options: AppOptions, installed: None, tmp_path: Path
) -> None:
    async with opened(options) as (driver, screen):
        screen.query_one("#engine", ChoiceField).choose(CLUSTER)
        write(screen, "folder", str(tmp_path / "shared"))
        await driver.press("enter", then="by a Dask cluster")


async def test_without_the_extra_only_this_machine_is_offered(
    options: AppOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needed, "installed", lambda: False)
    async with opened(options) as (driver, screen):
        assert not screen.query("#engine")
        write(screen, "folder", "s3://chips/kenya")
        await driver.press("enter", then="mlhub-tui[cluster]")

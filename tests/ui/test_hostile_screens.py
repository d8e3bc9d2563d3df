"""Hostile documents through search, plan, dialogs, lists, help and logs: text, and as wide as the screen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.models import EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.planning.manifest import Manifest, manifest_path
from mlhub_tui.planning.requests import ArchiveRequest, archive_name, dataset_request
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.text import writable
from mlhub_tui.ui.dialogs.asset_dialog import AssetsScreen
from mlhub_tui.ui.dialogs.base import LeaveQuestion, ListScreen, QuestionScreen
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.dialogs.export_dialog import ExportScreen
from mlhub_tui.ui.dialogs.help import HelpScreen, MessageLogScreen
from mlhub_tui.ui.dialogs.job_dialog import DatasetJobScreen, JobScreen
from mlhub_tui.ui.dialogs.search_dialog import SearchForm
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.plan_screen import PlanScreen
from mlhub_tui.ui.screens.results import ResultsScreen
from mlhub_tui.ui.widgets.bars import Notification
from tests.support import stac

from .conftest import Driver, driven
from .hostile import MARKUP, NASTY_ID, nasty
from .safety import drawn
from .source_steps import paste
from .test_hostile import go_to, harm, hostile, loaded

__all__ = ["harm", "hostile"]

SIZES = ((80, 24), (60, 15))
WIDE = (140, 40)
LONG = "l" * 10_000


async def look(driver: Driver, words: str = "", *, wide: bool = False) -> str:
    """Check the screen in front at two sizes, or three, and return what is on it at the first."""
    seen = ""
    for columns, rows in (*((WIDE,) if wide else ()), *reversed(SIZES)):
        await driver.pilot.resize_terminal(columns, rows)
        await driver.until(partial(is_wide, driver, columns))
        await driver.pilot.pause()
        seen = "\n".join(drawn(driver.app))
        assert "stolen-key" not in seen
    if words:
        await driver.until(words)
        seen = "\n".join(drawn(driver.app))
    return seen


def is_wide(driver: Driver, columns: int) -> bool:
    """Tell whether the screen in front is laid out for as many columns."""
    screen = driver.app.screen
    return screen.is_mounted and screen.find_widget(screen).region.width == columns


# What a deployment of the MLHub API sends


@pytest.mark.slow
async def test_search_results_choice_of_assets_export_and_favourites(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        await driver.press("asterisk", "F", then=ListScreen)
        await look(driver, "collection[/]")
        await driver.press("escape", "f", then=lambda: driver.app.screen.is_modal)
        await look(driver, "tag[/]")
        await driver.press("escape", "ctrl+g", then=lambda: driver.app.screen.is_modal)
        await paste(driver, NASTY_ID)
        await look(driver, "[/][bold]")
        await driver.press("escape", then=lambda: not driver.app.screen.is_modal)
        await driver.press("s", then=SearchForm)
        await look(driver, "collection[/]")
        await driver.press("ctrl+s", then=ResultsScreen)
        await look(driver, "item[/]", wide=True)
        await driver.press("space", "d", then=AssetsScreen)
        await look(driver, "role[/]")
        await driver.press("escape", "e", then=ExportScreen)
        await look(driver, "selected item")
        await driver.press("escape", then=ResultsScreen)
        await driver.press("g", "enter", then=DocumentScreen)
        await driver.press("J", then='"id": "item')
        await look(driver, '"id": "item')
        await driver.press("p")
        await look(driver)
        assert driver.app.is_running


@pytest.mark.slow
async def test_dataset_dialog_plan_and_help_of_a_hostile_dataset(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.DATASET, nasty("0 dataset"))
        await driver.press("d", then=DownloadScreen)
        await look(driver, "0 title[/]")
        await driver.press("space", "enter", then=(PlanScreen, "r tries again"))
        await look(driver)
        await driver.press("question_mark", then=HelpScreen)
        await look(driver, "Plan")


async def test_messages_of_what_a_server_says(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        driver.app.notify(nasty("title") + LONG, title=nasty("note"), severity="error", markup=False)
        await look(driver)
        driver.app.message_history.append(Notification(nasty("kept") + LONG, "warning"))
        await driver.press("exclamation_mark", then=MessageLogScreen)
        await look(driver, "kept[/]")
        await driver.press("escape")
        driver.app.push_screen(QuestionScreen(nasty("sure?"), nasty("detail") + LONG, (("y", nasty("yes")),)))
        await driver.until(QuestionScreen)
        await look(driver, "sure?[/]")
        await driver.press("n")
        driver.app.push_screen(LeaveQuestion(2))
        await driver.until(QuestionScreen)
        await look(driver, "2 transfers are running")


@pytest.mark.slow
async def test_jobs_their_files_and_what_went_wrong(harm: AppOptions, tmp_path: Path) -> None:
    wish = dataset_request(nasty("dataset"), tmp_path, source="https://x.example/", title=nasty("t") + LONG)
    with Manifest(manifest_path(wish)) as work:
        work.want(
            PlannedFile(
                f"{n}{writable(nasty('p'))[:150]}/x",
                f"https://x.example/{n}?key=stolen-key-123",
                1,
                "",
                False,
                "c",
                f"{n}",
                "x",
            )
            for n in range(30)
        )
        with work.transaction() as db:
            db.execute("UPDATE fate SET state = 3")
            reason = writable(nasty("why"))
            db.execute("INSERT INTO trouble SELECT id, ?, ? FROM fate", (reason, reason))
    whole = Job(
        1, wish, wish.name, JobState.FAILED, 1, reason=nasty("failed"), hint=nasty("next"), files_failed=30
    )
    request = ArchiveRequest(
        source="https://x.example/", profile=None, collection_id=NASTY_ID, folder=tmp_path
    )
    single = Job(
        2, request, archive_name(NASTY_ID), JobState.FAILED, 2, reason=nasty("why") + LONG, hint=nasty("do")
    )
    async with loaded(harm) as driver:
        driver.app.push_screen(DatasetJobScreen(whole))
        await driver.until("why[/]")
        await look(driver, "failed[/]")
        await driver.press("j", "G")
        await look(driver)
        await driver.press("escape")
        driver.app.push_screen(JobScreen(single, {}))
        await driver.until(JobScreen)
        await look(driver, "why[/]")
        await driver.press("l")
        await look(driver)
        assert driver.app.is_running


# A catalog on disk


def plant(folder: Path) -> Path:
    """Write a static catalog whose documents mean harm."""

    def write(path: Path, value: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))

    child = stac.link("child", "./x/collection.json", title=nasty("wheat") + LONG)
    named = {"title": nasty("catalog") + LONG, "description": nasty("d")}
    write(folder / "catalog.json", stac.catalog(nasty("root"), child, **named))
    fields = {
        "title": nasty("fields"),
        "description": f"# {nasty('h')}\n\n| a | b |\n|---|---|\n| {MARKUP} | {LONG} |\n\n```\n{nasty('c')}",
        "license": nasty("licence"),
        "keywords": [nasty("keyword"), LONG],
        "summaries": {
            "eo:bands": [{"name": nasty("band"), "common_name": nasty("red"), "description": LONG}]
        },
    }
    items = (stac.link("item", f"./{n}.json", title=nasty(f"item {n}")) for n in range(3))
    write(folder / "x" / "collection.json", stac.collection(nasty("fields"), *items, **fields))
    for n in range(3):
        own = {
            "bbox": [1, 2, 3, 4],
            "geometry": {"type": "Point", "coordinates": [1.5, 2.5]},
            "properties": {"datetime": "2020-01-02T00:00:00Z", nasty("property"): nasty("value")},
            "assets": {nasty(f"asset{k}"): {"href": f"./{k}.png", "title": nasty("title")} for k in range(3)},
        }
        item = stac.item(f"{n}{nasty('item')}{LONG}", nasty("fields"), **own)
        write(folder / "x" / f"{n}.json", item)
    return folder / "catalog.json"


@asynccontextmanager
async def on_disk(tmp_path: Path) -> AsyncIterator[Driver]:
    """Run the app on the hostile catalog, its collection under the cursor."""
    root = plant(tmp_path / "catalog")
    async with driven(AppOptions(source=str(root), output_dir=tmp_path / "out"), then="wheat[/]") as driver:
        await driver.press("j")
        yield driver


@pytest.mark.slow
async def test_detail_items_map_and_json_of_a_hostile_catalog(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as driver:
        await look(driver, wide=True)
        await driver.press("enter", then=DocumentScreen)
        await look(driver, "licence[/]", wide=True)
        for key in ("i", "m", "a", "J", "O"):
            await driver.press(key)
            await look(driver)
        await driver.press("i", then="0item[/]")
        await driver.press("enter", then="Assets  ")
        await driver.press("G", then="value[/]")
        for key in ("a", "J", "m", "v"):
            await driver.press(key)
            await look(driver)
        await driver.press("p")
        await look(driver)
        assert driver.app.is_running


@pytest.mark.slow
async def test_a_plan_of_a_hostile_catalog(tmp_path: Path) -> None:
    async with on_disk(tmp_path) as driver:
        await driver.press("D", then=DownloadScreen)
        await look(driver)
        await driver.press("enter", then=(PlanScreen, "3 items"))
        await driver.press("l", "j")
        seen = await look(driver, "    [x] asset")
        assert "own gpj漢字" in seen
        await driver.press("m")
        await look(driver)


@pytest.mark.parametrize("place", [nasty("https://x.example/"), LONG, MARKUP], ids=["all", "long", "markup"])
async def test_the_form_for_sources_takes_anything(tmp_path: Path, place: str) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        await driver.press("o", then="Open or add a source")
        await paste(driver, place)
        await look(driver)
        await driver.press("enter", then="! ")
        await look(driver)


async def test_a_hostile_place_is_named_in_the_form(tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        await driver.press("o", then="Open or add a source")
        await paste(driver, str(plant(tmp_path / "catalog").parent))
        await driver.press("enter", then="catalog[/]")
        await look(driver)

"""An item shows, copies and downloads with the licence and citation of what it belongs to, on any source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.widgets import Static

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.asset_dialog import AssetsScreen
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen

from ..sources.static.grow import Files, forest, plant
from .conftest import Driver, driven
from .stac_service import Service
from .test_browse import finding
from .test_search import at

WORDS = "Rao, K. and Berg, A. (2020) Maize of many fields"
STATED = {
    "license": "CC-BY-4.0",
    "sci:citation": f"{WORDS}{', and of many more' * 20}. The end.",
    "sci:doi": "10.1/maize",
    "providers": [{"name": "Fields Inc", "roles": ["producer"], "url": "https://fields.example"}],
}


class Citing(Service):
    """An API whose collection states what its items do not."""

    def collection(self) -> dict[str, Any]:
        return super().collection() | STATED


def catalog() -> Files:
    """Return a catalog whose items lie below a catalog of a year in their collection."""
    files = forest(1, 2)
    files["regions/c0/collection.json"] |= STATED
    return files


async def to_first_item(driver: Driver, *titles: str) -> None:
    """Expand what is under the cursor, level by level, down to an item."""
    for title in titles:
        await driver.press("l", then=title)
        await driver.press("l")


async def check(driver: Driver) -> None:
    """Check that the item under the cursor has what its collection states, wherever that is shown."""
    await driver.press("enter", then=(DocumentScreen, "CC-BY-4.0", "10.1/maize", "Fields Inc", WORDS))
    await driver.press("Y", then=lambda: driver.app.clipboard == STATED["sci:citation"])
    await driver.press("B", then=lambda: "license = {CC-BY-4.0}" in driver.app.clipboard)
    assert "doi = {10.1/maize}" in driver.app.clipboard
    await driver.press("d", then=(AssetsScreen, "CC-BY-4.0", WORDS[:40]))


async def test_an_item_of_an_api_inherits_from_its_collection(tmp_path: Path) -> None:
    async with at(Citing(3), tmp_path, (100, 60)) as driver:
        await to_first_item(driver, "scene-00000")
        await check(driver)


async def test_an_item_of_a_static_catalog_inherits_from_its_collection(tmp_path: Path) -> None:
    root = plant(tmp_path / "catalog", catalog()) / "catalog.json"
    async with driven(AppOptions(source=str(root), output_dir=tmp_path), (100, 60)) as driver:
        await driver.until("▸ Regions  regions")
        await driver.press("j")
        await to_first_item(driver, "c0", "c0-0000")
        await check(driver)


def _whole(driver: Driver) -> Callable[[], bool]:
    """Return whether the end of a citation can be scrolled to."""
    words = driver.app.screen.query_one("#citation", Static)
    room = driver.app.screen.query_one("AttributionRows VerticalScroll", VerticalScroll)
    return lambda: words.size.height > 1 and room.max_scroll_y + room.size.height >= words.size.height


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_the_dialog_of_a_plan_has_the_whole_citation(tmp_path: Path, size: tuple[int, int]) -> None:
    async with at(Citing(3), tmp_path, size) as driver:
        await driver.press("D", then=(DownloadScreen, WORDS[:40], "CC-BY-4.0"))
        await driver.until(_whole(driver))
        driver.app.screen.query_one("AttributionRows VerticalScroll").focus()
        await driver.press("end", then="The end.")


async def test_an_item_of_mlhub_inherits_from_its_collection_and_dataset(options: AppOptions) -> None:
    async with finding(options, "kenya_02_l", size=(120, 60)) as driver:
        await driver.press("l", then="_tile_00_label")
        await driver.press("j", then=("Properties", "10.34911/rdnt.dw605x", "CC-BY-SA-4.0", "Citation"))

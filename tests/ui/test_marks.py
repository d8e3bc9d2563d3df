"""Browse and lists of items mark what is downloaded, in part or queued, also after a restart."""

from __future__ import annotations

from pathlib import Path

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.asset_dialog import AssetsScreen
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.downloads import DownloadsScreen

from .conftest import Driver
from .stac_service import Service
from .test_assets_choice import choose
from .test_browse import finding
from .test_search import at


def marked(driver: Driver, sign: str, words: str) -> bool:
    """Tell whether a sign stands before some words."""
    return any(sign in line.partition(words)[0] for line in driver.screen().splitlines() if words in line)


async def test_an_archive_is_marked_when_it_is_there_and_after_a_restart(options: AppOptions) -> None:
    async with finding(options, "kenya_02_l", size=(120, 40), then="Licence") as driver:
        assert not marked(driver, "●", "ref_african_crops_kenya_02_labels")
        await driver.press("d", then=(DownloadScreen, "resume"))
        await driver.press("enter", then=lambda: marked(driver, "●", "ref_african_crops_kenya_02_labels"))
        await driver.until(lambda: marked(driver, "◐", "CV4A"))
    async with finding(options, "kenya_02_l", size=(120, 40)) as driver:
        await driver.until(lambda: marked(driver, "●", "ref_african_crops_kenya_02_labels"))
        await driver.press("2", then=(DownloadsScreen, "done"))
        await driver.press("c", then="cleared")
        await driver.press("1", then=lambda: marked(driver, "●", "ref_african_crops_kenya_02_labels"))


async def test_items_are_marked_in_their_table_beside_the_selection(tmp_path: Path) -> None:
    async with at(Service(3), tmp_path, (100, 30)) as driver:
        await driver.press("i", then=(DocumentScreen, "scene-00002"))
        await choose(driver)
        await driver.press("enter", then=lambda: not isinstance(driver.app.screen, AssetsScreen))
        await driver.until(lambda: marked(driver, "●", "scene-00000"))
        assert not marked(driver, "●", "scene-00001")
        await driver.press("g", "space", then=lambda: marked(driver, "✓●", "scene-00000"))

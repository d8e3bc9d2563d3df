"""The app on real servers: collections, pages of items, the document as it was loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.options import AppOptions

from ..ui.conftest import driven
from ..ui.test_browse import tree_of
from ..ui.test_real_sources import current_id
from .conftest import SERVERS, Server

pytestmark = SERVERS


@pytest.mark.parametrize("server", ["pgstac", "rustac"])
async def test_the_app_goes_from_the_collections_to_the_document_of_an_item(
    server: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    api: Server = request.getfixturevalue(server)
    async with driven(AppOptions(source=api.root, output_dir=tmp_path), (120, 40)) as driver:
        await driver.until("▸ ")
        await driver.until(lambda: "STAC API 127.0.0.1" in driver.screen().splitlines()[0])
        await driver.press("G")
        while not tree_of(driver).tree_model.top.complete:
            await driver.pilot.pause(0.05)
            await driver.press("G")
        await driver.press("slash")
        await driver.type("naip", then="found, filtering the")
        await driver.press("enter", then=lambda: current_id(driver) == "naip")
        await driver.press("escape", "l", "j")
        loaded = {raw["id"] for raw in api.data.items_of("naip")}
        await driver.until(lambda: current_id(driver) in loaded)
        await driver.until("Collection naip")
        await driver.press("enter", "J", then='"type": "Feature"')
        await driver.press("escape", "i", then=f"{len(loaded)} items")

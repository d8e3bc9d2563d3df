"""The contact sheet: thumbnails of the items in a table, fetched only while they are in sight."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlhub_tui.ui.screens.contact_sheet import ContactSheet
from mlhub_tui.ui.screens.document_screen import DocumentScreen

from ..conftest import Driver, Sizes, driven
from .catalogs import THUMBNAIL, catalog, chips, item, png
from .test_preview import Folder, of, write_settings


@asynccontextmanager
async def on_the_items(
    place: Path | str, tmp_path: Path, first: str = "chip0", size: Sizes = (80, 24)
) -> AsyncIterator[Driver]:
    """Run the app on a catalog with the items of its collection in front."""
    async with driven(of(place, tmp_path), size, then="▸ chips") as driver:
        await driver.press("j", "i", then=(DocumentScreen, f" {first}"))
        yield driver


async def test_p_on_the_items_draws_their_thumbnails_and_the_cursor_moves_over_them(tmp_path: Path) -> None:
    async with on_the_items(chips(tmp_path / "catalog", 9), tmp_path) as driver:
        await driver.press("p", then=(ContactSheet, "1 of 9 items", "chip7", f"{'▀' * 18}  {'▀' * 18}"))
        await driver.press("right", "j", then="chip5  6 of 9 items")
        await driver.press("h", "up", then="chip0  1 of 9 items")
        await driver.press("up", "left")  # there is nothing above the first
        await driver.press("G", then=("chip8  9 of 9 items", lambda: "chip7" not in driver.screen()))
        await driver.press("pageup", then=("chip0  1 of 9 items", "chip7"))
        await driver.press("escape", then=(DocumentScreen, "Assets"))


async def test_enter_opens_space_selects_d_downloads_and_p_previews(tmp_path: Path) -> None:
    async with on_the_items(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then=(ContactSheet, "▀▀▀▀", "chip2"))
        await driver.press("space", then=("✓ chip0", "2 of 3 items, 1 selected"))
        await driver.press("p", then=("chip1 / thumbnail", "PNG 60 x 30"))
        await driver.press("j", then="chip2 / thumbnail")
        await driver.press("escape", then=("3 of 3 items", "▀▀▀▀"))
        await driver.press("d", then="Download assets")
        await driver.press("escape", then=ContactSheet)
        await driver.press("enter", then=(DocumentScreen, "Overview", "chip2"))
        await driver.press("escape", then=(ContactSheet, "✓ chip0", "▀▀▀▀"))


async def test_plus_and_minus_change_the_size_and_an_end_is_told(tmp_path: Path) -> None:
    async with on_the_items(chips(tmp_path / "catalog", 9), tmp_path) as driver:
        await driver.press("p", then=(ContactSheet, "chip7", "▀▀▀▀"))
        await driver.press("plus", then=("chip1", "▀" * 28, lambda: "chip2" not in driver.screen()))
        await driver.press("minus", "minus", then=("chip8", "▀▀▀▀"))
        await driver.press("minus", then=lambda: "smallest size" in driver.said())


async def test_an_item_without_a_thumbnail_shows_its_id_and_why(tmp_path: Path) -> None:
    items = [
        item("bare", {}),
        item("gone", {"thumb": THUMBNAIL}),
        item("paid", {"thumb": {"href": "s3://sentinel-s2-l1c/x/preview.jpg", "type": "image/jpeg"}}),
    ]
    async with on_the_items(catalog(tmp_path / "catalog", items), tmp_path, "bare", size=(140, 24)) as driver:
        await driver.press("p", then=(ContactSheet, "bare", "gone", "paid", "no image", "reader has"))


@pytest.mark.parametrize(("colours", "drawn"), [("mono", "characters"), ("full", "half blocks")])
async def test_without_colours_thumbnails_are_drawn_in_characters(
    colours: str, drawn: str, tmp_path: Path
) -> None:
    write_settings(f'colours = "{colours}"\n')
    async with on_the_items(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then=(ContactSheet, "▀▀▀▀" if colours == "full" else "::::"))
        assert ("▀" in driver.screen()) == (drawn == "half blocks")


async def test_with_previews_off_no_sheet_opens(tmp_path: Path) -> None:
    write_settings('images = "off"\n')
    async with on_the_items(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then=lambda: "Previews are off" in driver.said())
        assert isinstance(driver.app.screen, DocumentScreen)


# Over the network


def fetched(server: Folder) -> set[str]:
    """Return the images that were requested."""
    return {request.target for request in server.requests if request.target.endswith(".png")}


async def test_only_what_is_in_sight_is_fetched_a_few_at_a_time_and_leaving_ends_it(tmp_path: Path) -> None:
    with Folder(chips(tmp_path / "catalog", 9)) as server:
        server.gate.clear()
        async with on_the_items(server.url, tmp_path) as driver:
            assert not fetched(server)
            await driver.press("p", then=(lambda: len(fetched(server)) == 6, "chip7"))
            await driver.press("escape", then=DocumentScreen)
            server.gate.set()
            await driver.until(lambda: not [one for one in driver.app.workers if not one.is_finished])
            assert len(fetched(server)) == 6, "neither the others of the page nor the next page"
            await driver.press("p", then=(lambda: len(fetched(server)) == 8, "chip7", "▀▀▀▀"))
            assert "/thumb8.png" not in fetched(server)
            await driver.press("G", then=("9 of 9", "▀▀▀▀", lambda: "/thumb8.png" in fetched(server)))


async def test_a_large_image_is_left_to_its_own_preview(tmp_path: Path) -> None:
    big = {"thumb": {**THUMBNAIL, "file:size": 6_000_000}}
    scene = {
        **item("scene", big),
        "stac_extensions": ["https://stac-extensions.github.io/file/v2.1.0/schema.json"],
    }
    folder = catalog(tmp_path / "catalog", [scene])
    png(folder / "thumb.png")
    with Folder(folder) as server:
        async with on_the_items(server.url, tmp_path, "scene") as driver:
            await driver.press("p", then=(ContactSheet, "6.0 MB: p fetches"))
            assert not fetched(server)


async def test_over_ssh_nothing_is_fetched_before_the_amount_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    with Folder(chips(tmp_path / "catalog")) as server:
        async with on_the_items(server.url, tmp_path) as driver:
            await driver.press("p", then=(ContactSheet, "Over SSH a page takes about", "r fetches"))
            assert not fetched(server)
            await driver.press("r", then=("▀▀▀▀", lambda: len(fetched(server)) == 3))

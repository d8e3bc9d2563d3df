"""Images are drawn on request, leafed through, and kept; what cannot be drawn is said."""

from __future__ import annotations

import json
import mimetypes
import tarfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlhub_tui import preview_cache
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.catalog.catalog_tree import CatalogTree
from mlhub_tui.ui.preview.preview_screen import PreviewScreen
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request

from ..conftest import Driver, driven
from .catalogs import THUMBNAIL, catalog, chips, cog, item, png

SMALL = (80, 24)


def of(place: Path | str, tmp_path: Path) -> AppOptions:
    return AppOptions(source=str(place), output_dir=tmp_path / "out")


@asynccontextmanager
async def on_an_item(place: Path | str, tmp_path: Path, name: str = "chip0") -> AsyncIterator[Driver]:
    """Run the app on a catalog with the cursor on its first item."""
    async with driven(of(place, tmp_path), SMALL, then="▸ chips") as driver:
        await driver.press("j", "l", then=f" {name}")
        await driver.press("j", then="Assets")
        yield driver


def under_the_cursor(driver: Driver) -> str:
    """Return the id under the cursor of Browse."""
    subject = next((tree.subject for tree in driver.app.screen.query(CatalogTree)), None)
    return subject.label if subject is not None else ""


async def test_p_draws_the_thumbnail_of_an_item(tmp_path: Path) -> None:
    async with on_an_item(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p")
        await driver.until(
            "thumbnail: A look", "2020-01-01", "PNG 60 x 30", "B on this disk", "in half blocks"
        )
        await driver.until("▀▀▀▀▀▀▀▀", "[thumbnail]  mask", "1 of 3")
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, PreviewScreen))
    assert not list(preview_cache.folder().rglob("*.png")), "what is on this disk is not copied"
    assert not (tmp_path / "out").exists(), "the download folder is left alone"


async def test_keys_leaf_through_images_and_items(tmp_path: Path) -> None:
    async with on_an_item(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then="PNG 60 x 30")
        await driver.press("n", then=("thumbnail  [mask]", "TIFF 20 x 20", "1 class"))
        await driver.press("j", then=("2 of 3", "chip1 / mask", "2020-02-01"))
        await driver.press("j", "j", then=lambda: "the last one" in driver.said())
        await driver.press("k", "N", then=("chip1 / thumbnail", "PNG 60 x 30"))
        await driver.press("escape", then=lambda: under_the_cursor(driver) == "chip1")


async def test_from_the_assets_the_one_under_the_cursor_is_drawn(tmp_path: Path) -> None:
    async with on_an_item(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("enter", then=("Overview", "Collection chips"))
        await driver.press("a", "p", then=("chip0 / mask", "TIFF 20 x 20"))
        await driver.press("escape", "d", then=("Download assets", "1 file"))
        await driver.press("j", "p", then=(PreviewScreen, "chip0"))


async def test_of_a_collection_without_images_its_items_are_shown(tmp_path: Path) -> None:
    async with driven(of(chips(tmp_path / "catalog"), tmp_path), SMALL, then="▸ chips") as driver:
        await driver.press("j", "p", then=("chip0 / thumbnail", "1 of 3", "PNG 60 x 30"))


async def test_a_collections_own_thumbnail_comes_first(tmp_path: Path) -> None:
    folder = catalog(tmp_path / "catalog", [item("one", {})], assets={"thumb": THUMBNAIL})
    png(folder / "thumb.png")
    async with driven(of(folder, tmp_path), SMALL, then="▸ chips") as driver:
        await driver.press("j", "p", then=("chips / thumb", "PNG 60 x 30"))


async def test_images_in_an_archive_are_drawn(tmp_path: Path) -> None:
    folder = chips(tmp_path / "catalog")
    with tarfile.open(tmp_path / "kept.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname="catalog")
    async with on_an_item(tmp_path / "kept.tar.gz", tmp_path) as driver:
        await driver.press("p", then=("chip0 / thumbnail", "PNG 60 x 30"))


async def test_a_broken_image_and_none_at_all_are_said(tmp_path: Path) -> None:
    thumb = {"thumb": {"href": "./thumb.png", "type": "image/png"}}
    folder = catalog(tmp_path / "catalog", [item("scene", thumb), item("zero", {})])
    (folder / "thumb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    async with on_an_item(folder, tmp_path, "scene") as driver:
        await driver.press("p", then="cannot be drawn")
        await driver.press("j", then="has no image")
        await driver.press("escape", "j", "p", then=lambda: "no image among the assets" in driver.said())


async def test_an_image_whose_reader_pays_is_refused(tmp_path: Path) -> None:
    paid = {"thumb": {"href": "s3://sentinel-s2-l1c/tiles/preview.jpg", "type": "image/jpeg"}}
    async with on_an_item(catalog(tmp_path / "catalog", [item("scene", paid)]), tmp_path, "scene") as driver:
        await driver.press("p", then="reader has to pay")


@pytest.mark.parametrize(("colours", "drawn"), [("mono", "in characters"), ("full", "in half blocks")])
async def test_without_colours_it_is_drawn_in_characters(tmp_path: Path, colours: str, drawn: str) -> None:
    write_settings(f'colours = "{colours}"\n')
    async with on_an_item(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then=drawn)
        await driver.until(lambda: ("▀" in driver.screen()) == (colours == "full"))


async def test_previews_can_be_off(tmp_path: Path) -> None:
    write_settings('images = "off"\n')
    async with on_an_item(chips(tmp_path / "catalog"), tmp_path) as driver:
        await driver.press("p", then=lambda: "Previews are off" in driver.said())


def write_settings(text: str) -> None:
    from mlhub_tui import paths

    paths.config().parent.mkdir(parents=True, exist_ok=True)
    paths.config().write_text(text)


# Over the network


class Folder(FaultServer):
    """Serves the files of a folder, and images when the gate is open."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.by_target = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
        self.gate = threading.Event()
        self.gate.set()
        self.plan = self._plan

    @property
    def url(self) -> str:
        """Where the collection is."""
        return f"{self.origin}/collection.json"

    def asked(self, method: str, target: str) -> bool:
        """Tell whether there was such a request."""
        return (method, target) in [(request.method, request.target) for request in self.requests]

    def _plan(self, request: Request) -> Answer:
        if request.target not in self.by_target:
            return Answer(404)
        if request.method == "GET" and request.target.endswith(".png"):
            self.gate.wait()
        return Answer(headers={"Content-Type": mimetypes.guess_type(request.target)[0]})


async def test_over_ssh_nothing_is_fetched_before_its_bytes_were_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    folder = chips(tmp_path / "catalog")
    size = (folder / "thumb0.png").stat().st_size
    with Folder(folder) as server:
        async with on_an_item(server.url, tmp_path) as driver:
            await driver.press("p", then=(f"thumbnail: {size} B to fetch", "kB to draw", "enter fetches it"))
            assert server.asked("HEAD", "/thumb0.png")
            assert not server.asked("GET", "/thumb0.png")
            await driver.press("enter", then=(f"{size} B fetched", "in half blocks"))
            await driver.press("j")  # agreed to once: those of the next items come without a question
            await driver.until("chip1 / thumbnail", "B fetched")
            await driver.press("n", "k", then=("chip0 / mask", "TIFF"))
        before = len(server.requests)
        async with on_an_item(server.url, tmp_path) as driver:
            await driver.press("p", then="from the cache")
        assert not [target for target in server.targets[before:] if target.endswith(".png")]


@pytest.mark.slow
async def test_of_a_large_cog_only_an_overview_is_fetched(tmp_path: Path) -> None:
    visual = {"visual": {"href": "./cog.tif", "type": "image/tiff; profile=cloud-optimized"}}
    flat = {"flat": {"href": "./flat.tif", "type": "image/tiff"}}
    folder = catalog(tmp_path / "catalog", [item("scene", visual), item("zero", flat)])
    cog(folder / "cog.tif", 2400, 1200, 600)
    cog(folder / "flat.tif", 2400)
    with Folder(folder) as server:
        async with on_an_item(server.url, tmp_path, "scene") as driver:
            await driver.press("p", then=("TIFF 2,400 x 2,400", "overview of 600 x 600", "360.5 kB of 7.6"))
            assert server.sent < 500_000
            assert not server.asked("GET", "/flat.tif")
            await driver.press("j", then="its smallest overview is 5.8 MB")
            await driver.press("escape", then=lambda: under_the_cursor(driver) == "zero")
            await driver.press("k", "p", then=("overview of 600 x 600", "7.6 MB from the"))


async def test_escape_ends_a_fetch_that_takes_long_and_keys_are_answered_meanwhile(tmp_path: Path) -> None:
    with Folder(chips(tmp_path / "catalog")) as server:
        server.gate.clear()
        async with on_an_item(server.url, tmp_path) as driver:
            await driver.press("p", then=(lambda: server.asked("GET", "/thumb0.png"), "fetching…"))
            await driver.press("n", then=("chip0 / mask", "TIFF 20 x 20"))
            await driver.press("N", then="fetching…")
            await driver.press("escape")
            await driver.until(lambda: not isinstance(driver.app.screen, PreviewScreen), "Assets")
            server.gate.set()


async def test_a_large_image_is_asked_about_and_a_huge_one_refused(tmp_path: Path) -> None:
    assets = {"big": {**THUMBNAIL, "file:size": 6_000_000}, "huge": {**THUMBNAIL, "file:size": 10**9}}
    folder = catalog(tmp_path / "catalog", [item("scene", assets)])
    document = json.loads((folder / "scene.json").read_text())
    document["stac_extensions"] = ["https://stac-extensions.github.io/file/v2.1.0/schema.json"]
    (folder / "scene.json").write_text(json.dumps(document))
    png(folder / "thumb.png")
    with Folder(folder) as server:
        async with on_an_item(server.url, tmp_path, "scene") as driver:
            await driver.press("p", then="big: 6.0 MB to fetch")
            await driver.press("n", then="huge: 1.0 GB to fetch")
            await driver.press("enter", then="too large for a preview")

"""Images among the assets are drawn on request; what cannot be drawn is said."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mlhub_tui.errors import MLHubException
from mlhub_tui.models import Asset
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.preview.choose import is_picture, pictures
from mlhub_tui.ui.preview.blocks import draw
from mlhub_tui.ui.preview.decode import read_picture
from mlhub_tui.ui.preview.screen import PreviewScreen

from .conftest import driven
from .test_search import said


def catalog(folder: Path, assets: dict[str, Any]) -> Path:
    """Write a collection with one item."""
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "scene",
        "collection": "chips",
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": assets,
    }
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "chips",
        "description": "Chips",
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}},
        "links": [{"rel": "item", "href": "./scene.json"}],
    }
    folder.mkdir()
    (folder / "scene.json").write_text(json.dumps(item))
    (folder / "collection.json").write_text(json.dumps(collection))
    return folder


def png(path: Path, width: int, height: int) -> None:
    """Write an image that is red above and blue below."""
    image = Image.new("RGB", (width, height), (255, 0, 0))
    image.paste((0, 0, 255), (0, height // 2, width, height))
    image.save(path)


async def test_p_draws_the_thumbnail_of_an_item(tmp_path: Path) -> None:
    thumbnail = {"href": "./thumb.png", "type": "image/png", "roles": ["thumbnail"]}
    data = {"href": "./data.tif", "type": "image/tiff"}
    folder = catalog(tmp_path / "catalog", {"data": data, "thumb": thumbnail})
    png(folder / "thumb.png", 60, 30)
    async with driven(AppOptions(source=str(folder), output_dir=tmp_path), (80, 24)) as driver:
        await driver.until("chips")
        await driver.press("j", "l", "j")
        await driver.until("Dates")
        await driver.press("enter", "p")
        await driver.until("PNG, 60 x 30")
        assert isinstance(driver.app.screen, PreviewScreen)
        assert "▀▀▀▀▀▀▀▀" in driver.screen()
        await driver.press("escape")
        await driver.until(lambda: not isinstance(driver.app.screen, PreviewScreen))
    kept = tmp_path / "mlhub-home" / "cache" / "previews"
    assert [path.name for path in kept.rglob("*.png")] == ["thumb.png"]
    assert not list(tmp_path.glob("chips*")), "the download folder is left alone"


async def test_a_broken_image_and_none_at_all_are_said(tmp_path: Path) -> None:
    folder = catalog(tmp_path / "catalog", {"thumb": {"href": "./thumb.png", "type": "image/png"}})
    (folder / "thumb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    async with driven(AppOptions(source=str(folder), output_dir=tmp_path), (80, 24)) as driver:
        await driver.until("chips")
        await driver.press("j", "enter")
        await driver.until("Overview")
        await driver.until("CC0-1.0")
        await driver.press("p")
        await driver.until(lambda: "no PNG or JPEG" in said(driver))
        await driver.press("escape", "l", "j")
        await driver.until("Dates")
        await driver.press("enter", "p")
        await driver.until("cannot be drawn")


def test_a_cell_is_two_pixels_and_proportions_are_kept(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 40, 40)
    picture = read_picture(tmp_path / "a.png")
    strips = draw(picture.image, 80, 10)
    assert (len(strips), strips[0].cell_length) == (10, 20)
    top, bottom = [next(iter(strip)).style for strip in (strips[0], strips[-1])]
    assert top is not None and top.color is not None and top.color.triplet == (255, 0, 0)
    assert bottom is not None and bottom.bgcolor is not None and bottom.bgcolor.triplet == (0, 0, 255)
    assert len(list(strips[0])) == 1, "cells that look the same are one segment"
    assert all(strip.text.isascii() for strip in draw(picture.image, 80, 10, ascii_only=True))


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(MLHubException, match="cannot be drawn"):
        read_picture(tmp_path / "bomb.png")


def test_sixteen_bits_and_transparency_are_drawn(tmp_path: Path) -> None:
    Image.new("I;16", (8, 8), 65535).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png").image.getpixel((0, 0)) == (255, 255, 255)
    Image.new("RGBA", (8, 8), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").image.getpixel((0, 0)) == (0, 0, 0)


def test_the_best_picture_is_the_thumbnail_else_an_overview_else_any() -> None:
    def asset(key: str, kind: str, *roles: str) -> Asset:
        return Asset(key, f"https://x.test/{key}", media_type=kind, roles=roles)

    some = (
        asset("a", "image/png"),
        asset("b", "image/jpeg", "overview"),
        asset("c", "image/tiff", "thumbnail"),
    )
    best = best_picture(some)
    assert best is not None and best.key == "b"
    assert best_picture(some[2:]) is None
    assert is_picture(Asset("d", "https://x.test/d.JPG?sig=1"))

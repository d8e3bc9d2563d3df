"""Small catalogs with images, to be looked at."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from tests.support import stac


def item(name: str, assets: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    """Return an item."""
    properties = {"datetime": "2020-01-01T00:00:00Z", **properties}
    return stac.item(name, "chips", properties=properties, assets=dict(assets))


def catalog(folder: Path, items: Sequence[dict[str, Any]], **more: Any) -> Path:
    """Write a collection with items and return its folder."""
    links = (stac.link("item", f"./{one['id']}.json") for one in items)
    collection = stac.collection("chips", *links, **{"description": "Chips", **more})
    folder.mkdir(exist_ok=True)
    for one in items:
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    (folder / "collection.json").write_text(json.dumps(collection))
    return folder


def png(path: Path, width: int = 60, height: int = 30, colour: tuple[int, int, int] = (255, 0, 0)) -> None:
    """Write an image that is of a colour above and blue below."""
    image = Image.new("RGB", (width, height), colour)
    image.paste((0, 0, 255), (0, height // 2, width, height))
    image.save(path)


def cog(path: Path, *sides: int) -> None:
    """Write a GeoTIFF of noise as cloud-optimized ones are: directories first, then the smallest image."""
    levels = [(side, zlib.compress(Random(side).randbytes(side * side), 1)) for side in sides]
    tags = 10
    length = 2 + 12 * tags + 4
    at, places = 8 + len(levels) * length, {}
    for side, data in reversed(levels):
        places[side] = at
        at += len(data)
    with path.open("wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, 8))
        for number, (side, data) in enumerate(levels):
            values = {254: int(number > 0), 256: side, 257: side, 258: 8, 259: 8, 262: 1}
            values |= {273: places[side], 277: 1, 278: side, 279: len(data)}
            file.write(struct.pack("<H", tags))
            for tag, value in values.items():
                file.write(struct.pack("<HHII", tag, 4, 1, value))
            file.write(struct.pack("<I", 8 + (number + 1) * length if number + 1 < len(levels) else 0))
        for _, data in reversed(levels):
            file.write(data)


THUMBNAIL = {"href": "./thumb.png", "type": "image/png", "roles": ["thumbnail"]}


def chips(folder: Path, number: int = 3) -> Path:
    """Write a collection of items, each with a thumbnail and a mask."""
    folder.mkdir()
    items = []
    for at in range(number):
        png(folder / f"thumb{at}.png", colour=(255, 40 * at, 0))
        Image.new("L", (20, 20), at).save(folder / f"mask{at}.tif")
        assets = {
            "mask": {"href": f"./mask{at}.tif", "type": "image/tiff", "roles": ["labels"]},
            "thumbnail": {**THUMBNAIL, "href": f"./thumb{at}.png", "title": "A look"},
        }
        items.append(item(f"chip{at}", assets, datetime=f"2020-0{at + 1}-01T00:00:00Z"))
    return catalog(folder, items)

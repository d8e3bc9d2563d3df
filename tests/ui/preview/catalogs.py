"""Small catalogs with images, to be looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image


def item(name: str, assets: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    """Return an item."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "chips",
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z", **properties},
        "links": [],
        "assets": dict(assets),
    }


def catalog(folder: Path, items: Sequence[dict[str, Any]], **more: Any) -> Path:
    """Write a collection with items and return its folder."""
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "chips",
        "description": "Chips",
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[0, 0, 1, 1]]}, "temporal": {"interval": [[None, None]]}},
        "links": [{"rel": "item", "href": f"./{one['id']}.json"} for one in items],
        **more,
    }
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

"""Makes static catalogs: nested catalogs of collections of items, as files by their paths."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tests.support import stac
from tests.support.stac import link

__all__ = ["catalog", "collection", "encoded", "forest", "item", "link", "pack", "plant"]

Files = dict[str, Any]
ASTRAY = link("self", "https://elsewhere.invalid/catalog.json")


def catalog(identity: str, *links: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a catalog whose `self` link leads astray."""
    return stac.catalog(identity, ASTRAY, *links, **{"description": f"The {identity}.", **more})


def collection(identity: str, *links: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a collection."""
    return stac.collection(identity, ASTRAY, *links, **{"description": f"The {identity}.", **more})


def item(identity: str, collection_id: str = "", **more: Any) -> dict[str, Any]:
    """Return an item with one asset beside it."""
    place = {"geometry": {"type": "Point", "coordinates": [1.0, 2.0]}, "bbox": [1.0, 2.0, 1.0, 2.0]}
    assets, up = {"data": {"href": f"./{identity}.tif"}}, link("root", "../../catalog.json")
    return stac.item(identity, collection_id, **{**place, "assets": assets, "links": [up], **more})


def forest(collections: int = 2, items: int = 3, root: str = "") -> Files:
    """Return a root catalog, below it a catalog of collections, below each its items."""
    names = [f"c{number}" for number in range(collections)]
    files: Files = {
        f"{root}catalog.json": catalog("root", link("child", "./regions/catalog.json", title="Regions")),
        f"{root}regions/catalog.json": catalog(
            "regions", *(link("child", f"./{name}/collection.json") for name in names)
        ),
    }
    for name in names:
        ids = [f"{name}-{number:04d}" for number in range(items)]
        links = (link("item", f"./{identity}/{identity}.json") for identity in ids)
        files[f"{root}regions/{name}/collection.json"] = collection(name, *links)
        for identity in ids:
            files[f"{root}regions/{name}/{identity}/{identity}.json"] = item(identity, name)
    return files


def encoded(value: Any) -> bytes:
    """Return what a file holds: bytes as they are, anything else as JSON."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def plant(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write files into a folder and return it."""
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(value))
    return folder


def pack(
    path: Path, files: Mapping[str, Any], *extra: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT
) -> Path:
    """Write files into an archive, gzip by its name; extra members without data come first."""
    mode: Literal["w:gz", "w"] = "w:gz" if path.suffix in (".gz", ".tgz") else "w"
    with tarfile.open(path, mode, format=format) as archive:
        for member in extra:
            archive.addfile(member)
        for name, value in files.items():
            member = tarfile.TarInfo(name)
            data = encoded(value)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a member that is no regular file."""
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = target
    return member

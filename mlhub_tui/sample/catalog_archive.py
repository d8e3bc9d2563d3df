"""The STAC catalog of a dataset as one `.tar.gz`, laid out as the hosted API's `catalog/` endpoint gave it.

`DATASET/catalog.json`, `DATASET/COLLECTION/collection.json`, `DATASET/COLLECTION/ITEM/ITEM.json`. Asset hrefs
are absolute links into the store with a file ending, as clients of that endpoint expect (radiant_mlhub 0.5.5,
`CatalogDownloader`). They name the store's port, so the bytes differ from one server to the next; their
number does not, as it is a field of the API (`stac_catalog_size`). Sizes of assets are given (`file:size`),
but not of what a collection shares: both happen in the field, as do collections with assets of their own,
lists of splits, and items without a place, a time or assets. The API's items are regular.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zlib
from typing import Any

from . import documents, items
from .assets import asset_bytes, picture_size
from .catalog import CollectionEntry, DatasetEntry
from .hashing import mix, seed_of
from .sensors import CSV, DOCUMENTATION, SENSORS, AssetKind

Json = dict[str, Any]
_GZIP_HEADER = b"\x1f\x8b\x08\x10\0\0\0\0\x02\xff"
_STEP, _REMAINDER = 128, 15
"""Bytes: a catalog's size is a multiple of the one and the other, which documented examples count on."""
_FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"

LEGEND = AssetKind("legend", CSV, ("metadata",), "Classes and their numbers")
"""The own asset of collections of labels."""
SPLITS = tuple(
    AssetKind(f"{name}_split", CSV, ("metadata",), f"Items of the {name} split")
    for name in ("train", "validation", "test")
)
"""Assets that all items of some collections share."""

_WITH_SPLITS = frozenset({"landcovernet_v1", "ref_african_crops_kenya_02"})
_WITHOUT_PLACE = frozenset({"ref_landcovernet_v1_labels"})
_WITHOUT_ASSETS = frozenset({"ref_landcovernet_v1_labels"})
_WITHOUT_TIME = frozenset({"ts_cashew_benin_labels"})


def catalog_bytes(entry: DatasetEntry, store_url: str) -> bytes:
    """Return the archive; `store_url` ends with a slash."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, f"{entry.id}/catalog.json", _catalog(entry))
        for collection in entry.collections:
            folder = f"{entry.id}/{collection.id}"
            _add(archive, f"{folder}/collection.json", _collection(collection, entry, store_url))
            for index in range(collection.items):
                document = _item(collection, index, store_url)
                _add(archive, f"{folder}/{document['id']}/{document['id']}.json", document)
    return _gzip(raw.getvalue())


def _gzip(content: bytes) -> bytes:
    """Compress to a size that no port changes, by a comment of spaces (RFC 1952, FCOMMENT).

    The digits of a port compress to a byte more or less; the comment makes up for them.
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    size = len(_GZIP_HEADER) + 1 + len(body) + len(trailer)
    comment = b" " * ((_REMAINDER - size) % _STEP) + b"\0"
    return _GZIP_HEADER + comment + body + trailer


def _add(archive: tarfile.TarFile, name: str, document: Json) -> None:
    content = json.dumps(document).encode()
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


def _link(rel: str, href: str) -> Json:
    return {"rel": rel, "href": href, "type": "application/json"}


def _catalog(entry: DatasetEntry) -> Json:
    return {
        "type": "Catalog",
        "id": entry.id,
        "stac_version": "1.0.0",
        "description": entry.raw["description"],
        "links": [
            _link("root", "./catalog.json"),
            *(_link("child", f"./{collection.id}/collection.json") for collection in entry.collections),
        ],
    }


def _collection(entry: CollectionEntry, parent: DatasetEntry, store_url: str) -> Json:
    document = documents.bare_collection(entry, parent)
    ids = (items.item_id(entry, index) for index in range(entry.items))
    document["links"] = [_link("root", "../catalog.json"), _link("parent", "../catalog.json")]
    document["links"] += [_link("item", f"./{identity}/{identity}.json") for identity in ids]
    own = own_assets(entry)
    if own:
        document["assets"] = {kind.key: _shared(entry, kind, store_url) for kind in own}
    return document


def _item(entry: CollectionEntry, index: int, store_url: str) -> Json:
    document = items.item(entry, index)
    document["links"] = [_link("root", "../../catalog.json"), _link("parent", "../collection.json")]
    document["links"].append(_link("collection", "../collection.json"))
    for kind in SENSORS[entry.sensor].assets:
        folder = "_common" if kind is DOCUMENTATION else document["id"]
        asset = document["assets"][kind.key]
        asset["href"] = f"{store_url}assets/{entry.id}/{folder}/{kind.file_name}"
        asset["file:size"] = picture_size(kind) or len(asset_bytes(entry, index, kind))
    for kind in shared_assets(entry):
        document["assets"][kind.key] = _shared(entry, kind, store_url)
    document["stac_extensions"] = [*document.get("stac_extensions", []), _FILE_EXTENSION]
    leave_gaps(entry, index, document)
    return document


def _shared(entry: CollectionEntry, kind: AssetKind, store_url: str) -> Json:
    href = f"{store_url}assets/{entry.id}/_common/{kind.file_name}"
    return {"href": href, "type": kind.media_type, "roles": list(kind.roles), "title": kind.title}


def own_assets(entry: CollectionEntry) -> tuple[AssetKind, ...]:
    """Return the assets that a collection itself has."""
    return (LEGEND,) if SENSORS[entry.sensor].is_label else ()


def shared_assets(entry: CollectionEntry) -> tuple[AssetKind, ...]:
    """Return the assets that all items of a collection share, beside the documentation."""
    return SPLITS if entry.dataset in _WITH_SPLITS and SENSORS[entry.sensor].is_label else ()


def leave_gaps(entry: CollectionEntry, index: int, document: Json) -> None:
    """Take from an item what some items do not have: the first its place or time, the second its assets."""
    if index == 0 and entry.id in _WITHOUT_PLACE:
        document["geometry"] = None
        del document["bbox"]
    if index == 0 and entry.id in _WITHOUT_TIME:
        document["properties"]["datetime"] = None
    if index == 1 and entry.id in _WITHOUT_ASSETS:
        document["assets"] = {}


def own_content(entry: CollectionEntry, file_name: str) -> bytes | None:
    """Return the bytes of one of these assets, None where the collection has no such file."""
    kinds = {kind.file_name: kind for kind in (*own_assets(entry), *shared_assets(entry))}
    kind = kinds.get(file_name)
    if kind is None:
        return None
    rows = _classes(entry) if kind is LEGEND else _split(entry, SPLITS.index(kind))
    return "\n".join([*rows, ""]).encode()


def _classes(entry: CollectionEntry) -> list[str]:
    return ["number,class", *(f"{number},{name}" for number, name in enumerate(items.class_names(entry), 1))]


def _split(entry: CollectionEntry, number: int) -> list[str]:
    """Return the items of a split: three in five train, the others validate and test."""
    seed = seed_of(entry.id)
    parts = (0, 0, 0, 1, 2)
    found = (index for index in range(entry.items) if parts[mix(seed, index, 9) % 5] == number)
    return ["item", *(items.item_id(entry, index) for index in found)]

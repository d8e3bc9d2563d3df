"""The archive of a collection, laid out as the hosted ones: documents, small images, a mosaic for the bulk.

`COLLECTION/collection.json`, `COLLECTION/_common/`, `COLLECTION/ITEM/stac.json` and the assets beside it. An
archive holds the first items of its collection; its size is about what the catalog's files aim at.

The MD5 of every archive is package data, as hashing hundreds of megabytes takes seconds:
`python -m mlhub_tui.sample.archives` writes `data/checksums.json` again; it is due when an archive's
fingerprint has changed. An archive whose fingerprint the file does not have is served without a Content-MD5.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from . import assets, documents, items, pictures
from .archive_stream import GzipStream, Member, Reader, TarWriter, lazily, whole
from .catalog import Box, CollectionEntry, DatasetEntry, load
from .hashing import mix, seed_of
from .sensors import DOCUMENTATION, SENSORS, AssetKind

GENERATOR = 2
"""Counts the versions of this generator; a change of the bytes must change it."""

_MOST_ITEMS = 40
_MOSAIC_WIDTH = 1024
_LEAST_MOSAIC = 64 * 1024
_GRAIN = 1 << 20
_LOOKED_AT = 20
_LOOKED_AT_BYTES = 64 * 1024


class Archive:
    """The `.tar.gz` of one collection: `size` in bytes, `fingerprint` changes when the bytes do."""

    def __init__(self, entry: CollectionEntry, parent: DatasetEntry) -> None:
        if entry.archive_size is None:
            raise ValueError(f"{entry.id} has no archive")
        plan = _Plan(entry, parent, entry.archive_size)
        self._gzip = GzipStream(TarWriter(plan.folders, plan.members))
        self.size = self._gzip.size
        self.chunks = self._gzip.chunks
        self.fingerprint = _fingerprint(self.size, plan.members)


class _Plan:
    """Decides what goes into an archive, document by document, until its size is reached."""

    def __init__(self, entry: CollectionEntry, parent: DatasetEntry, target: int) -> None:
        self.entry, self.parent = entry, parent
        self.folders = [entry.id, f"{entry.id}/_common"]
        self.members: list[Member] = []
        self._add(f"_common/{DOCUMENTATION.file_name}", assets.documentation(entry))
        count = self._add_items(target)
        mosaic = (target - self._used()) // _MOSAIC_WIDTH * _MOSAIC_WIDTH
        box = entry.boxes[0]
        if mosaic >= _LEAST_MOSAIC:
            self._add_mosaic(box, mosaic // _MOSAIC_WIDTH)
        self._add("collection.json", _dump(self._collection(count, mosaic >= _LEAST_MOSAIC)))

    def _add(self, name: str, content: bytes) -> None:
        self.members.append(Member(f"{self.entry.id}/{name}", len(content), whole(content)))

    def _used(self) -> int:
        return sum(1024 + member.size for member in self.members) + 4096

    def _add_items(self, target: int) -> int:
        for index in range(min(_MOST_ITEMS, self.entry.items)):
            if index and self._used() * (index + 1) // index > target:
                return index
            self._add_item(index)
        return min(_MOST_ITEMS, self.entry.items)

    def _add_item(self, index: int) -> None:
        document = items.item(self.entry, index)
        folder = document["id"]
        self.folders.append(f"{self.entry.id}/{folder}")
        kinds = [kind for kind in SENSORS[self.entry.sensor].assets if kind is not DOCUMENTATION]
        document["assets"][DOCUMENTATION.key]["href"] = f"../_common/{DOCUMENTATION.file_name}"
        for kind in kinds:
            document["assets"][kind.key]["href"] = kind.file_name
        document["links"] = [
            {"rel": rel, "href": "../collection.json", "type": "application/json"}
            for rel in ("collection", "parent", "root")
        ]
        self._add(f"{folder}/stac.json", _dump(document))
        for kind in kinds:
            self._add_asset(folder, index, kind)

    def _add_asset(self, folder: str, index: int, kind: AssetKind) -> None:
        size = assets.picture_size(kind)
        if size is None:
            self._add(f"{folder}/{kind.file_name}", assets.asset_bytes(self.entry, index, kind))
            return
        reader = lazily(lambda: assets.asset_bytes(self.entry, index, kind))
        self.members.append(Member(f"{self.entry.id}/{folder}/{kind.file_name}", size, reader))

    def _add_mosaic(self, box: Box, height: int) -> None:
        header = pictures.geotiff_header(_MOSAIC_WIDTH, height, 1, box)
        size = len(header) + _MOSAIC_WIDTH * height
        self.members.append(
            Member(f"{self.entry.id}/_common/mosaic.tif", size, _grain(header, self.entry.id))
        )

    def _collection(self, count: int, mosaic: bool) -> dict[str, Any]:
        document = documents.bare_collection(self.entry, self.parent)
        document["links"] = [{"rel": "root", "href": "collection.json", "type": "application/json"}]
        document["links"] += [
            {
                "rel": "item",
                "href": f"{items.item_id(self.entry, i)}/stac.json",
                "type": "application/geo+json",
            }
            for i in range(count)
        ]
        if mosaic:
            title = "Noise in the place of the remaining imagery"
            document["assets"] = {
                "mosaic": {"href": "_common/mosaic.tif", "type": "image/tiff", "title": title}
            }
        return document


def _fingerprint(size: int, members: list[Member]) -> str:
    """Return a digest of names, sizes and documents, and of enough images to notice when code changes."""
    digest = hashlib.sha256(f"{GENERATOR} {size}".encode())
    for number, member in enumerate(members):
        digest.update(f"{member.name} {member.size}\n".encode())
        if number < _LOOKED_AT or member.name.endswith((".json", "mosaic.tif")):
            digest.update(member.read(0, _LOOKED_AT_BYTES))
    return digest.hexdigest()[:24]


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()


@cache
def _noise() -> bytes:
    return hashlib.shake_128(b"mlhub-tui sample").digest(_GRAIN) * 2


def _grain(header: bytes, name: str) -> Reader:
    """Return a reader of `header` and then endless noise: each megabyte another turn of the same noise."""
    seed = seed_of(name)

    def pixels(place: int, length: int) -> bytes:
        number, inside = divmod(place, _GRAIN)
        turn = mix(seed, number) % _GRAIN
        block = mix(seed, number, 1).to_bytes(8, "big") + _noise()[turn + 8 : turn + _GRAIN]
        return block[inside : inside + length]

    def read(offset: int, length: int) -> bytes:
        found = [header[offset : offset + length]]
        place, missing = max(0, offset - len(header)), length - len(found[0])
        while missing > 0:
            piece = pixels(place, missing)
            found.append(piece)
            place, missing = place + len(piece), missing - len(piece)
        return b"".join(found)

    return read


_SUMS = "checksums.json"


def known_sums() -> dict[str, str]:
    """Return MD5 sums in base64 (RFC 1864) by archive fingerprint."""
    file = files(__package__) / "data" / _SUMS
    sums: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return sums


def md5_of(archive: Archive) -> str:
    """Return an archive's MD5 in base64, by making all of it."""
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in archive.chunks(0, archive.size):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def main() -> None:
    """Write the file of sums for every archive of the catalog; sums that are known are copied."""
    known, sums = known_sums(), {}
    catalog = load()
    for entry in catalog.collections.values():
        if entry.archive_size is not None:
            archive = Archive(entry, catalog.datasets[entry.dataset])
            sums[archive.fingerprint] = known.get(archive.fingerprint) or md5_of(archive)
    target = Path(str(files(__package__))) / "data" / _SUMS
    target.write_text(json.dumps(sums, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

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
import io
import json
import struct
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from . import assets, documents, items
from .assets import asset_bytes, picture_size, stored
from .catalog import Box, CollectionEntry, DatasetEntry, load
from .items import CSV, DOCUMENTATION, SENSORS, AssetKind, mix, seed_of

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
        header = assets.geotiff_header(_MOSAIC_WIDTH, height, 1, box)
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


@cache
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


_BLOCK = tarfile.BLOCKSIZE
_MTIME = 1_612_224_000  # 2021-02-02, about when the hosted archives were made

Reader = Callable[[int, int], bytes]
"""Returns the content from an offset on, `length` bytes of it."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive; `size` in bytes must be what `read` can give."""

    name: str
    size: int
    read: Reader


def whole(content: bytes) -> Reader:
    """Return a reader of bytes that are there already."""
    return lambda offset, length: content[offset : offset + length]


def lazily(make: Callable[[], bytes]) -> Reader:
    """Return a reader of bytes that are generated again for each read."""
    return lambda offset, length: make()[offset : offset + length]


class TarWriter:
    """The uncompressed bytes of a tar archive (POSIX ustar), `size` of them.

    - `folders`: Names of the folders, without a slash at the end; they come first.
    """

    def __init__(self, folders: list[str], members: list[Member]) -> None:
        pieces: list[tuple[int, Reader]] = [(_BLOCK, whole(_folder(name))) for name in folders]
        for member in members:
            pieces.append((_BLOCK, whole(_file(member))))
            pieces.append((member.size, member.read))
            pieces.append((-member.size % _BLOCK, _zeros))
        pieces.append((2 * _BLOCK, _zeros))
        self._starts: list[int] = []
        self._pieces: list[tuple[int, Reader]] = []
        self.size = 0
        for size, reader in pieces:
            if size:
                self._starts.append(self.size)
                self._pieces.append((size, reader))
                self.size += size

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset` on; fewer only at the end."""
        end = min(offset + length, self.size)
        found: list[bytes] = []
        place = bisect_right(self._starts, offset) - 1
        while offset < end:
            size, reader = self._pieces[place]
            inside = offset - self._starts[place]
            piece = reader(inside, min(size - inside, end - offset))
            found.append(piece)
            offset += len(piece)
            place += 1
        return b"".join(found)


def _zeros(offset: int, length: int) -> bytes:
    return bytes(length)


def _header(info: tarfile.TarInfo) -> bytes:
    info.mtime, info.uname, info.gname = _MTIME, "root", "root"
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8")


def _folder(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return _header(info)


def _file(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size, info.mode = member.size, 0o644
    return _header(info)


_STORED_MAX = 65535
_BLOCKS = 16
PAYLOAD = _STORED_MAX * _BLOCKS
"""Uncompressed bytes in a full member."""

_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_TRAILER = 8
_BLOCK_HEAD = 5


def _member_size(payload: int) -> int:
    blocks = max(1, -(-payload // _STORED_MAX))
    return len(_HEAD) + blocks * _BLOCK_HEAD + payload + _TRAILER


_FULL = _member_size(PAYLOAD)


class GzipStream:
    """The bytes of `stream` as a `.gz` file, `size` of them."""

    def __init__(self, stream: TarWriter) -> None:
        self._stream = stream
        full, rest = divmod(stream.size, PAYLOAD)
        self.size = full * _FULL + (_member_size(rest) if rest else 0)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, one gzip member or part of one at a time."""
        while start < stop:
            number, inside = divmod(start, _FULL)
            piece = self._member(number)[inside : inside + stop - start]
            yield piece
            start += len(piece)

    def _member(self, number: int) -> bytes:
        payload = self._stream.read(number * PAYLOAD, PAYLOAD)
        return _HEAD + stored(payload) + struct.pack("<II", zlib.crc32(payload), len(payload))


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


if __name__ == "__main__":
    main()

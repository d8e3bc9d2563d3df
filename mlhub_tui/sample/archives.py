"""The archives of collections and the catalogs of datasets, laid out as the hosted ones.

The archive of a collection is `COLLECTION/collection.json`, `COLLECTION/_common/`, and in `COLLECTION/ITEM/`
`stac.json` and assets for each of the first items; noise as a mosaic makes up for its size.

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
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from . import assets, documents, items
from .assets import asset_bytes, picture_size, stored
from .catalog import CSV, DOCUMENTATION, AssetKind, CollectionEntry, DatasetEntry, Json, load
from .items import mix, seed_of

GENERATOR = 2
"""Counts the versions of this generator; a change of the bytes must change it."""
PAYLOAD = 65535 * 16
"""Uncompressed bytes in a full gzip member: deflate's longest stored block, times 16."""
_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_BLOCK = tarfile.BLOCKSIZE
_MTIME = 1_612_224_000  # 2021-02-02, about when the hosted archives were made
_MOST_ITEMS = 40
_MOSAIC_WIDTH = 1024
_LEAST_MOSAIC = 64 * 1024
_GRAIN = 1 << 20
_LOOKED_AT, _LOOKED_AT_BYTES = 20, 64 * 1024  # files, and bytes of each, that the fingerprint is made of

Reader = Callable[[int, int], bytes]
"""Returns the content from an offset on, `length` bytes of it."""


class Member(NamedTuple):
    """One file of an archive; `size` in bytes must be what `read` can give."""

    name: str
    size: int
    read: Reader


def whole(content: bytes) -> Reader:
    """Return a reader of bytes that are there already."""
    return lambda offset, length: content[offset : offset + length]


class TarGzip:
    """A `.tar.gz` made as it is read: a tar (POSIX ustar) in gzip members that are not compressed."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._starts: list[int] = []
        self._pieces: list[tuple[int, Reader]] = []
        plain = 0
        for size, reader in _tar(members):
            if size:
                self._starts.append(plain)
                self._pieces.append((size, reader))
                plain += size
        self._full = _gzip_size(PAYLOAD)
        full, rest = divmod(plain, PAYLOAD)
        self.size = full * self._full + (_gzip_size(rest) if rest else 0)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, one gzip member or part of one at a time."""
        while start < stop:
            number, inside = divmod(start, self._full)
            payload = self._plain(number * PAYLOAD, PAYLOAD)
            end = struct.pack("<II", zlib.crc32(payload), len(payload))
            piece = (_HEAD + stored(payload) + end)[inside : inside + stop - start]
            yield piece
            start += len(piece)

    def _plain(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes of the tar from `offset` on; fewer only at the end."""
        place, found = bisect_right(self._starts, offset) - 1, list[bytes]()
        while length > 0 and place < len(self._pieces):
            size, reader = self._pieces[place]
            inside = offset - self._starts[place]
            found.append(reader(inside, min(size - inside, length)))
            offset, length, place = offset + len(found[-1]), length - len(found[-1]), place + 1
        return b"".join(found)


def _tar(members: Sequence[Member]) -> Iterator[tuple[int, Reader]]:
    """Yield the pieces of a tar, folders first: the bytes of each and what reads them."""
    folders = dict.fromkeys(folder for each in members for folder in Path(each.name).parents[-2::-1])
    for folder in folders:
        yield _BLOCK, whole(_header(folder.as_posix(), 0o755, type=tarfile.DIRTYPE))
    for each in members:
        yield _BLOCK, whole(_header(each.name, 0o644, size=each.size))
        yield each.size, each.read
        yield -each.size % _BLOCK, lambda _, length: bytes(length)
    yield 2 * _BLOCK, lambda _, length: bytes(length)


def _header(name: str, mode: int, **more: int | bytes) -> bytes:
    info = tarfile.TarInfo(name)
    for field, value in {"mode": mode, "mtime": _MTIME, "uname": "root", "gname": "root", **more}.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8")


def _gzip_size(payload: int) -> int:
    return len(_HEAD) + max(1, -(-payload // 65535)) * 5 + payload + 8


class Archive(TarGzip):
    """The archive of one collection: `size` in bytes, `fingerprint` changes when the bytes do."""

    def __init__(self, entry: CollectionEntry, parent: DatasetEntry) -> None:
        if entry.archive_size is None:
            raise ValueError(f"{entry.id} has no archive")
        members = _members(entry, parent, entry.archive_size)
        super().__init__(members)
        # Of names, sizes and documents, and of enough images to notice when code changes.
        digest = hashlib.sha256(f"{GENERATOR} {self.size}".encode())
        for number, member in enumerate(members):
            digest.update(f"{member.name} {member.size}\n".encode())
            if number < _LOOKED_AT or member.name.endswith((".json", "mosaic.tif")):
                digest.update(member.read(0, _LOOKED_AT_BYTES))
        self.fingerprint = digest.hexdigest()[:24]


def _members(entry: CollectionEntry, parent: DatasetEntry, target: int) -> list[Member]:
    """Return what goes into an archive, item by item, until its size is reached."""
    found: list[Member] = []

    def add(name: str, content: bytes) -> None:
        found.append(Member(f"{entry.id}/{name}", len(content), whole(content)))

    def used() -> int:
        return sum(1024 + member.size for member in found) + 4096

    add(f"_common/{DOCUMENTATION.file_name}", assets.documentation(entry))
    count = 0
    while count < min(_MOST_ITEMS, entry.items) and not (count and used() * (count + 1) // count > target):
        document = _archived(entry, count)
        add(f"{document['id']}/stac.json", _dump(document))
        for kind in entry.look.assets:
            name = f"{document['id']}/{kind.file_name}"
            if (size := picture_size(kind)) is not None:
                found.append(Member(f"{entry.id}/{name}", size, _picture(entry, count, kind)))
            elif kind is not DOCUMENTATION:
                add(name, asset_bytes(entry, count, kind))
        count += 1
    collection = documents.bare_collection(entry, parent)
    ids = (items.item_id(entry, index) for index in range(count))
    collection["links"] = [
        _link("root", "collection.json"),
        *(_link("item", f"{identity}/stac.json", "application/geo+json") for identity in ids),
    ]
    rows = (target - used()) // _MOSAIC_WIDTH
    if rows * _MOSAIC_WIDTH >= _LEAST_MOSAIC:
        header = assets.geotiff_header(_MOSAIC_WIDTH, rows, 1, entry.boxes[0])
        size = len(header) + _MOSAIC_WIDTH * rows
        found.append(Member(f"{entry.id}/_common/mosaic.tif", size, _grain(header, entry.id)))
        title = "Noise in the place of the remaining imagery"
        collection["assets"] = {
            "mosaic": {"href": "_common/mosaic.tif", "type": "image/tiff", "title": title}
        }
    add("collection.json", _dump(collection))
    return found


def _archived(entry: CollectionEntry, index: int) -> Json:
    """Return an item as it is in the archive of its collection."""
    document = items.item(entry, index)
    for kind in entry.look.assets:
        above = "../_common/" if kind is DOCUMENTATION else ""
        document["assets"][kind.key]["href"] = f"{above}{kind.file_name}"
    document["links"] = [_link(rel, "../collection.json") for rel in ("collection", "parent", "root")]
    return document


def _picture(entry: CollectionEntry, index: int, kind: AssetKind) -> Reader:
    """Return a reader of an image that is drawn again for each read."""
    return lambda offset, length: asset_bytes(entry, index, kind)[offset : offset + length]


def _link(rel: str, href: str, media_type: str = "application/json") -> Json:
    return {"rel": rel, "href": href, "type": media_type}


def _dump(document: Json) -> bytes:
    return json.dumps(document, indent=1).encode()


@cache
def _noise() -> bytes:
    return hashlib.shake_128(b"mlhub-tui sample").digest(_GRAIN) * 2


def _grain(header: bytes, name: str) -> Reader:
    """Return a reader of `header` and then endless noise: each megabyte another turn of the same noise."""
    seed = seed_of(name)

    def read(offset: int, length: int) -> bytes:
        found = [header[offset : offset + length]]
        place, missing = max(0, offset - len(header)), length - len(found[0])
        while missing > 0:
            number, inside = divmod(place, _GRAIN)
            turn = mix(seed, number) % _GRAIN
            block = mix(seed, number, 1).to_bytes(8, "big") + _noise()[turn + 8 : turn + _GRAIN]
            found.append(block[inside : inside + missing])
            place, missing = place + len(found[-1]), missing - len(found[-1])
        return b"".join(found)

    return read


@cache
def known_sums() -> dict[str, str]:
    """Return MD5 sums in base64 (RFC 1864) by archive fingerprint."""
    file = files(__package__) / "data" / "checksums.json"
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
    known, sums, catalog = known_sums(), {}, load()
    for entry in catalog.collections.values():
        if entry.archive_size is not None:
            archive = Archive(entry, catalog.datasets[entry.dataset])
            sums[archive.fingerprint] = known.get(archive.fingerprint) or md5_of(archive)
    target = Path(str(files(__package__))) / "data" / "checksums.json"
    target.write_text(json.dumps(sums, indent=0) + "\n", encoding="utf-8")


# Catalogs of datasets

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
"""Assets that all items of some collections of labels share, beside the documentation."""
_WITH_SPLITS = frozenset({"landcovernet_v1", "ref_african_crops_kenya_02"})
# The first item has no place or time, the second no assets, as in some hosted collections.
_WITHOUT_PLACE = _WITHOUT_ASSETS = frozenset({"ref_landcovernet_v1_labels"})
_WITHOUT_TIME = frozenset({"ts_cashew_benin_labels"})


def catalog_bytes(entry: DatasetEntry, store_url: str) -> bytes:
    """Return the catalog archive of a dataset; `store_url` ends with a slash."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name: str, document: Json) -> None:
            content = json.dumps(document).encode()
            info = tarfile.TarInfo(f"{entry.id}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

        children = [_link("child", f"./{each.id}/collection.json") for each in entry.collections]
        about = {"type": "Catalog", "id": entry.id, "stac_version": "1.0.0"}
        links = [_link("root", "./catalog.json"), *children]
        add("catalog.json", {**about, "description": entry.raw["description"], "links": links})
        for each in entry.collections:
            add(f"{each.id}/collection.json", _collection(each, entry, store_url))
            for index in range(each.items):
                document = _item(each, index, store_url)
                add(f"{each.id}/{document['id']}/{document['id']}.json", document)
    return _gzip(raw.getvalue())


def _gzip(content: bytes) -> bytes:
    """Compress to a size that no port changes, by a comment of spaces (RFC 1952, FCOMMENT).

    The digits of a port compress to a byte more or less; the comment makes up for them.
    """
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(content) + deflate.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    size = len(_GZIP_HEADER) + 1 + len(body) + len(trailer)
    return _GZIP_HEADER + b" " * ((_REMAINDER - size) % _STEP) + b"\0" + body + trailer


def _collection(entry: CollectionEntry, parent: DatasetEntry, store_url: str) -> Json:
    document = documents.bare_collection(entry, parent)
    ids = (items.item_id(entry, index) for index in range(entry.items))
    document["links"] = [_link("root", "../catalog.json"), _link("parent", "../catalog.json")]
    document["links"] += [_link("item", f"./{identity}/{identity}.json") for identity in ids]
    if entry.look.is_label:
        document["assets"] = {LEGEND.key: _shared(entry, LEGEND, store_url)}
    return document


def _item(entry: CollectionEntry, index: int, store_url: str) -> Json:
    document = items.item(entry, index)
    document["links"] = [_link("root", "../../catalog.json"), _link("parent", "../collection.json")]
    document["links"].append(_link("collection", "../collection.json"))
    for kind in entry.look.assets:
        folder = "_common" if kind is DOCUMENTATION else document["id"]
        asset = document["assets"][kind.key]
        asset["href"] = f"{store_url}assets/{entry.id}/{folder}/{kind.file_name}"
        asset["file:size"] = picture_size(kind) or len(asset_bytes(entry, index, kind))
    for kind in SPLITS if _has_splits(entry) else ():
        document["assets"][kind.key] = _shared(entry, kind, store_url)
    document["stac_extensions"] = [*document["stac_extensions"], _FILE_EXTENSION]
    if index == 0 and entry.id in _WITHOUT_PLACE:
        document["geometry"] = None
        del document["bbox"]
    if index == 0 and entry.id in _WITHOUT_TIME:
        document["properties"]["datetime"] = None
    if index == 1 and entry.id in _WITHOUT_ASSETS:
        document["assets"] = {}
    return document


def _shared(entry: CollectionEntry, kind: AssetKind, store_url: str) -> Json:
    href = f"{store_url}assets/{entry.id}/_common/{kind.file_name}"
    return {"href": href, "type": kind.media_type, "roles": list(kind.roles), "title": kind.title}


def _has_splits(entry: CollectionEntry) -> bool:
    return entry.dataset in _WITH_SPLITS and entry.look.is_label


def own_content(entry: CollectionEntry, file_name: str) -> bytes | None:
    """Return the bytes of a legend or a split, None where the collection has no such file."""
    if entry.look.is_label and file_name == LEGEND.file_name:
        rows = ["number,class", *(f"{number},{name}" for number, name in enumerate(entry.classes, 1))]
        return "\n".join([*rows, ""]).encode()
    names = [kind.file_name for kind in SPLITS if _has_splits(entry)]
    if file_name not in names:
        return None
    # Three items in five train, the others validate and test.
    seed, parts, number = seed_of(entry.id), (0, 0, 0, 1, 2), names.index(file_name)
    found = (index for index in range(entry.items) if parts[mix(seed, index, 9) % 5] == number)
    return "\n".join(["item", *(items.item_id(entry, index) for index in found), ""]).encode()


if __name__ == "__main__":
    main()

"""STAC documents as the index records them, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..http.urls import resolve_href
from ..models import Asset, Collection, Item, JsonDict
from ..models.document import LARGEST_SIZE, identity
from ..models.extent import item_bbox
from ..models.when import read_time
from ..sources.asset_links import requester_pays
from ..sources.documents import DocumentKind, kind_of
from ..sources.static.document_urls import member_url
from ..text import writable
from .filters import Box, microseconds
from .layout import (
    COMMON_KEYS,
    PAGE_ENDINGS,
    PAGE_TYPES,
    Scope,
    asset_file,
    beside_document,
    distinct_name,
    extension,
)

Times = tuple[int | None, int | None]
"""First and last microsecond since 1970; None where that end is open or unknown."""
AssetRecord = tuple[int, str, str, int | None, bool, str, str]
"""An asset: scope, key, file name, bytes where stated, whether it is a web page, href, checksum."""
_CATALOGS = (DocumentKind.CATALOG, DocumentKind.API)
_PAYS = "storage:requester_pays"
_PLAIN = re.compile(r"https?://[!-~]+").fullmatch
"""Matches an href that is absolute, and needs nothing replaced."""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """An item, or a collection (whose `item` is None), with its assets.

    `geometry` is JSON, empty where it equals the box; `faults` are assets without a usable href,
    `paid` says by key why assets are left out as their reader has to pay.
    """

    collection: str
    item: str | None
    assets: list[AssetRecord]
    faults: int
    paid: Mapping[str, str]
    box: Box | None = None
    times: Times = (None, None)
    geometry: str = ""


@dataclass(slots=True)
class DocumentReader:
    """Turns documents into records.

    `archive` is the `file` URL of the archive that they are in; `left_out` counts documents that were no
    collections and no items with an id, `nameless` those of them that only lack an id.
    """

    archive: str = ""
    left_out: int = 0
    nameless: int = 0
    _folders: dict[str, str] = field(default_factory=dict)

    def read(
        self,
        document: Any,
        *,
        member: str = "",
        hrefs: Mapping[str, str] | None = None,
        paid: Mapping[str, str] | None = None,
    ) -> DocumentRecord | None:
        """Return the record of a document, None for a catalog and for what is no STAC.

        `member` is its name in the archive: it gives the collection of items that do not name theirs, the
        file name an asset must not take, and the base of relative hrefs. `hrefs` and `paid` are known
        already of documents that came from a source: absolute hrefs, and why assets have to be paid for.
        """
        raw: JsonDict = document if isinstance(document, dict) else {}
        kind, name = kind_of(raw), writable(identity(raw.get("id")))
        named_so = member.endswith("/collection.json") and raw.get("type") != "Catalog"
        is_collection, is_item = kind is DocumentKind.COLLECTION or named_so, kind is DocumentKind.ITEM
        if not is_collection and (kind in _CATALOGS or member.endswith("/catalog.json")):
            return None
        if not name or not (is_collection or is_item):
            self.left_out += 1
            self.nameless += not name and (is_collection or is_item)
            return None
        found = raw.get("assets")
        entries = found if isinstance(found, dict) else {}
        assets, paid = self._assets(raw, entries, member, hrefs or {}, paid, own=is_collection)
        faults = len(entries) - len(assets) - len(paid)
        if is_collection:
            self._folders[member.rpartition("/")[0]] = name
            return DocumentRecord(name, None, assets, faults, paid)
        collection = writable(identity(raw.get("collection"))) or self._collection_around(member)
        box, properties = box_of(raw), raw.get("properties")
        times = times_of(properties) if isinstance(properties, dict) else (None, None)
        geometry = _geometry(raw.get("geometry"), box)
        return DocumentRecord(collection, name, assets, faults, paid, box, times, geometry)

    def _assets(
        self,
        document: JsonDict,
        entries: JsonDict,
        member: str,
        hrefs: Mapping[str, str],
        known_paid: Mapping[str, str] | None,
        *,
        own: bool,
    ) -> tuple[list[AssetRecord], Mapping[str, str]]:
        """Return the assets that have an href and are free, and why others are not, by key.

        `own` are those of a collection. Written for speed: a catalog has a million of them.
        """
        # The document's own file name, where the document is in the folder that its assets go to.
        document_name = member.rpartition("/")[2] if member.count("/") == (2 if own else 3) else ""
        properties = document.get("properties")
        stated = _PAYS in document or (isinstance(properties, dict) and _PAYS in properties)
        paid: dict[str, str] = {**known_paid} if known_paid else {}
        records: list[AssetRecord] = []
        taken: set[str] = set()
        for key, entry in entries.items():
            href = entry.get("href") if isinstance(entry, dict) else None
            if not isinstance(href, str) or not href.strip() or key in paid:
                continue
            if known_paid is None and (
                stated
                or ".amazonaws." in href
                or href.startswith("s3:")
                or _PAYS in entry
                or "storage:refs" in entry
            ):
                made = Collection if own else Item
                if why := requester_pays(made(document), Asset(key, href, raw=entry)):
                    paid[key] = why
                    continue
            written, name, scope, page = _named(key, extension(href), own)
            if name == document_name and scope != Scope.COMMON:
                name = beside_document(name)
            if name in taken:  # as of the keys `x` and `x.tif`
                name = distinct_name(name, key)
            taken.add(name)
            if key in hrefs:
                href = writable(hrefs[key])
            elif _PLAIN(href) is None:
                base = member_url(self.archive, member) if self.archive else ""
                href = writable(resolve_href(base, href))
            size, media, checksum = entry.get("file:size"), entry.get("type"), entry.get("file:checksum")
            if size is not None and (type(size) is not int or not 0 <= size <= LARGEST_SIZE):
                size = None
            page = page or (isinstance(media, str) and media.startswith(PAGE_TYPES))
            if checksum is None or not isinstance(checksum, str) or not checksum.isprintable():
                checksum = ""
            records.append((scope, written, name, size, page, href, checksum))
        return records, paid

    def _collection_around(self, member: str) -> str:
        """Return the collection of an item that names none: the nearest folder above it that is one's."""
        parts = member.split("/")[:-1]
        for depth in range(len(parts), 0, -1):
            if known := self._folders.get("/".join(parts[:depth])):
                return known
        return parts[1] if len(parts) > 1 else parts[0] if parts else "items"


@lru_cache(maxsize=4096)
def _named(key: str, ending: str, own: bool) -> tuple[str, str, int, bool]:
    """Return of an asset its key, file name and scope, and whether it is a web page by its name."""
    name = asset_file(key, ending)
    scope = Scope.COLLECTION if own else Scope.COMMON if key in COMMON_KEYS else Scope.ITEM
    return writable(key), name, int(scope), name.endswith(PAGE_ENDINGS)


def box_of(document: JsonDict) -> Box | None:
    """Return an item's box, or that of its geometry where it has none."""
    box = item_bbox(document.get("bbox"), document.get("geometry"))
    if box is None:
        return None
    return box.west, box.south, box.east if box.west <= box.east else box.east + 360, box.north


def times_of(properties: JsonDict) -> Times:
    """Return an item's times: of `datetime`, else of `start_datetime` to `end_datetime`.

    A `datetime` overrides a range beside it, as in radiant_mlhub.
    """
    first, last = _read_time(properties.get("datetime"))
    if first is not None:
        return first, last
    first, last = (
        _read_time(properties.get("start_datetime"))[0],
        _read_time(properties.get("end_datetime"))[1],
    )
    return (last, first) if first is not None and last is not None and last < first else (first, last)


def _read_time(value: Any) -> Times:
    return _parse_time(str(value)) if isinstance(value, str | int) and value else (None, None)


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> Times:
    span = read_time(text)
    if span is None or span.start is None or span.end is None:
        return None, None
    return microseconds(span.start), microseconds(span.end)


def _geometry(geometry: Any, box: Box | None) -> str:
    """Return a geometry as JSON; empty for a missing one and for the rectangle of the box itself."""
    if not isinstance(geometry, dict) or (box is not None and _is_box(geometry, box)):
        return ""
    try:
        return json.dumps(geometry, separators=(",", ":"))
    except (ValueError, RecursionError):
        return ""


def _is_box(geometry: JsonDict, box: Box) -> bool:
    west, south, east, north = box
    try:
        [ring] = geometry["coordinates"]
        points = [(x, y) for x, y, *_ in ring]
        corners = set(points) == {(west, south), (west, north), (east, south), (east, north)}
    except (TypeError, ValueError, KeyError):
        return False
    # Neighbours share a side: else the ring is a bow tie through the same four corners.
    sides = all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(points))
    return geometry.get("type") == "Polygon" and len(points) == 5 and corners and sides

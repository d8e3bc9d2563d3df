"""Records: what the index saves of one STAC document, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from ..http.urls import resolve_href
from ..models import Asset, Collection, Item, JsonDict
from ..models.document import LARGEST_SIZE, identity
from ..models.extent import item_bbox
from ..models.when import read_time
from ..sources.asset_hrefs import requester_pays
from ..sources.static.document_urls import member_url
from ..text import writable
from .filters import microseconds
from .layout import COMMON_KEYS, Scope, asset_file, beside_document, distinct_name

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; east is above 180 across the antimeridian."""
Times = tuple[int | None, int | None]
"""First and last microsecond since 1970; None where that end is open or unknown."""

_ITEM_MEMBERS = frozenset({"assets", "stac_version", "collection"})
"""An item has at least one of these, a feature of other GeoJSON none."""
_PAYS = "storage:requester_pays"
_ABSOLUTE = ("http://", "https://")
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")


class AssetRecord(NamedTuple):
    """An asset: `file` is its file's name, `size` in bytes where stated, `page` whether it is a web page."""

    key: str
    file: str
    href: str
    scope: Scope
    page: bool = False
    size: int | None = None
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """An item, or a collection (whose `item` is None), with its assets."""

    collection: str
    item: str | None
    box: Box | None = None
    times: Times = (None, None)
    geometry: str = ""  # as JSON, where it is more than the box
    assets: tuple[AssetRecord, ...] = ()
    faults: int = 0  # assets without a usable href
    paid: Mapping[str, str] = field(default_factory=dict)  # why assets are left out as readers pay, by key


@dataclass(slots=True)
class DocumentReader:
    """Turns documents into records."""

    archive: str = ""  # `file` URL of the archive that the documents are in
    left_out: int = 0  # documents that were no collections and no items with an id
    nameless: int = 0  # those of them that only lack an id
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

        - `document`: The JSON.
        - `member`: Its name in the archive: gives the collection of items that do not name theirs, the file
          name an asset must not take, and the base of relative hrefs.
        - `hrefs`: Absolute hrefs by asset key, where they were chosen already.
        - `paid`: Why assets have to be paid for, by key, where that is known already.
        """
        kind = document.get("type") if isinstance(document, dict) else None
        if kind == "Catalog" or (member.endswith("/catalog.json") and kind != "Collection"):
            return None
        named = isinstance(document, dict) and bool(identity(document.get("id")))
        is_item = isinstance(document, dict) and not _ITEM_MEMBERS.isdisjoint(document)
        is_collection = isinstance(document, dict) and (
            kind == "Collection" or member.endswith("/collection.json") or (not kind and "extent" in document)
        )
        if not named or not (is_collection or is_item):
            self.left_out += 1
            self.nameless += not named and (kind == "Collection" or is_item)
            return None
        paid = _paid(document) if paid is None else paid
        assets = tuple(self._assets(document, member, hrefs or {}, paid, own=is_collection))
        entries = document.get("assets")
        faults = len(entries) - len(assets) - len(paid) if isinstance(entries, dict) else 0
        name = writable(identity(document["id"]))
        if is_collection:
            if member:
                self._folders[member.rpartition("/")[0]] = name
            return DocumentRecord(name, None, assets=assets, faults=faults, paid=paid)
        properties = document.get("properties")
        box = box_of(document)
        return DocumentRecord(
            writable(identity(document.get("collection"))) or self._collection_around(member),
            name,
            box,
            times_of(properties) if isinstance(properties, dict) else (None, None),
            _geometry(document.get("geometry"), box),
            assets,
            faults,
            paid,
        )

    def _assets(
        self, document: JsonDict, member: str, hrefs: Mapping[str, str], paid: Mapping[str, str], *, own: bool
    ) -> Iterator[AssetRecord]:
        """Yield the assets of a document that have an href and are free; `own` are those of a collection."""
        entries = document.get("assets")
        # The document's own file name, where the document is in the folder that its assets go to.
        taken = member.rpartition("/")[2] if member.count("/") == (2 if own else 3) else ""
        collection, common, single = Scope.COLLECTION, Scope.COMMON, Scope.ITEM
        named: dict[str, str] = {}
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            href = entry.get("href") if isinstance(entry, dict) else None
            if not isinstance(href, str) or not href or href.isspace() or key in paid:
                continue
            scope = collection if own else common if key in COMMON_KEYS else single
            name = asset_file(key, href)
            if name == taken and scope is not common:
                name = beside_document(name)
            if named.setdefault(name, href) != href:
                name = distinct_name(name, key)  # as of the keys `x` and `x.tif`
            plain = href.startswith(_ABSOLUTE) and href.isascii() and href.isprintable() and " " not in href
            size, media, checksum = entry.get("file:size"), entry.get("type"), entry.get("file:checksum")
            yield AssetRecord(
                writable(key),
                writable(name),
                writable(hrefs.get(key) or (href if plain else self._resolved(href, member))),
                scope,
                (isinstance(media, str) and media.startswith(_PAGE_TYPES)) or name.endswith(_PAGE_ENDINGS),
                size if type(size) is int and 0 <= size <= LARGEST_SIZE else None,
                checksum if isinstance(checksum, str) and checksum.isprintable() else "",
            )

    def _resolved(self, href: str, member: str) -> str:
        return resolve_href(member_url(self.archive, member) if self.archive else "", href)

    def _collection_around(self, member: str) -> str:
        """Return the collection of an item that names none: the nearest folder above it that is one's."""
        parts = member.split("/")[:-1]
        for depth in range(len(parts), 0, -1):
            if known := self._folders.get("/".join(parts[:depth])):
                return known
        return parts[1] if len(parts) > 1 else parts[0] if parts else "items"


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


def _paid(document: JsonDict) -> dict[str, str]:
    """Return why assets of a document have to be paid for, by key; few documents need a closer look."""
    entries, properties = document.get("assets"), document.get("properties")
    stated = _PAYS in document or (isinstance(properties, dict) and _PAYS in properties)
    found: dict[str, str] = {}
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        href = entry.get("href") if isinstance(entry, dict) else None
        if not isinstance(href, str) or not href.strip():
            continue
        in_entry = _PAYS in entry or "storage:refs" in entry
        if stated or in_entry or href.startswith("s3:") or ".amazonaws." in href:
            made = Collection if document.get("type") == "Collection" else Item
            if why := requester_pays(made(document), Asset(key, href, raw=entry)):
                found[key] = why
    return found


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

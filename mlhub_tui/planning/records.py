"""Records: what the index keeps of one STAC document, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from ..http.hrefs import resolve_href
from ..models import Asset, Collection, Item, JsonDict
from ..models.document import LARGEST_SIZE, identity
from ..models.extent import item_bbox
from ..models.when import read_time
from ..sources.requester_pays import requester_pays
from ..sources.static.document_urls import member_url
from ..text import writable
from .filters import microseconds
from .layout import COMMON_KEYS, Scope, apart, asset_file, distinct_name

Place = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
Moments = tuple[int, int]
"""First and last microsecond since 1970."""

EVERYWHERE: Place = (-math.inf, -math.inf, math.inf, math.inf)
ALWAYS: Moments = (-(2**62), 2**62)
_OF_ITEMS = frozenset({"assets", "stac_version", "collection"})
"""What an item has at least one of, and a feature of other GeoJSON has not."""
_PAYS = "storage:requester_pays"
_ABSOLUTE = ("http://", "https://")


class AssetRecord(NamedTuple):
    """An asset; `file` is its file's name, `size` in bytes where the document states it."""

    key: str
    file: str
    href: str
    scope: Scope
    media: str = ""
    size: int | None = None
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """An item, or a collection (whose `item` is None), with its assets.

    Parameters
    ----------
    place
        The item's box; `EVERYWHERE` where it has none. East is above 180 where it crosses the antimeridian.
    moments
        The item's time; `ALWAYS` where it has none.
    geometry
        The item's geometry as JSON, where it is not just its box; else empty.
    faults
        How many of its assets cannot be fetched, as they have no href.
    paid
        Its assets that only an account that pays for the transfer can have: the reasons by their keys. They
        are not among `assets`.
    """

    collection: str
    item: str | None
    place: Place = EVERYWHERE
    moments: Moments = ALWAYS
    geometry: str = ""
    assets: tuple[AssetRecord, ...] = ()
    faults: int = 0
    paid: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reader:
    """Reads documents; counts those it leaves out.

    Parameters
    ----------
    archive
        The `file` URL of the archive that all documents are in; empty where they are in none.

    Attributes
    ----------
    left_out
        How many documents were no collections and no items with an id.
    nameless
        How many of these are collections or items but for their id.
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
        """Return what is kept of a document, None for a catalog and for what is no STAC.

        Parameters
        ----------
        document
            The JSON.
        member
            Its name in the archive: tells the collection of items that do not say, which name an asset must
            not take, and what relative hrefs are relative to.
        hrefs
            The absolute hrefs by asset key, where somebody chose them already.
        paid
            Why assets have to be paid for, by key, where that is known already.
        """
        kind = document.get("type") if isinstance(document, dict) else None
        if kind == "Catalog" or (member.endswith("/catalog.json") and kind != "Collection"):
            return None
        if not isinstance(document, dict) or not identity(document.get("id")):
            self.left_out += 1
            if isinstance(document, dict) and (kind == "Collection" or not _OF_ITEMS.isdisjoint(document)):
                self.nameless += 1
            return None
        if kind == "Collection" or member.endswith("/collection.json") or (not kind and "extent" in document):
            return _storable(self._collection(document, member, hrefs or {}, paid))
        if not _OF_ITEMS.isdisjoint(document):
            return _storable(self._item(document, member, hrefs or {}, paid))
        self.left_out += 1
        return None

    def _collection(
        self, document: JsonDict, member: str, hrefs: Mapping[str, str], paid: Mapping[str, str] | None
    ) -> DocumentRecord:
        paid = _paid(document) if paid is None else paid
        name = identity(document["id"])
        if member:
            self._folders[member.rpartition("/")[0]] = name
        assets = tuple(self._assets(document, member, hrefs, paid, whole=True))
        faults = _faults(document, assets) - len(paid)
        return DocumentRecord(name, None, assets=assets, faults=faults, paid=paid)

    def _item(
        self, document: JsonDict, member: str, hrefs: Mapping[str, str], paid: Mapping[str, str] | None
    ) -> DocumentRecord:
        paid = _paid(document) if paid is None else paid
        collection = identity(document.get("collection")) or self._belongs(member)
        properties = document.get("properties")
        assets = tuple(self._assets(document, member, hrefs, paid, whole=False))
        place = place_of(document)
        return DocumentRecord(
            collection,
            identity(document["id"]),
            place,
            moments_of(properties) if isinstance(properties, dict) else ALWAYS,
            _geometry(document.get("geometry"), place),
            assets,
            _faults(document, assets) - len(paid),
            paid,
        )

    def _assets(
        self,
        document: JsonDict,
        member: str,
        hrefs: Mapping[str, str],
        paid: Mapping[str, str],
        *,
        whole: bool,
    ) -> Iterator[AssetRecord]:
        """Yield the assets of a document that have an href and need not be paid for."""
        entries = document.get("assets")
        taken = _own_name(member, 1 if whole else 2)
        own, common, single = Scope.COLLECTION, Scope.COMMON, Scope.ITEM
        named: dict[str, str] = {}
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            href = entry.get("href") if isinstance(entry, dict) else None
            if not isinstance(href, str) or not href or href.isspace() or key in paid:
                continue
            scope = own if whole else common if key in COMMON_KEYS else single
            name = asset_file(key, href)
            if name == taken and scope is not common:
                name = apart(name)
            if named.setdefault(name, href) != href:
                name = distinct_name(name, key)  # as of the keys `x` and `x.tif`
            plain = href.startswith(_ABSOLUTE) and href.isascii() and href.isprintable() and " " not in href
            size, media, checksum = entry.get("file:size"), entry.get("type"), entry.get("file:checksum")
            yield AssetRecord(
                key,
                name,
                hrefs[key] if hrefs.get(key) else href if plain else self._resolved(href, member),
                scope,
                media if isinstance(media, str) else "",
                size if type(size) is int and 0 <= size <= LARGEST_SIZE else None,
                checksum if isinstance(checksum, str) and checksum.isprintable() else "",
            )

    def _resolved(self, href: str, member: str) -> str:
        return resolve_href(member_url(self.archive, member) if self.archive else "", href)

    def _belongs(self, member: str) -> str:
        """Return the collection of an item that does not say: of the folder above it that is one's."""
        parts = member.split("/")[:-1]
        for depth in range(len(parts), 0, -1):
            known = self._folders.get("/".join(parts[:depth]))
            if known:
                return known
        return parts[1] if len(parts) > 1 else parts[0] if parts else "items"


def _storable(record: DocumentRecord) -> DocumentRecord:
    """Return a record that SQLite takes: of names that no encoding can write what can be written."""
    names = [record.collection, record.item or "", record.geometry]
    for asset in record.assets:
        names += (asset.key, asset.file, asset.href, asset.media, asset.checksum)
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return replace(
            record,
            collection=writable(record.collection),
            item=None if record.item is None else writable(record.item),
            geometry=writable(record.geometry),
            assets=tuple(AssetRecord(*map(_writable, asset)) for asset in record.assets),
        )
    return record


def _writable(value: Any) -> Any:
    return writable(value) if isinstance(value, str) else value


def place_of(document: JsonDict) -> Place:
    """Return an item's box, of its geometry where it has none, or `EVERYWHERE`."""
    box = item_bbox(document.get("bbox"), document.get("geometry"))
    if box is None:
        return EVERYWHERE
    return box.west, box.south, box.east if box.west <= box.east else box.east + 360, box.north


def moments_of(properties: JsonDict) -> Moments:
    """Return an item's time: `datetime`, else `start_datetime` to `end_datetime`, or `ALWAYS`.

    A `datetime` counts more than a range beside it, as for the seed library; a missing end is open.
    """
    single = _moment(properties.get("datetime"))
    if single is not None:
        return single
    first, last = _moment(properties.get("start_datetime")), _moment(properties.get("end_datetime"))
    start, end = first[0] if first else ALWAYS[0], last[1] if last else ALWAYS[1]
    return (start, end) if start <= end else (end, start)


def _moment(value: Any) -> Moments | None:
    return _read(str(value)) if isinstance(value, str | int) and value else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Moments | None:
    span = read_time(text)
    if span is None or span.start is None or span.end is None:
        return None
    return microseconds(span.start), microseconds(span.end)


def _own_name(member: str, depth: int) -> str:
    """Return the file name of a document that stands where its own assets go, `depth` folders down."""
    return member.rpartition("/")[2] if member.count("/") == depth + 1 else ""


def _faults(document: JsonDict, assets: tuple[AssetRecord, ...]) -> int:
    entries = document.get("assets")
    return len(entries) - len(assets) if isinstance(entries, dict) else 0


def _paid(document: JsonDict) -> dict[str, str]:
    """Return why assets of a document have to be paid for, by key; most documents need no closer look."""
    entries, properties = document.get("assets"), document.get("properties")
    told = _PAYS in document or (isinstance(properties, dict) and _PAYS in properties)
    found: dict[str, str] = {}
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        href = entry.get("href") if isinstance(entry, dict) else None
        if not isinstance(href, str) or not href.strip():
            continue
        if (
            told
            or _PAYS in entry
            or "storage:refs" in entry
            or href.startswith("s3:")
            or ".amazonaws." in href
        ):
            made = Collection if document.get("type") == "Collection" else Item
            if why := requester_pays(made(document), Asset(key, href, raw=entry)):
                found[key] = why
    return found


def _geometry(geometry: Any, place: Place) -> str:
    """Return a geometry as JSON; nothing for a missing one and for the rectangle of the box itself."""
    if not isinstance(geometry, dict) or _is_box(geometry, place):
        return ""
    try:
        return json.dumps(geometry, separators=(",", ":"))
    except (ValueError, RecursionError):
        return ""


def _is_box(geometry: JsonDict, place: Place) -> bool:
    coordinates = geometry.get("coordinates")
    if geometry.get("type") != "Polygon" or not isinstance(coordinates, list) or len(coordinates) != 1:
        return False
    ring = coordinates[0]
    if not isinstance(ring, list) or len(ring) != 5:
        return False
    west, south, east, north = place
    corners = {(west, south), (west, north), (east, south), (east, north)}
    try:
        found = {(point[0], point[1]) for point in ring}
    except (TypeError, IndexError, KeyError):
        return False
    # Neighbours share a side: else the ring is a bow tie through the same four corners.
    sides = all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(ring))
    return found == corners and sides

"""STAC documents as the index records them, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..models import Asset, Collection, Item, JsonDict
from ..models.document import LARGEST_SIZE, asset_entries, identity
from ..models.extent import item_bbox
from ..models.search import time_of
from ..sources.asset_links import asset_href, storage_terms
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
_NO_TIMES: Times = (None, None)
_CATALOGS = (DocumentKind.CATALOG, DocumentKind.API)
_PAYS = "storage:requester_pays"
_ODD_FIELDS = frozenset({_PAYS, "storage:refs"})
_PLAIN = re.compile(r"https?://(?!.*\.amazonaws\.)[!-~]+").fullmatch
"""Matches an href that is absolute, needs nothing replaced, and is in no store whose reader pays."""


def no_facts() -> dict[str, Any]:
    """Return the facts of an index of nothing; see `DocumentReader`."""
    numbers = dict.fromkeys(("left_out", "nameless", "faults", "namesakes"), 0)
    noted: dict[str, Any] = {"notes": [], "paid": {}, "paid_why": "", "incomplete": False}
    return {**numbers, **noted, "missing": [], "gaps": [], "listed": {}}


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """An item, or a collection (whose `item` is None), with its assets that have an href and are free.

    `geometry` is JSON, empty where it equals the box.
    """

    collection: str
    item: str | None
    assets: list[AssetRecord]
    box: Box | None = None
    times: Times = _NO_TIMES
    geometry: str = ""


@dataclass(slots=True)
class DocumentReader:
    """Turns documents into records.

    `archive` is the `file` URL of the archive that they are in. `facts` count what is left out: documents
    that are no collections and no items with an id (`left_out`), those that only lack an id (`nameless`),
    assets without a usable href (`faults`), and by collection and key those whose reader has to pay (`paid`,
    the first reason in `paid_why`).
    """

    archive: str = ""
    facts: dict[str, Any] = field(default_factory=no_facts)
    _folders: dict[str, str] = field(default_factory=dict)
    _terms: dict[str, JsonDict] = field(default_factory=dict)

    def read(
        self,
        document: Any,
        *,
        member: str = "",
        url: str = "",
        collection: str = "",
        inherited: JsonDict | None = None,
    ) -> DocumentRecord | None:
        """Return the record of a document, None for a catalog and for what is no STAC.

        `member` is its name in the archive: it gives the collection of items that do not name theirs, the
        file name an asset must not take, and the base of relative hrefs. Of a document that a source gave,
        `url` is that base, and `collection` the one of items that do not name theirs. `inherited` is as of
        `Document`; without it what a collection states counts that was read before.
        """
        raw: JsonDict = document if isinstance(document, dict) else {}
        kind, name = kind_of(raw), writable(identity(raw.get("id")))
        named_so = member.endswith("/collection.json") and raw.get("type") != "Catalog"
        is_collection, is_item = kind is DocumentKind.COLLECTION or named_so, kind is DocumentKind.ITEM
        if not is_collection and (kind in _CATALOGS or member.endswith("/catalog.json")):
            return None
        if not name or not (is_collection or is_item):
            self.facts["left_out"] += 1
            self.facts["nameless"] += not name and (is_collection or is_item)
            return None
        if is_collection:
            self._folders[member.rpartition("/")[0]] = name
            if terms := storage_terms(raw):
                self._terms[name] = terms
            return DocumentRecord(name, None, self._assets(raw, name, member, url, None))
        around = writable(identity(raw.get("collection")) or collection) or self._collection_around(member)
        box, properties = box_of(raw), raw.get("properties")
        times = times_of(properties) if isinstance(properties, dict) else _NO_TIMES
        terms = self._terms.get(around, {}) if inherited is None else inherited
        assets = self._assets(raw, around, member, url, terms)
        return DocumentRecord(around, name, assets, box, times, _geometry(raw.get("geometry"), box))

    def _assets(
        self, raw: JsonDict, collection: str, member: str, url: str, terms: JsonDict | None
    ) -> list[AssetRecord]:
        """Return the assets of an item, or of a collection, where `terms` are None.

        Written for speed: a catalog has a million.
        """
        entries, own = asset_entries(raw.get("assets")), terms is None
        # The document's own file name, where the document is in the folder that its assets go to.
        document_name = member.rpartition("/")[2] if member.count("/") == (2 if own else 3) else ""
        properties = raw.get("properties")
        stated = bool(terms) or _PAYS in raw or (isinstance(properties, dict) and _PAYS in properties)
        document: Collection | Item | None = None
        records: list[AssetRecord] = []
        taken: set[str] = set()
        for key, entry in entries.items():
            href = entry.get("href") if isinstance(entry, dict) else None
            if not isinstance(href, str) or not href.strip():
                self.facts["faults"] += 1
                continue
            if stated or _PLAIN(href) is None or not _ODD_FIELDS.isdisjoint(entry):
                if document is None:
                    base = member_url(self.archive, member) if self.archive else url
                    document = (Collection if own else Item)(raw, url=base, inherited=terms or {})
                href = self._free_href(document, Asset(key, href, raw=entry), collection)
                if not href:
                    continue
            written, name, scope, page = _named(key, extension(href), own)
            if name == document_name and scope != Scope.COMMON:
                name = beside_document(name)
            if name in taken:  # as of the keys `x` and `x.tif`
                name = distinct_name(name, key)
            taken.add(name)
            size, media = entry.get("file:size"), entry.get("type")
            checksum = entry.get("file:checksum") or entry.get("checksum:multihash")
            if size is not None and (type(size) is not int or not 0 <= size <= LARGEST_SIZE):
                size = None
            page = page or (isinstance(media, str) and media.startswith(PAGE_TYPES))
            if not isinstance(checksum, str) or not checksum.isprintable():
                checksum = ""
            records.append((scope, written, name, size, page, href, checksum))
        return records

    def _free_href(self, document: Collection | Item, asset: Asset, collection: str) -> str:
        """Return where an asset can be fetched for nothing; count it and return "" where it cannot."""
        best = asset_href(document, asset)
        if best.pays:
            counts = self.facts["paid"].setdefault(collection, {})
            counts[asset.key] = counts.get(asset.key, 0) + 1
            self.facts["paid_why"] = self.facts["paid_why"] or best.pays
            return ""
        self.facts["faults"] += not best.href
        return writable(best.href)

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
    """Return an item's first and last microsecond; None for an open end, and where no time can be read."""
    span = time_of(properties)
    if span is None:
        return _NO_TIMES
    return microseconds(span.start) if span.start else None, microseconds(span.end) if span.end else None


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

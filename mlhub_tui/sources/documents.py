"""Documents in JSON: what a value is, the documents made of it, and of the lists that hold them.

The rules are those of the STAC and STAC API specs (`type`, `conformsTo`, `rel: data` and `rel: search`), with
what servers do that are older than them: before STAC 1.0 collections and catalogs had no `type`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from ..errors import InvalidSearch, UnexpectedAnswer
from ..http.urls import shown, shown_id
from ..models import Catalog, Collection, Document, Item, JsonDict
from ..models.document import identity, links_of
from ..text import one_line

D = TypeVar("D", bound=Document)
_SHOWN = re.compile(r"html|xml|pdf|^image/")  # media types
_PAGE = re.compile(r"\.x?html?(?:[?#]|$)", re.IGNORECASE)
_HINT = "the rest can be used; report it to the owner of the catalog"


class DocumentKind(StrEnum):
    """What a document is, in words that follow "this is"."""

    API = "the landing page of a STAC API"
    CATALOG = "a STAC catalog"
    COLLECTION = "a STAC collection"
    ITEM = "a single STAC item"
    ITEMS = "a list of items (FeatureCollection)"
    COLLECTIONS = "a list of collections"
    DATASETS = "a list of MLHub datasets"
    GEOJSON = "GeoJSON that is not STAC"
    OPENAPI = "the description of an API (OpenAPI)"
    ERROR = "an error message"
    OTHER = "JSON that is not STAC"


_GEOMETRIES = (
    *("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
    *("GeometryCollection", "Topology"),
)
_TYPES = {
    "Catalog": DocumentKind.CATALOG,
    "Collection": DocumentKind.COLLECTION,
    "FeatureCollection": DocumentKind.ITEMS,
} | dict.fromkeys(_GEOMETRIES, DocumentKind.GEOJSON)
_CLASSES: dict[DocumentKind, type[Document]] = {
    DocumentKind.API: Catalog,
    DocumentKind.CATALOG: Catalog,
    DocumentKind.COLLECTION: Collection,
    DocumentKind.ITEM: Item,
}
_CONFORMANCE = "http://www.opengis.net/def/rel/ogc/1.0/conformance"
_API_CLASS = re.compile(r"api\.stacspec\.org/|stac-api-spec|ogcapi-(features|common|records)")


@dataclass(frozen=True, slots=True)
class ItemList:
    """Items in one file: a GeoJSON FeatureCollection, or one item a line; `skipped` others were in it.

    The URL of each item is the file's, with a fragment where that must tell it from another one of its id.
    `goes_on` is whether it is a page of a listing, with others behind it;
    `longer` is that it is a part of a longer answer, in words, where the file tells.
    """

    url: str
    items: Sequence[Item]
    skipped: int = 0
    goes_on: bool = False
    longer: str = ""


def kind_of(value: Any) -> DocumentKind:
    """Return what a JSON value is."""
    if isinstance(value, list):
        if is_datasets(value):
            return DocumentKind.DATASETS
        return DocumentKind.ITEMS if count_stac_items(value) else DocumentKind.OTHER
    if not isinstance(value, dict):
        return DocumentKind.OTHER
    named = value.get("type")
    known = _TYPES.get(named) if isinstance(named, str) else None
    if named == "Feature" or (known is None and "geometry" in value and "properties" in value):
        return DocumentKind.ITEM if _is_item(value) else DocumentKind.GEOJSON
    if known is not None and known is not DocumentKind.CATALOG:
        return known
    if isinstance(value.get("collections"), list) and "stac_version" not in value:
        return DocumentKind.COLLECTIONS
    if "openapi" in value or "swagger" in value:
        return DocumentKind.OPENAPI
    if _is_api(value):
        return DocumentKind.API
    if known is not None:
        return known
    if "extent" in value and "id" in value:
        return DocumentKind.COLLECTION
    if isinstance(value.get("features"), list):
        return DocumentKind.ITEMS
    if "id" in value and ("stac_version" in value or isinstance(value.get("links"), list | dict)):
        return DocumentKind.CATALOG
    errors = value.keys() & {"detail", "code", "message", "error", "errors"}
    return DocumentKind.ERROR if errors else DocumentKind.OTHER


class WithoutID(UnexpectedAnswer):
    """A collection or item that has no id: it is left out and counted, as an entry of a list without one."""


def document_of(value: Any, url: str) -> Document | ItemList:
    """Return the document, or list of items, that a JSON value is.

    Raises UnexpectedAnswer if it is neither; WithoutID.
    """
    kind, where = kind_of(value), shown(url)
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return _item_list(value, url)
    if not isinstance(value, dict):
        raise UnexpectedAnswer(f"JSON, but no STAC document (not an object): {where}", url=where, hint=_HINT)
    if kind is DocumentKind.ITEMS:
        found = _item_list(value.get("features"), url)
        goes_on = bool(found.items and links_of(value, "next"))
        return replace(found, goes_on=goes_on, longer=longer_answer(value, len(found.items) + found.skipped))
    # A feature that a catalog links as its item is one, whatever it lacks.
    made = Item if kind is DocumentKind.GEOJSON and "properties" in value else _CLASSES.get(kind)
    if made is None:
        named = value.get("type")
        what = f' (its type is "{named[:40]}")' if isinstance(named, str) else ""
        raise UnexpectedAnswer(f"JSON, but no STAC document{what}: {where}", url=where, hint=_HINT)
    is_catalog = made is Catalog and value.get("type") in (None, "Catalog")
    if not is_catalog and not identity(value.get("id")):
        what = "an item" if made is Item else f"a {made.__name__.lower()}"
        raise WithoutID(f"{what} without an id: {where}", url=where, hint=_HINT)
    return made(value, url=url)


def documents(
    entries: Sequence[Any], make: Callable[..., D], url_of: Callable[[JsonDict], str] | None = None
) -> tuple[list[D], int]:
    """Return the documents of a list, and how many of its entries are none (no object, no id).

    - `url_of`: Returns where a document of the list would be fetched from alone.
    """
    good = [entry for entry in entries if isinstance(entry, dict) and identity(entry.get("id"))]
    made = [make(entry, url=url_of(entry) if url_of else "") for entry in good]
    return made, len(entries) - len(made)


def _item_list(features: Any, url: str) -> ItemList:
    items, skipped = documents(features if isinstance(features, list) else [], Item, lambda _: url)
    return ItemList(url, tuple(_told_apart(items, url)), skipped)


def _told_apart(items: Sequence[Item], url: str) -> Iterator[Item]:
    """Yield the items of a list; those that share an id have addresses of their own, equal ones the same."""
    ids = Counter((item.collection_id, item.id) for item in items)
    first: dict[str, int] = {}
    for number, item in enumerate(items):
        if ids[item.collection_id, item.id] > 1:
            first.setdefault(json.dumps(item.raw), number)
    different = Counter((items[number].collection_id, items[number].id) for number in first.values())
    for item in items:
        alone = different[item.collection_id, item.id] < 2
        yield item if alone else Item(item.raw, url=f"{url}#{first[json.dumps(item.raw)]}")


def in_list(found: ItemList, url: str, item_id: str) -> Item | None:
    """Return the item of a list that an address with a fragment names, else the one of an id; None for none.

    Raises InvalidSearch where several have the id.
    """
    fragment = url.partition("#")[2]
    named: list[Item] = []
    for item in found.items:
        if fragment and item.url.partition("#")[2] == fragment and item_id in ("", item.id):
            return item
        if item.id == item_id:
            named.append(item)
    return only(named) if named else None


def matched(answer: JsonDict) -> int | None:
    """Return the total: `numberMatched` (OGC API Features), or what older STAC APIs put elsewhere."""
    found = [answer.get("numberMatched")]
    for place, name in (("context", "matched"), ("search:metadata", "matched"), ("meta", "found")):
        counts = answer.get(place)
        found.append(counts.get(name) if isinstance(counts, dict) else None)
    good = (n for n in found if isinstance(n, int) and not isinstance(n, bool) and n >= 0)
    return next(good, None)


def longer_answer(answer: JsonDict, entries: int) -> str:
    """Return that a list of so many entries is a part of a longer answer; empty where it does not say so."""
    if (total := matched(answer)) is None:
        return "it is a part of a longer answer" if links_of(answer, "next") else ""
    return f"it is a part of an answer of {total:,} items" if total > entries else ""


def is_datasets(value: Any) -> bool:
    """Whether this is what `datasets` of an MLHub API answers: objects with ids and collections."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(entry, dict) and identity(entry.get("id")) and "collections" in entry
            for entry in value[:20]
        )
    )


def count_stac_items(value: Any) -> int:
    """Return how many entries of a list of features are STAC items, and not features of other GeoJSON."""
    features = value.get("features") if isinstance(value, dict) else value
    entries = features if isinstance(features, list) else ()
    return sum(isinstance(e, dict) and bool(identity(e.get("id"))) and _is_item(e) for e in entries)


def is_page(link: Mapping[str, Any]) -> bool:
    """Whether people are meant to look at what a link leads to: by its type, without one by its name."""
    media_type, href = link.get("type"), link.get("href")
    if isinstance(media_type, str) and media_type:
        return bool(_SHOWN.search(media_type.lower()))
    return isinstance(href, str) and bool(_PAGE.search(href))


def _is_item(feature: JsonDict) -> bool:
    """Whether a feature has what features of other GeoJSON have not."""
    return (
        "stac_version" in feature or "collection" in feature or isinstance(feature.get("assets"), dict | list)
    )


def _is_api(value: JsonDict) -> bool:
    """Whether a catalog is the landing page of an API (STAC API, Core)."""
    declared = value.get("conformsTo")
    if isinstance(declared, list) and any(_API_CLASS.search(str(entry)) for entry in declared[:500]):
        return True
    if "id" in value or "stac_version" in value:
        return bool(links_of(value, "data", "search"))
    # An OGC API, as pygeoapi writes it.
    return bool(links_of(value, "data")) and bool(links_of(value, "conformance", _CONFORMANCE))


def only(items: Sequence[Item]) -> Item:
    """Return the one item among those of an id; one that is listed twice is there once.

    Raises InvalidSearch where there are several, with their addresses.
    """
    found: list[Item] = []
    for item in items:
        file = item.url.partition("#")[0]
        if all(item != other or file != other.url.partition("#")[0] for other in found):
            found.append(item)
    if len(found) == 1:
        return found[0]
    where = " and ".join(one_line(item.url, 200) for item in found[:2])
    words = f"{len(found)} items have the id {shown_id(items[0].id)}: {where}"
    raise InvalidSearch(words, hint="name one of them by its address in place of the id")

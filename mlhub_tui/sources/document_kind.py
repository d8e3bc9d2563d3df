"""Kinds of JSON documents: the landing page of an API, a static catalog, or something else.

The rules are those of the STAC and STAC API specs (`type`, `conformsTo`, `rel: data` and `rel: search`), with
what servers do that are older than them.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from ..errors import UnexpectedAnswer
from ..models import Catalog, Collection, Document
from ..models.document import identity
from ..text import one_line


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


_API_CLASS = re.compile(r"api\.stacspec\.org/|stac-api-spec|ogcapi-(features|common|records)")
_GEOMETRIES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)
_ENDPOINT = re.compile(
    r"/(collections(/[^/]+(/items(/[^/]+)?|/queryables)?)?|search|conformance|queryables|datasets(/[^/]+)?"
    r"|models|api|api\.html|docs|openapi\.json|service-desc)/?$"
)


def kind_of(value: Any) -> DocumentKind:
    """Return what a JSON value is."""
    if isinstance(value, list) and is_datasets(value):
        return DocumentKind.DATASETS
    if isinstance(value, list):
        return DocumentKind.ITEMS if count_stac_items(value) else DocumentKind.OTHER
    if not isinstance(value, dict):
        return DocumentKind.OTHER
    kind = value.get("type")
    if kind == "FeatureCollection" or (isinstance(value.get("features"), list) and kind is None):
        return DocumentKind.ITEMS
    if kind == "Feature":
        is_item = "stac_version" in value or isinstance(value.get("assets"), dict)
        return DocumentKind.ITEM if is_item else DocumentKind.GEOJSON
    if kind in _GEOMETRIES or kind == "Topology":
        return DocumentKind.GEOJSON
    if isinstance(value.get("collections"), list) and "stac_version" not in value:
        return DocumentKind.COLLECTIONS
    if "openapi" in value or "swagger" in value:
        return DocumentKind.OPENAPI
    if _is_api(value):
        return DocumentKind.API
    if kind == "Collection" or ("extent" in value and "license" in value and "id" in value):
        return DocumentKind.COLLECTION
    # Before STAC 1.0.0-rc.1 catalogs had no type.
    if kind == "Catalog" or ("stac_version" in value and "id" in value):
        return DocumentKind.CATALOG
    if value.keys() & {"detail", "code", "message", "error", "errors"}:
        return DocumentKind.ERROR
    return DocumentKind.OTHER


def count_stac_items(value: Any) -> int:
    """Return how many entries of a list of features are STAC items, and not features of other GeoJSON."""
    features = value.get("features") if isinstance(value, dict) else value
    return sum(
        isinstance(feature, dict)
        and bool(identity(feature.get("id")))
        and ("stac_version" in feature or isinstance(feature.get("assets"), dict))
        for feature in (features if isinstance(features, list) else ())
    )


def _is_api(value: dict[str, Any]) -> bool:
    """Whether a catalog is the landing page of an API (STAC API, Core)."""
    if value.get("type") not in (None, "Catalog"):
        return False
    declared = value.get("conformsTo")
    if isinstance(declared, list) and any(_API_CLASS.search(str(entry)) for entry in declared[:500]):
        return True
    linked = any(link.get("rel") in ("data", "search") for link in _links(value))
    return linked and ("id" in value or "stac_version" in value)


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


def count_links(value: dict[str, Any], relation: str) -> int:
    """Return how many documents the links of a relation lead to; pages for browsers do not count."""
    return len(
        {
            str(link.get("href")).removeprefix("./")
            for link in _links(value)
            if link.get("rel") == relation and "html" not in str(link.get("type"))
        }
    )


def href_of(value: dict[str, Any], relation: str) -> str:
    """Return where the first link of a relation leads, as written; empty without one."""
    hrefs = (link.get("href") for link in _links(value) if link.get("rel") == relation)
    return next((href for href in hrefs if isinstance(href, str)), "")


def root_document(value: dict[str, Any], url: str) -> Document | None:
    """Return a catalog or collection as a document; None where it lacks an id."""
    made = Collection if kind_of(value) is DocumentKind.COLLECTION else Catalog
    try:
        return made(value, url=url)
    except UnexpectedAnswer:
        return None


def title_of(value: dict[str, Any]) -> str:
    """Return what a document calls itself, on one line."""
    return one_line(value.get("title"), 120) or one_line(value.get("id"), 120)


def error_text(value: Any) -> str:
    """Return the text of an error document, on one line."""
    if not isinstance(value, dict):
        return ""
    words = (value.get(name) for name in ("detail", "description", "message", "error"))
    return next((one_line(word, 160) for word in words if isinstance(word, str) and word.strip()), "")


def root_above(url: str) -> str:
    """Return the root that an endpoint of an API belongs to; empty where the URL is no such endpoint."""
    match = _ENDPOINT.search(urlsplit(url).path)
    return url.partition("?")[0].partition("#")[0][: -len(match[0])] + "/" if match else ""


def _links(value: dict[str, Any]) -> list[dict[str, Any]]:
    links = value.get("links")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []

"""The JSON documents of the API in the hosted one's shapes; `root` is its URL with a slash at the end.

Pages of items: tokens name the item at the page's edge; `next` links repeat neither the page size nor
the key, and `previous` links carry the key, as the hosted API did.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import quote

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from . import items
from .catalog import Box, CollectionEntry, DatasetEntry, Json, ModelEntry, SampleCatalog

SCIENTIFIC = "https://stac-extensions.github.io/scientific/v1.0.0/schema.json"
ML_MODEL = "https://stac-extensions.github.io/ml-model/v1.0.0/schema.json"


def _link(rel: str, href: str, media_type: str = "application/json", **more: str) -> Json:
    return {"rel": rel, "type": media_type, **more, "href": href}


def landing(catalog: SampleCatalog, root: str) -> Json:
    """Return the answer of `GET /`: a STAC catalog with a child link per collection."""
    ids = [*catalog.collections, *catalog.model_collections]
    titles = {entry.id: entry.title or entry.id for entry in catalog.collections.values()}
    return {
        "type": "Catalog",
        "id": "mlhub-sample",
        "title": "Sample catalog in the shape of Radiant MLHub",
        "description": "Facts of public training datasets with made-up items and archives.",
        "stac_version": "1.0.0",
        "conformsTo": [
            "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
            "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
            "https://api.stacspec.org/v1.0.0-beta.3/core",
            "https://api.stacspec.org/v1.0.0-beta.3/ogcapi-features",
        ],
        "links": [
            _link("self", root),
            _link("root", root),
            _link("data", f"{root}collections"),
            *(_link("child", f"{root}collections/{cid}", title=titles.get(cid, cid)) for cid in ids),
        ],
    }


def dataset(entry: DatasetEntry) -> Json:
    """Return a dataset record, its keys in alphabetical order after the id as the hosted API sent them."""
    raw = entry.raw
    record: Json = {
        "id": entry.id,
        "bbox": raw["bbox"] if "bbox" in raw else _multi_polygon(entry),
        "citation": raw["citation"],
        "collections": [
            {"id": c.id, "types": list(c.types), "license": c.license_link} for c in entry.collections
        ],
        "creator_contact": {"contact": raw["contact"], "creator": raw["creator"]},
        "date_added": _midnight(raw["added"]),
        "date_modified": _midnight(raw["modified"]),
        "description": raw["description"],
        "documentation_link": raw["documentation"],
        "doi": raw["doi"],
        "publications": raw["publications"],
        "registry": f"https://mlhub.earth/data/{entry.id}",
        "status": "ready",
        "tags": raw["tags"],
        "title": raw.get("title"),
        "tools_applications": None,
        "tutorials": None,
    }
    if "title" not in raw:
        del record["title"]
    return record


def _midnight(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00+00:00"


def _multi_polygon(entry: DatasetEntry) -> Json:
    boxes = dict.fromkeys(box for collection in entry.collections for box in collection.boxes)
    return {"coordinates": [items.geometry(box)["coordinates"] for box in boxes], "type": "MultiPolygon"}


def _extent(boxes: tuple[Box, ...], interval: tuple[str | None, str | None]) -> Json:
    return {"spatial": {"bbox": [list(b) for b in boxes]}, "temporal": {"interval": [list(interval)]}}


def bare_collection(entry: CollectionEntry, parent: DatasetEntry) -> Json:
    """Return a collection without links."""
    document: Json = {"id": entry.id, "type": "Collection", "links": []}
    if entry.title is not None:
        document["title"] = entry.title
    document |= {"extent": _extent(entry.boxes, entry.interval), "license": entry.license}
    if parent.doi:
        document["sci:doi"] = parent.doi
    if entry.providers:
        document["providers"] = [dict(provider) for provider in entry.providers]
    document |= {
        "description": entry.description,
        "sci:citation": parent.raw["citation"],
        "stac_version": "1.0.0",
        "stac_extensions": [SCIENTIFIC],
    }
    return document


def collection(entry: CollectionEntry, parent: DatasetEntry, root: str) -> Json:
    """Return a STAC collection as the API lists it."""
    document = bare_collection(entry, parent)
    document["links"] = _collection_links(entry.id, root)
    return document


def _collection_links(identity: str, root: str) -> list[Json]:
    own = f"{root}collections/{identity}"
    return [
        _link("items", f"{own}/items", "application/geo+json"),
        _link("parent", root),
        _link("root", root),
        _link("self", own),
    ]


def item_document(entry: CollectionEntry, index: int, parent: DatasetEntry, root: str) -> Json:
    """Return an item as the API lists it: asset links are `download/` with a token that tells all."""
    document = items.item(entry, index)
    own = f"{root}collections/{entry.id}"
    document["links"] = [
        _link("collection", own),
        _link("parent", own),
        _link("root", root),
        _link("self", f"{own}/items/{quote(document['id'])}", "application/geo+json"),
        *(
            _link("source", f"{root}collections/{source.id}/items/{identity}", "application/geo+json")
            for source, identity in items.sources(entry, index, parent)
        ),
    ]
    for kind in entry.look.assets:
        token = write_token(entry.id, document["id"], kind.file_name)
        document["assets"][kind.key]["href"] = f"{root}download/{token}"
    return document


def write_token(*parts: str) -> str:
    """Return an opaque word for the path of an asset in the store."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[str, ...] | None:
    """Return what `write_token` was given, or None for a word it never wrote."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return None
    return tuple(parts)


def model_collection(entry: ModelEntry, root: str) -> Json:
    """Return the collection that a model is the only item of."""
    raw = entry.raw
    box = (raw["bbox"][0], raw["bbox"][1], raw["bbox"][2], raw["bbox"][3])
    properties = raw["properties"]
    return {
        "id": entry.collection,
        "type": "Collection",
        "links": _collection_links(entry.collection, root),
        "title": properties["title"],
        "extent": _extent((box,), (properties["start_datetime"], properties["end_datetime"])),
        "license": properties["license"],
        "summaries": {
            name: [properties[name]]
            for name in sorted(properties)
            if name.startswith("ml-model:") and name[9:] != "type"
        },
        "description": properties["description"],
        "stac_version": "1.0.0",
        "stac_extensions": [ML_MODEL],
    }


def model(entry: ModelEntry, catalog: SampleCatalog, root: str) -> Json:
    """Return a model as the API lists it: a STAC item with the ML Model extension."""
    raw = entry.raw
    own = f"{root}collections/{entry.collection}"
    box = (raw["bbox"][0], raw["bbox"][1], raw["bbox"][2], raw["bbox"][3])
    training = [
        _link("ml-model:train-data", f"{root}collections/{cid}", title=catalog.collections[cid].description)
        for cid in raw["trained_on"]
    ]
    assets = {
        name: {**asset, "href": f"{root}download/{write_token(entry.collection, entry.id, asset['href'])}"}
        for name, asset in raw["assets"].items()
    }
    return {
        "id": entry.id,
        "bbox": list(box),
        "type": "Feature",
        "links": [
            _link("collection", own),
            _link("parent", own),
            _link("root", root),
            _link("self", f"{own}/items/{entry.id}", "application/geo+json"),
            *training,
            _link("mlhub:training-dataset", f"https://mlhub.earth/data/{raw['dataset']}", "text/html"),
        ],
        "assets": assets,
        "geometry": items.geometry(box),
        "collection": entry.collection,
        "properties": {"datetime": None, **raw["properties"]},
        "stac_version": "1.0.0",
        "stac_extensions": [ML_MODEL, SCIENTIFIC],
    }


DEFAULT_LIMIT = 30
MOST = 500


def page_of_items(
    entry: CollectionEntry, parent: DatasetEntry, params: QueryParams, root: str, key: str
) -> dict[str, Any]:
    """Return the page of a collection's items that the query asks for.

    Raises HTTPException where `limit` or `token` make no sense.
    """
    limit = _limit(params.get("limit"))
    count = entry.items if _supports(entry, params.getlist("extensions")) else 0
    start = _start(entry, params.get("token"), limit)
    stop = min(count, start + limit)
    features = [item_document(entry, index, parent, root) for index in range(start, stop)]
    return {
        "type": "FeatureCollection",
        "context": {"limit": limit, "matched": count, "returned": len(features)},
        "features": features,
        "links": _links(entry, root, key, start, stop, count),
    }


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise HTTPException(400, "limit must be a whole number above 0.")
    return min(int(text), MOST)


def _supports(entry: CollectionEntry, extensions: list[str]) -> bool:
    wanted = [name for text in extensions for name in text.split(",") if name]
    known = items.item(entry, 0)["stac_extensions"]
    names = {url.split("/")[3] for url in known} | set(known)
    return all(name in names for name in wanted)


def _start(entry: CollectionEntry, token: str | None, limit: int) -> int:
    if token is None:
        return 0
    direction, _, identity = token.partition(":")
    index = items.item_index(entry, identity)
    if index is None or direction not in ("next", "prev"):
        raise HTTPException(400, "This token is not known here.")
    return index + 1 if direction == "next" else max(0, index - limit)


def _links(entry: CollectionEntry, root: str, key: str, start: int, stop: int, count: int) -> list[Json]:
    own = f"{root}collections/{entry.id}/items"
    links = _collection_links(entry.id, root)
    if stop < count:
        token = quote(f"next:{items.item_id(entry, stop - 1)}", safe="")
        links.append(_link("next", f"{own}?token={token}", method="GET"))
    if start > 0 and count:
        token = f"prev:{items.item_id(entry, start)}&key={quote(key)}"
        links.append(_link("previous", f"{own}?token={token}", method="GET"))
    return links

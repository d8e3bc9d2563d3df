"""Pages of items: tokens name the item at the page's edge, as the hosted API's did.

As there, `next` links repeat neither the page size nor the key, and `previous` links carry the key.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.datastructures import QueryParams

from . import documents
from .catalogue import CollectionEntry, DatasetEntry
from .items import item, item_id, item_index

DEFAULT_LIMIT = 30
MOST = 500


class BadPage(Exception):
    """The page's size or token cannot be."""


def page_of_items(
    entry: CollectionEntry, parent: DatasetEntry, params: QueryParams, root: str, key: str
) -> dict[str, Any]:
    """Return the page of a collection's items that the query asks for.

    Raises
    ------
    BadPage
        Where `limit` or `token` make no sense.
    """
    limit = _limit(params.get("limit"))
    count = entry.items if _supports(entry, params.getlist("extensions")) else 0
    start = _start(entry, params.get("token"), limit)
    stop = min(count, start + limit)
    features = [documents.item(entry, index, parent, root) for index in range(start, stop)]
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
        raise BadPage("limit must be a whole number above 0.")
    return min(int(text), MOST)


def _supports(entry: CollectionEntry, extensions: list[str]) -> bool:
    wanted = [name for text in extensions for name in text.split(",") if name]
    known = item(entry, 0)["stac_extensions"]
    names = {url.split("/")[3] for url in known} | set(known)
    return all(name in names for name in wanted)


def _start(entry: CollectionEntry, token: str | None, limit: int) -> int:
    if token is None:
        return 0
    direction, _, identity = token.partition(":")
    index = item_index(entry, identity)
    if index is None or direction not in ("next", "prev"):
        raise BadPage("This token is not known here.")
    return index + 1 if direction == "next" else max(0, index - limit)


def _links(
    entry: CollectionEntry, root: str, key: str, start: int, stop: int, count: int
) -> list[dict[str, str]]:
    own = f"{root}collections/{entry.id}"
    links = [
        {"rel": "items", "type": "application/geo+json", "href": f"{own}/items"},
        {"rel": "parent", "type": "application/json", "href": root},
        {"rel": "root", "type": "application/json", "href": root},
        {"rel": "self", "type": "application/json", "href": own},
    ]
    if stop < count:
        token = quote(f"next:{item_id(entry, stop - 1)}", safe="")
        links.append(_turn("next", f"{own}/items?token={token}"))
    if start > 0 and count:
        links.append(_turn("previous", f"{own}/items?token=prev:{item_id(entry, start)}&key={quote(key)}"))
    return links


def _turn(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "type": "application/json", "method": "GET", "href": href}

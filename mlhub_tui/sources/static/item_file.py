"""A list of items in one file as a catalog: a saved search, an answer of an API, one item a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from ...http.urls import shown
from ...models import Catalog, Collection, Item, JsonDict
from ...models.extent import around
from ...models.when import span_of
from ...text import count
from ..documents import ItemList, is_lines
from .document_loader import Parsed
from .document_urls import file_url, is_web, member_url, name_of, same


def catalog_of(found: ItemList, url: str) -> tuple[str, dict[str, Parsed]]:
    """Return the documents of a catalog that is made of a list of items, by place URL, and that of its root.

    There is a collection for each that the items name; those that name none are in one that is called like
    the file. All hrefs of items stay as they are: what is relative is relative to the file.
    """
    # Nothing but these documents may be read: they are linked as members of an archive are.
    base = file_url("/" + url.partition("://")[2]) if is_web(url) else url
    name = name_of(url).rpartition(".")[0] if is_lines(url) else name_of(url)
    items: dict[str, list[Item]] = {}
    for item in found.items:
        items.setdefault(item.collection_id or name, []).append(item)
    root_url = member_url(base, "catalog.json")
    made: dict[str, Parsed] = {same(url): found, same(found.url): found}
    links = []
    skipped = found.skipped  # counted where the first items are
    for identity, own in items.items():
        # One part of a path, whatever the id.
        folder = f"c-{quote(identity, safe='', errors='replace').replace('%', '~')}"
        links.append({"rel": "child", "href": f"./{folder}/collection.json", "title": identity})
        place = member_url(base, f"{folder}/collection.json")
        made[place] = Collection(_collection(identity, own), url=place)
        made[member_url(base, f"{folder}/items.json")] = ItemList(found.url, tuple(own), skipped)
        skipped = 0
    words = f"{count(len(found.items), 'item')} of {shown(url)}"
    named = {"type": "Catalog", "stac_version": "1.0.0", "id": name, "title": name}
    made[root_url] = Catalog({**named, "description": words, "links": links}, url=root_url)
    return root_url, made


def _collection(identity: str, items: Sequence[Item]) -> JsonDict:
    box = around([item.bbox for item in items if item.bbox is not None])
    spans = [span for item in items if (span := span_of(item.interval.start, item.interval.end))]
    start = min((span.start for span in spans if span.start), default=None)
    end = max((span.end for span in spans if span.end), default=None)
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identity,
        "description": f"{count(len(items), 'item')} of a list",
        "extent": {
            "spatial": {"bbox": [[box.west, box.south, box.east, box.north]] if box else []},
            "temporal": {"interval": [[_written(start), _written(end)]]},
        },
        "links": [{"rel": "items", "href": "./items.json"}],
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None

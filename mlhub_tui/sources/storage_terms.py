"""Terms of stores that a collection states for the assets of its items: who pays for the transfer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from ..errors import MLHubException
from ..models import Collection, Document, Item, JsonDict
from ..models.document import asset_entries
from .asset_links import stated_payer

D = TypeVar("D", bound=Document)
_FIELDS = ("storage:schemes", "storage:requester_pays")
_OF_ASSETS = ("storage:refs", "storage:requester_pays")
_STORES = ("s3:", "s3a", "s3n", "gs:", "gcs", "/vs")  # how their hrefs begin, those of GDAL too


def storage_terms(collection: JsonDict) -> JsonDict:
    """Return what a collection states of the stores of its items, as `Document.inherited`; empty if nothing.

    Fields of its own come before its summaries (STAC storage extension, versions 1 and 2).
    """
    summaries, assets = collection.get("summaries"), collection.get("item_assets")
    places = [place for place in (summaries, collection) if isinstance(place, dict)]
    found = {name: place[name] for place in places for name in _FIELDS if name in place}
    described: dict[str, Any] = {
        key: terms
        for key, entry in (assets.items() if isinstance(assets, dict) else ())
        if isinstance(entry, dict)
        if (terms := {name: entry[name] for name in _OF_ASSETS if name in entry})
    }
    return {**found, "item_assets": described} if described else found


class StorageTerms:
    """Adds to items what their collections state; each is requested once, and only where it matters.

    - `collection`: Gives a collection by its id; where it cannot, the items stay as they are.
    """

    def __init__(self, collection: Callable[[str], Awaitable[Collection]]) -> None:
        self._collection = collection
        self._known: dict[str, JsonDict] = {}

    async def of(self, document: D, collection_id: str = "") -> D:
        """Return a document with what its collection states; `collection_id` is for items that name none."""
        if not isinstance(document, Item):
            return document
        name = document.collection_id or collection_id
        if name not in self._known:
            if not name or not _is_open(document):
                return document
            try:
                self._known[name] = storage_terms((await self._collection(name)).raw)
            except MLHubException:
                self._known[name] = {}
        terms = self._known[name]
        return replace(document, inherited=terms) if terms else document

    async def all_of(self, items: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
        """Yield items as they come, each with what its collection states."""
        async with aclosing(items):
            async for item in items:
                yield await self.of(item)


def _is_open(item: Item) -> bool:
    """Whether an asset is in a store, and the item does not state who pays. Written for speed."""
    entries = asset_entries(item.raw.get("assets")).values()
    hrefs = (entry.get("href") for entry in entries if isinstance(entry, dict))
    if not any(_may_cost(href) for href in (item.url, *hrefs) if isinstance(href, str)):
        return False
    return any(stated_payer(item, asset) is None for asset in item.assets)


def _may_cost(href: str) -> bool:
    """Whether an href leads into a store that knows requesters who pay: Azure's do not."""
    if href.startswith("http"):
        return ".amazonaws." in href or ".googleapis." in href
    return href[:3].lower() in _STORES

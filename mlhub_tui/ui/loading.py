"""Loads what the screens show, and remembers a bounded part of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from ..errors import APIKeyNotFound, AuthenticationError, EntityDoesNotExist, MLHubException
from ..models import ArchiveInfo, Collection, Document, Item
from ..sources.base import Source
from .widgets.catalog import Catalog, ItemListing, ItemRef, Listing
from .widgets.nodes import CollectionNode, DatasetNode, ItemNode, ModelNode, Node

K = TypeVar("K")
V = TypeVar("V")

ITEMS_KEPT = 300
"""Item documents kept in memory: a few pages; the tree itself remembers ids only."""
COLLECTIONS_KEPT = 300


class Recent(OrderedDict[K, V], Generic[K, V]):
    """A mapping that forgets what was not used for longest."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def recall(self, key: K) -> V | None:
        """Return a value and remember that it was used."""
        if key not in self:
            return None
        self.move_to_end(key)
        return self[key]

    def remember(self, key: K, value: V) -> None:
        """Keep a value; the least recently used one goes."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._room:
            self.popitem(last=False)


class Documents:
    """The documents of one source that were looked at, and why others could not be."""

    def __init__(self, source: Source | None = None) -> None:
        self.source = source
        self._collections: Recent[str, Collection] = Recent(COLLECTIONS_KEPT)
        self._archives: Recent[str, ArchiveInfo | str] = Recent(COLLECTIONS_KEPT)
        self._items: Recent[tuple[str, str], Item] = Recent(ITEMS_KEPT)
        self._failed: Recent[tuple[str, ...], str] = Recent(COLLECTIONS_KEPT)

    def collection(self, collection_id: str) -> Collection | None:
        """Return a collection that was loaded."""
        return self._collections.recall(collection_id)

    def archive(self, collection_id: str) -> ArchiveInfo | str | None:
        """Return what is known of an archive; a string says why nothing is."""
        return self._archives.recall(collection_id)

    def item(self, ref: ItemRef) -> Item | None:
        """Return an item that is still in memory."""
        return self._items.recall((ref.collection_id, ref.id))

    def why_no_collection(self, collection_id: str) -> str:
        """Return why a collection could not be loaded."""
        return self._failed.get(("collection", collection_id), "")

    def why_no_item(self, ref: ItemRef) -> str:
        """Return why an item could not be loaded."""
        return self._failed.get(("item", ref.collection_id, ref.id), "")

    def keep_items(self, collection_id: str, items: tuple[Item, ...]) -> None:
        """Remember the items of a page."""
        for item in items:
            self._items.remember((collection_id, item.id), item)

    def of(self, node: Node | None) -> Document | None:
        """Return the document of a node as far as it is in memory."""
        match node:
            case DatasetNode(_, dataset):
                return dataset
            case CollectionNode(_, ref):
                return self.collection(ref.id)
            case ItemNode(_, ref):
                return self.item(ref)
            case ModelNode(_, model):
                return model
        return None

    async def complete(self, node: Node) -> AsyncIterator[None]:
        """Load what is missing for the sheet of a node; yields whenever there is more to show."""
        if isinstance(node, ItemNode):
            if self.item(node.item) is None and await self.load_item(node.item):
                yield None
        elif isinstance(node, CollectionNode):
            identity = node.ref.id
            loads: list[Any] = []
            if self.collection(identity) is None:
                loads.append(self.load_collection(identity))
            if self.archive(identity) is None:
                loads.append(self.load_archive(identity))
            for done in asyncio.as_completed(loads):
                await done
                yield None

    async def load_collection(self, collection_id: str) -> Collection | None:
        """Load a collection; what went wrong is remembered."""
        if self.source is None:
            return None
        try:
            collection = await self.source.collection(collection_id)
        except MLHubException as error:
            self._failed.remember(("collection", collection_id), _why(error))
            return None
        self._collections.remember(collection_id, collection)
        return collection

    async def load_archive(self, collection_id: str) -> ArchiveInfo | str:
        """Load what is known of an archive."""
        if self.source is None:
            return "unknown"
        found: ArchiveInfo | str
        try:
            found = await self.source.archive_info(collection_id)
        except EntityDoesNotExist:
            found = "none yet: it may still be generating"
        except (AuthenticationError, APIKeyNotFound):
            found = "its size needs an API key"
        except MLHubException as error:
            return _why(error)
        self._archives.remember(collection_id, found)
        return found

    async def load_item(self, ref: ItemRef) -> bool:
        """Load an item again that was forgotten; True when there is something new to show."""
        if self.source is None:
            return False
        try:
            item = await self.source.item(ref.collection_id, ref.id)
        except MLHubException as error:
            self._failed.remember(("item", ref.collection_id, ref.id), _why(error))
            return True
        self._items.remember((ref.collection_id, ref.id), item)
        return True


async def load_listings(source: Source, catalog: Catalog) -> AsyncIterator[None]:
    """Load datasets and models side by side into the catalog; yields after each."""
    loads = [_load_datasets(source, catalog), _load_models(source, catalog)]
    for done in asyncio.as_completed(loads):
        await done
        yield None


async def _load_datasets(source: Source, catalog: Catalog) -> None:
    try:
        catalog.set_datasets(await source.datasets())
    except MLHubException as error:
        catalog.dataset_listing = Listing(loading=False, error=error)


async def _load_models(source: Source, catalog: Catalog) -> None:
    try:
        catalog.set_models(await source.models())
    except EntityDoesNotExist:
        catalog.set_models([])  # not every deployment has models
    except MLHubException as error:
        catalog.model_listing = Listing(loading=False, error=error)


async def load_next_items(documents: Documents, catalog: Catalog, collection_id: str) -> bool:
    """Load the next page of a collection's items into the catalog.

    Returns
    -------
    bool
        Whether anything changed: not while the page is being loaded already, nor at the end.

    Raises
    ------
    AuthenticationError, APIKeyNotFound
        If the listing needs a key; the listing says so too.
    """
    listing = catalog.items.setdefault(collection_id, ItemListing())
    if not listing.wants_more or documents.source is None:
        return False
    listing.loading = True
    try:
        page = await documents.source.items_page(collection_id, link=listing.next)
    except MLHubException as error:
        listing.error = _why(error)
        if isinstance(error, AuthenticationError | APIKeyNotFound):
            raise
        return True
    finally:
        listing.loading = False
    documents.keep_items(collection_id, page.entries)
    known = {ref.id for ref in listing.refs[-len(page.entries) :]} if page.entries else set()
    fresh = [item for item in listing.take(page) if item.id not in known]
    listing.refs += [ItemRef(collection_id, item.id, item.label) for item in fresh]
    return True


def _why(error: MLHubException) -> str:
    return f"{error.message}: {error.hint}" if error.hint else error.message

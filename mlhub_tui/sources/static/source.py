"""A static catalog as a source: documents that link to each other, wherever they lie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...auth import Auth, Kind
from ...errors import EntityDoesNotExist, RequestError
from ...http.cache import CachingClient, DocumentCache
from ...http.session import Session
from ...http.urls import shown_id
from ...models import Catalog, Collection, Document, Entry, EntryKind, Item, Search
from ...text import count
from ..asset_links import AssetLinks
from ..base import COLLECTION_IDS, ITEM_IDS, About, Page, Source
from ..documents import ItemList
from ..local_search import FIELDS, search_locally
from .catalog_crawler import CollectionIndex
from .document_links import Children
from .document_loader import DocumentLoader, LRUCache, unreadable
from .document_urls import is_web, place_named, same
from .pages import AGAIN, ItemPages, Tree
from .root import CatalogRoot, catalog_of, find_root

if TYPE_CHECKING:
    from ...http.credentials import Link

_LISTINGS = 32


class StaticSource(Source):
    """A `Source` over a static STAC catalog; closing it closes its session.

    Ids need not be unique in a static catalog: wherever the id of a collection or item is asked for, its
    place URL (`Entry.url`) is taken as well.

    - `location`: The URL of a `catalog.json` or `collection.json`; the path of one, of a folder that holds
      one, or of a tar archive.
    - `session`: The session with the server; its secret goes to its own origin only. By default one without a
      secret.
    - `patience`: Seconds that a page of the tree waits for the documents of its catalogs and collections.
    """

    noun = "a static catalog"
    kind = Kind.STATIC

    def __init__(self, location: str, session: Session | None = None, *, patience: float = 0.7) -> None:
        self.location = location
        self.session = session or Session(root_url=_origin(location), auth=Auth())
        self._cache: DocumentCache | None = None
        self._patience = patience
        self._opening = asyncio.Lock()
        self._opened: _Opened | None = None
        self._former: list[_Opened] = []
        self._web: CachingClient | None = None
        self.asset_links = AssetLinks(location, self.session, local=not is_web(location))

    @property
    def root_url(self) -> str:
        """The location as it was given."""
        return self.location

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read so far, and whether the cache answers in place of a server; a line each."""
        offline = (str(self._web.offline),) if self._web and self._web.offline else ()
        opened = self._opened
        return (*offline, *opened.notes, *opened.index.notes) if opened else offline

    def refresh(self) -> None:
        """Request every document again from now on; cached ones are used once the server confirms them."""
        if self._web is not None:
            self._web.refresh()
        if self._opened is not None:
            self._former.append(self._opened)  # somebody may be reading from it still
            self._opened = None

    async def about(self) -> About:
        """Return the description of the catalog from its root document, and warnings about reading it."""
        opened = await self._open()
        document = await opened.document(opened.url)
        return About(Kind.STATIC, document.title, document.description, FIELDS, self.troubles, document)

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return one page of what is below an entry; at the top, of what the root document holds.

        A root that is a collection is the one entry at the top, so that it can be looked at itself.
        """
        opened = await self._open()
        if parent is not None:
            if parent.note == AGAIN:
                return Page((), notes=(AGAIN,))
            url = parent.url or await opened.index.url_of(parent.id)
            return await opened.tree.below(url, link=link, size=page_size)
        root = await opened.loader.holder(opened.url)
        if isinstance(root, Children) and root.made is not Catalog:
            document = await opened.document(opened.url)
            return Page((replace(Entry.of(document), url=opened.url),), matched=1)
        return await opened.tree.below(opened.url, link=link, size=page_size)

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, fetched if need be."""
        if entry.document is not None:
            return entry.document
        opened = await self._open()
        if not entry.url and entry.kind is EntryKind.ITEM:
            return await self.item(entry.collection_id, entry.id)
        return await opened.document(entry.url or await opened.index.url_of(entry.id), entry.id)

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items of some collections, or of all, that match a search."""
        if not search.collections:
            search = replace(search, collections=((await self._open()).url,))
        return await search_locally(search, self.items_page, link=link, page_size=page_size)

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset are; files of this machine only for a catalog that is on it."""
        if not is_web(href):
            members = (await self._open()).members
            if members is not None and href.startswith("file:"):
                return members.link(href)
        return await super().asset_link(href, fresh=fresh)

    async def walk_collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections of the tree as they are found, nearest first."""
        opened = await self._open()
        async for collection in opened.index.collections():
            yield collection

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection by its id or place URL."""
        opened = await self._open()
        found = await opened.loader.one(await opened.index.url_of(collection_id))
        if isinstance(found, Catalog):  # its items are listed by its id too
            return Collection(found.raw, url=found.url)
        if not isinstance(found, Collection):
            raise EntityDoesNotExist(f"{shown_id(collection_id)} is no collection", hint=COLLECTION_IDS)
        return found

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        """Return one page of the items below a collection, nested catalogs and collections included."""
        return await (await (await self._open()).items(collection_id)).page(link, page_size, extensions)

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item, by its id or its place URL; by the id it is looked for among all."""
        if place := place_named(item_id, local=not is_web(self.location)):
            found = await (await self._open()).document(place)
            if isinstance(found, Item):
                return found
            raise EntityDoesNotExist(f"{shown_id(item_id)} is no item", hint=ITEM_IDS)
        return await (await (await self._open()).items(collection_id)).item(item_id)

    async def aclose(self) -> None:
        """Close the session, the archive and the cache."""
        await super().aclose()
        for opened in (self._opened, *self._former):
            if opened is not None and opened.members is not None:
                await asyncio.to_thread(opened.members.close)
        if self._cache is not None:
            await asyncio.to_thread(self._cache.close)

    async def _open(self) -> _Opened:
        """Find the root; the first call may read an archive, later ones cost nothing."""
        async with self._opening:
            if self._opened is None:
                if self._web is None:
                    self._cache = DocumentCache()
                    self._web = CachingClient(self.session, self._cache)
                root = await find_root(self.location, self.session)
                self._opened = await _Opened.of(root, self._web, self._patience)
            return self._opened


class _Opened:
    """A source with its root found."""

    def __init__(self, root: CatalogRoot, loader: DocumentLoader, patience: float) -> None:
        self.url = root.url
        self.members = root.members
        self.notes = root.notes
        self.loader = loader
        self.tree = Tree(loader, patience=patience)
        self.index = CollectionIndex(loader, root.url)
        self._listings: LRUCache[ItemPages] = LRUCache(_LISTINGS)

    @classmethod
    async def of(cls, root: CatalogRoot, web: CachingClient, patience: float) -> _Opened:
        """Return the source of a root; of a list of items the catalog that is made of it."""
        keys = web.session.keys
        if root.members is not None:
            return cls(root, DocumentLoader(web, read_members=root.members.read, keys=keys), patience)
        local = not is_web(root.url)
        loader = DocumentLoader(web, local=local, keys=keys)
        with suppress(RequestError):  # it is requested again where it is wanted
            found = await loader.one(root.url)
            if isinstance(found, ItemList):
                url, made = catalog_of(found, root.url)
                root, loader = CatalogRoot(url), DocumentLoader(web, local=local, made=made, keys=keys)
        return cls(root, loader, patience)

    async def document(self, url: str, identity: str = "") -> Document:
        """Return a document; of a list of items the one with an id."""
        found = await self.loader.one(url)
        if not isinstance(found, ItemList):
            return found
        for item in found.items:
            if item.id == identity:
                return item
        raise unreadable(url, f"a list of {count(len(found.items), 'item')}, not one document")

    async def items(self, collection_id: str) -> ItemPages:
        """Return the listing of the items below a document; it remembers where it was."""
        url = same(await self.index.url_of(collection_id))
        known = self._listings.get(url) or ItemPages(self.loader, url)
        self._listings.put(url, known, 1)
        return known


def _origin(location: str) -> str:
    """Return the root of a location's server, the only one that a secret would be for."""
    if not is_web(location):
        return "https://nowhere.invalid/"
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"

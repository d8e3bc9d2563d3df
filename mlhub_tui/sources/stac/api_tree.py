"""The tree of a STAC API: collections, or the catalogs its links name; below them more, or items."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from ...errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ...http.cache import CachingClient, DocumentCache
from ...http.pagination import FetchedPage, PageRequest, Params, absolute, with_params
from ...http.urls import join, segment, shown_id
from ...models import Catalog, Collection, Document, Entry, EntryKind, Item, Search
from ...models.document import identity
from ...text import one_line
from ..base import COLLECTION_IDS, Page
from ..static.document_loader import DocumentLoader
from ..static.pages import ItemPages
from .api_client import APIClient, is_no_such_place
from .landing import below_root

_AT_ONCE = 8
SEARCHED = "its items are found by a search: `mlhub-tui search`, or / in the app"
_KINDS = {"child": EntryKind.CATALOG, "item": EntryKind.ITEM}


class NotListed(UnexpectedAnswer, EntityDoesNotExist):
    """An API has no list of its collections."""


class APITree:
    """Finds what lies below an entry.

    Parameters
    ----------
    client
        What asks the API.
    """

    def __init__(self, client: APIClient) -> None:
        self.notes: dict[str, None] = {}
        self._client = client
        self._root = client.session.root_url
        self._cache: DocumentCache | None = None
        self._linked_items: dict[str, ItemPages] = {}

    async def aclose(self) -> None:
        """Close the cache of the documents that links lead to."""
        if self._cache is not None:
            await asyncio.to_thread(self._cache.close)

    async def top(self, page_size: int | None = None) -> Page[Entry]:
        """Return the first page of collections; what the landing page links where they are not listed."""
        landing = await self._client.landing(again=True)
        linked = self._linked(landing.raw, landing.url)
        try:
            fetched = await self.collections(page_size)
        except NotListed as error:
            if not linked and not landing.says_search:
                raise
            return Page(linked, notes=() if linked else (error.hint or error.message,))
        page = self.entries(fetched)
        return page if page.entries or page.next or not linked else Page(linked)

    async def collections(self, page_size: int | None = None) -> FetchedPage:
        """Return the first page of collections.

        Raises
        ------
        NotListed
            If there are none where the landing page says, nor where the STAC API has them.
        """
        landing = await self._client.landing()
        own = join(self._root, "collections")
        places = self._client.own_first(landing.collections_url, own)
        try:
            return await self._client.first_there(
                places, lambda place: self._client.first(place, page_size, bare="collections")
            )
        except RequestError as error:
            if not is_no_such_place(error):
                raise
            words = landing.trouble or error.message
        if landing.says_search:
            raise NotListed("this API has no list of collections", url=own, hint=SEARCHED)
        what = "this API has no list of collections" if landing.conforms else "there is no STAC API"
        raise NotListed(f"{what}: {words}", url=own)

    async def linked_collections(self) -> list[Collection]:
        """Return the collections that the landing page links, and those below its catalogs, nearest first.

        Raises
        ------
        RequestError
            If not one document can be read.
        """
        found = [document async for document in self._linked_documents() if isinstance(document, Collection)]
        return list({collection.id: collection for collection in reversed(found)}.values())[::-1]

    async def linked_collection(self, collection_id: str) -> Collection | None:
        """Return the collection of an id that links alone lead to; None without one."""
        landing = await self._client.landing()
        if not any(not entry.id for entry in self._linked(landing.raw, landing.url)):
            return None
        async for document in self._linked_documents():
            if isinstance(document, Collection) and document.id == collection_id:
                return document
        return None

    async def _linked_documents(self) -> AsyncGenerator[Document, None]:
        """Yield the documents that child links lead to, each once; those that cannot be read are noted."""
        landing = await self._client.landing()
        waiting = list(self._linked(landing.raw, landing.url))
        seen = {entry.url for entry in waiting}
        first: RequestError | None = None
        read = 0
        while waiting:
            some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            places = [entry.url for entry in some if entry.kind is not EntryKind.ITEM]
            answers = await asyncio.gather(*map(self._client.document, places), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, RequestError):
                    first = first or answer
                    self.notes[one_line(answer.message, 300)] = None
                elif isinstance(answer, BaseException):
                    raise answer
                else:
                    read += 1
                    below = [each for each in self._linked(answer.raw, answer.url) if each.url not in seen]
                    seen.update(entry.url for entry in below)
                    waiting.extend(below)
                    yield answer
        if first is not None and not read:
            raise first

    async def below(self, parent: Entry, page_size: int | None = None) -> Page[Entry]:
        """Return the first page of what lies below a collection or a catalog."""
        if parent.kind is EntryKind.COLLECTION and parent.id and parent.document is None:
            items = await self.items(parent.id, page_size)
            return self.entries(items, parent.id)
        document = parent.document or await self._client.document(self.place(parent))
        linked = self._linked(document.raw, document.url)
        fetched = await self._listed(document, page_size)
        if fetched is None:
            return Page(linked)
        page = self.entries(fetched, document.id if isinstance(document, Collection) else "")
        return replace(page, entries=(*linked, *page.entries))

    async def more(self, link: str, collection_id: str = "") -> Page[Entry]:
        """Return the page that a `Page.next` leads to."""
        return self.entries(
            await self._client.session.fetch_page(PageRequest.decoded(link), bare="collections"),
            collection_id,
        )

    async def items_page(
        self, collection_id: str, link: str | None, page_size: int | None, params: Params = None
    ) -> Page[Item]:
        """Return a page of a collection's items; of those that it links where the API does not list them."""
        if link is not None and link.startswith("["):
            return await self._items_at(json.loads(link)[0]).page(link, page_size)
        if link is not None:
            return await self._client.items(PageRequest.decoded(link))
        try:
            return self._client.page(await self.items(collection_id, page_size, params), "features", Item)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            if (items := await self._items_linked_by(collection_id)) is None:
                raise
            return await items.page(None, page_size)

    async def linked_item(self, collection_id: str, item_id: str) -> Item | None:
        """Return an item that its collection's links alone lead to; None without one."""
        items = await self._items_linked_by(collection_id)
        try:
            return await items.item(item_id) if items is not None else None
        except EntityDoesNotExist:
            return None

    async def _items_linked_by(self, collection_id: str) -> ItemPages | None:
        """Return the items that the links of a collection lead to; None where it has no such links."""
        path = f"collections/{segment(collection_id, 'collection')}"
        try:
            document: Document | None = await self._client.document(join(self._root, path))
        except RequestError:
            document = await self.linked_collection(collection_id)
        if document is None or not self._linked(document.raw, document.url):
            return None
        return self._items_at(document.url)

    def _items_at(self, url: str) -> ItemPages:
        if url not in self._linked_items:
            session = self._client.session
            self._cache = self._cache or DocumentCache()
            loader = DocumentLoader(CachingClient(session, self._cache), keys=session.keys)
            self._linked_items[url] = ItemPages(loader, url)
        return self._linked_items[url]

    async def items(
        self, collection_id: str, page_size: int | None = None, params: Params = None
    ) -> FetchedPage:
        """Return the first page of a collection's items.

        From the API's own place; where there is none from the collection's `items` link, or by a search.

        Parameters
        ----------
        params
            What narrows the items at the API's own place.

        Raises
        ------
        EntityDoesNotExist
            If there is no such collection.
        """
        path = f"collections/{segment(collection_id, 'collection')}"
        try:
            place = with_params(join(self._root, f"{path}/items"), params)
            return await self._client.first(place, page_size)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            first = error
        missing: EntityDoesNotExist | None = None
        try:
            document: Document | None = await self._client.document(join(self._root, path))
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise first from None
            if isinstance(error, EntityDoesNotExist):
                words = f"collection {shown_id(collection_id)} does not exist"
                missing = EntityDoesNotExist(words, url=error.url, status=error.status, hint=COLLECTION_IDS)
            document = await self.linked_collection(collection_id)
        if document is not None:
            found = await self._listed(document, page_size, tried=join(self._root, f"{path}/items"))
        else:
            try:
                found = await self._searched(collection_id, page_size)
            except RequestError:
                found = None
            found = found if found and _holds(found, collection_id) else None
        if found is None:
            raise missing or first from None
        return found

    async def _listed(self, document: Document, page_size: int | None, tried: str = "") -> FetchedPage | None:
        """Return the first page of what a document's links list, or a search finds; None where nothing."""
        is_own = self._client.session.is_own
        place = _href(document, "items") or (
            "" if isinstance(document, Collection) else _href(document, "data")
        )
        # An API's link to another host is often its inner name: the API's own place is asked first.
        trusted = tried or (is_own(place) or not is_own(document.url) if place else False)
        if place and place != tried and trusted:
            return await self._client.first(place, page_size, bare="collections")
        if not isinstance(document, Collection):
            return None
        if not tried:
            return await self.items(document.id, page_size)
        return await self._searched(document.id, page_size)

    async def _searched(self, collection_id: str, page_size: int | None) -> FetchedPage | None:
        """Return the first page of a collection's items by a search; None where there is none."""
        landing = await self._client.landing()
        if not landing.may_search:
            return None
        return await self._client.search(Search(collections=(collection_id,)), page_size)

    def place(self, entry: Entry) -> str:
        """Return where the document of an entry is."""
        if entry.url:
            return entry.url
        collection = entry.id if entry.kind is EntryKind.COLLECTION else entry.collection_id
        path = f"collections/{segment(collection, 'collection')}"
        if entry.kind is EntryKind.ITEM:
            path += f"/items/{segment(entry.id, 'item')}"
        return join(self._root, path)

    def entries(self, fetched: FetchedPage, collection_id: str = "") -> Page[Entry]:
        """Return an answer's items, collections or catalogs as entries."""
        answer = fetched.answer
        if isinstance(answer.get("features"), list):
            items = self._client.page(fetched, "features", Item)
            made = [Entry.of(item, collection_id=collection_id) for item in items.entries]
            return Page(tuple(made), items.next, items.matched, items.skipped, items.stopped)
        key = "children" if "children" in answer and "collections" not in answer else "collections"
        kind = Catalog if key == "children" else Collection
        page: Page[Document] = self._client.page(fetched, key, kind)
        return Page(tuple(map(Entry.of, page.entries)), page.next, page.matched, page.skipped, page.stopped)

    def _linked(self, raw: dict[str, object], url: str) -> tuple[Entry, ...]:
        """Return the entries that the links of a document name, each place once."""
        links = raw.get("links")
        found: dict[str, Entry] = {}
        for link in links if isinstance(links, list) else []:
            if (entry := self._entry(link, url)) is not None:
                found.setdefault(entry.url, entry)
        return tuple(found.values())

    def _entry(self, link: object, url: str) -> Entry | None:
        if not isinstance(link, dict) or not isinstance(link.get("href"), str):
            return None
        kind = _KINDS.get(str(link.get("rel")).strip().lower())
        if kind is None or "html" in str(link.get("type")).lower():
            return None
        try:
            place = below_root(link["href"], url, self._root, self._client.session.bare)
        except UnexpectedAnswer:
            return None
        identity = self._collection_at(place)
        return Entry(
            EntryKind.COLLECTION if identity else kind, identity, one_line(link.get("title"), 200), place
        )

    def _collection_at(self, url: str) -> str:
        """Return the id of the collection that a URL of this API is the place of; empty where it is none."""
        path, base = urlsplit(url).path.rstrip("/"), urlsplit(join(self._root, "collections/")).path
        rest = path.removeprefix(base)
        if not self._client.session.is_own(url) or rest == path or not rest or "/" in rest:
            return ""
        return unquote(rest)


def _holds(found: FetchedPage, collection_id: str) -> bool:
    """Whether an answer has items, and all of this collection: some searches ignore what they do not know."""
    features = found.answer.get("features")
    if not isinstance(features, list) or not features:
        return False
    return all(
        isinstance(each, dict) and identity(each.get("collection")) == collection_id for each in features
    )


def _href(document: Document, relation: str) -> str:
    """Return where a link of a document leads; empty where there is none."""
    for link in document.links:
        href, kind = link.get("href"), str(link.get("type") or "json").lower()
        if str(link.get("rel")).strip().lower() == relation and isinstance(href, str) and "json" in kind:
            try:
                return absolute(href, document.url)
            except UnexpectedAnswer:
                continue
    return ""

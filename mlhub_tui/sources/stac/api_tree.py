"""The tree of a STAC API: collections, or the catalogs its links name; below them more, or items."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from ...errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ...http.cache import CachingClient, DocumentCache
from ...http.pagination import FetchedPage, PageRequest, Params, absolute, with_params
from ...http.urls import join, segment, shown_id
from ...models import Catalog, Collection, Document, Entry, EntryKind, Item, Search
from ...models.document import identity, links_of
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

    - `client`: What asks the API.
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
            page = self._entries(await self.collections(page_size))
        except NotListed as error:
            if not linked and not landing.says_search:
                raise
            return Page(linked, notes=() if linked else (error.hint or error.message,))
        return page if page.entries or page.next or not linked else Page(linked)

    async def collections(self, page_size: int | None = None) -> FetchedPage:
        """Return the first page of collections.

        Raises NotListed if there are none where the landing page says, nor where the STAC API has them.
        """
        landing = await self._client.landing()
        own = join(self._root, "collections")
        try:
            return await self._client.first_there(
                landing.collections_url, own, lambda url: self._client.first(url, page_size, "collections")
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

        Raises RequestError if not one document can be read.
        """
        found = [document async for document in self._linked_documents() if isinstance(document, Collection)]
        return list({collection.id: collection for collection in reversed(found)}.values())[::-1]

    async def linked_collection(self, collection_id: str) -> Collection | None:
        """Return the collection of an id that links alone lead to; None without one."""
        landing = await self._client.landing()
        if all(entry.id for entry in self._linked(landing.raw, landing.url)):
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
            return _as_entries(await self.items_page(parent.id, None, page_size), parent.id)
        document = parent.document or await self._client.document(parent.url or self._own_place(parent.id))
        is_collection, is_own = isinstance(document, Collection), self._client.session.is_own
        place = _href(document, "items") or ("" if is_collection else _href(document, "data"))
        linked = self._linked(document.raw, document.url)
        # An API's link to another host is often its inner name: the API's own place is asked then.
        if place and (is_own(place) or not is_own(document.url)):
            fetched = await self._client.first(place, page_size, bare="collections")
            page = self._entries(fetched, document.id if is_collection else "")
        elif is_collection:
            try:
                found = await self.items_page(document.id, None, page_size, linked=False)
            except RequestError as error:
                if not linked or not is_no_such_place(error, document.id):
                    raise
                return Page(linked)
            page = _as_entries(found, document.id)
        else:
            return Page(linked)
        return replace(page, entries=(*linked, *page.entries))

    async def more(self, link: str, collection_id: str = "") -> Page[Entry]:
        """Return the page that a `Page.next` leads to."""
        if link.startswith("["):
            return _as_entries(await self.items_page(collection_id, link, None), collection_id)
        step = PageRequest.decoded(link)
        return self._entries(await self._client.session.fetch_page(step, bare="collections"), collection_id)

    async def items_page(
        self,
        collection_id: str,
        link: str | None,
        page_size: int | None,
        params: Params = None,
        *,
        linked: bool = True,
    ) -> Page[Item]:
        """Return a page of a collection's items.

        The first page is from the API's own place; where there is none, from the collection's `items` link,
        by a search, or of the items that the collection links.

        - `params`: What narrows the items at the API's own place.
        - `linked`: Whether the items count that the collection links.

        Raises EntityDoesNotExist if there is no such collection.
        """
        client = self._client
        if link is not None and link.startswith("["):
            return await self._items_at(json.loads(link)[0][0]).page(link, page_size)
        if link is not None:
            return await client.items(PageRequest.decoded(link))
        own = f"{self._own_place(collection_id)}/items"
        try:
            return client.page(await client.first(with_params(own, params), page_size), "features", Item)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            first = error
        document, missing = await self._collection(collection_id, first)
        place = _href(document, "items") if document is not None else ""
        try:
            if place and place != own:
                return client.page(await client.first(place, page_size, "collections"), "features", Item)
            if (await client.landing()).may_search:
                search = Search(collections=(document.id if document else collection_id,))
                found = await client.search(search, page_size)
                if document is not None or _holds(found, collection_id):
                    return client.page(found, "features", Item)
        except RequestError as error:
            if document is not None and not is_no_such_place(error, collection_id):
                raise
            first = error if document is not None else first
        if linked and document is not None and self._linked(document.raw, document.url):
            return await self._items_at(document.url).page(None, page_size)
        raise missing or first

    async def _collection(
        self, collection_id: str, failure: RequestError
    ) -> tuple[Document | None, EntityDoesNotExist | None]:
        """Return the document of a collection, and the error to raise where nothing has its items."""
        try:
            return await self._client.document(self._own_place(collection_id)), None
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise failure from None
            missing = None
            if isinstance(error, EntityDoesNotExist):
                words = f"collection {shown_id(collection_id)} does not exist"
                missing = EntityDoesNotExist(words, url=error.url, status=error.status, hint=COLLECTION_IDS)
        return await self.linked_collection(collection_id), missing

    async def linked_item(self, collection_id: str, item_id: str) -> Item | None:
        """Return an item that its collection's links alone lead to; None without one."""
        try:
            document: Document | None = await self._client.document(self._own_place(collection_id))
        except RequestError:
            document = await self.linked_collection(collection_id)
        if document is None or not self._linked(document.raw, document.url):
            return None
        try:
            return await self._items_at(document.url).item(item_id)
        except EntityDoesNotExist:
            return None

    def _items_at(self, url: str) -> ItemPages:
        """Return the pages of the items that the document at a URL links."""
        if url not in self._linked_items:
            session = self._client.session
            self._cache = self._cache or DocumentCache()
            loader = DocumentLoader(CachingClient(session, self._cache), keys=session.keys)
            self._linked_items[url] = ItemPages(loader, url)
        return self._linked_items[url]

    def _own_place(self, collection_id: str) -> str:
        return join(self._root, f"collections/{segment(collection_id, 'collection')}")

    def _entries(self, fetched: FetchedPage, collection_id: str = "") -> Page[Entry]:
        """Return an answer's items, collections or catalogs as entries."""
        answer = fetched.answer
        if isinstance(answer.get("features"), list):
            return _as_entries(self._client.page(fetched, "features", Item), collection_id)
        if "children" in answer and "collections" not in answer:
            return _as_entries(self._client.page(fetched, "children", Catalog))
        return _as_entries(self._client.page(fetched, "collections", Collection))

    def _linked(self, raw: dict[str, object], url: str) -> tuple[Entry, ...]:
        """Return the entries that the links of a document name, each place once."""
        found: dict[str, Entry] = {}
        for link in links_of(raw, *_KINDS):
            try:
                place = below_root(link["href"], url, self._root, self._client.session.bare)
            except UnexpectedAnswer:
                continue
            collection = self._collection_at(place)
            kind = EntryKind.COLLECTION if collection else _KINDS[link["rel"].strip().lower()]
            found.setdefault(place, Entry(kind, collection, one_line(link.get("title"), 200), place))
        return tuple(found.values())

    def _collection_at(self, url: str) -> str:
        """Return the id of the collection that a URL of this API is the place of; empty where it is none."""
        path, base = urlsplit(url).path.rstrip("/"), urlsplit(join(self._root, "collections/")).path
        rest = path.removeprefix(base)
        if not self._client.session.is_own(url) or rest == path or not rest or "/" in rest:
            return ""
        return unquote(rest)


def _as_entries(page: Page[Item] | Page[Catalog] | Page[Collection], collection_id: str = "") -> Page[Entry]:
    found = tuple(
        Entry.of(document, collection_id=collection_id if isinstance(document, Item) else "")
        for document in page.entries
    )
    return Page(found, page.next, page.matched, page.skipped, page.stopped, notes=page.notes)


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
    for link in links_of(document.raw, relation):
        with suppress(UnexpectedAnswer):
            return absolute(link["href"], document.url)
    return ""

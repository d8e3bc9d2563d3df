"""A STAC API as a source: collections or catalogs, their items, and searches."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace

from ...auth import Kind
from ...errors import EntityDoesNotExist, NotOffered, RequestError, UnexpectedAnswer
from ...http.json_document import as_list
from ...http.pagination import FetchedPage, PageRequest, Params, with_params
from ...http.session import Session
from ...http.urls import join, segment, shown, shown_id
from ...models import Collection, Document, Entry, EntryKind, Item, JsonDict, Search
from ...models.document import identity
from ...models.extent import geometry_bbox
from ...text import clean, one_line
from ..base import COLLECTION_IDS, ITEM_IDS, About, Listing, Page, Source, as_entries, check_search, named
from ..local_search import FIELDS, limit_of, limit_page, search_locally
from .api_client import (
    NO_SUCH_PLACE,
    APIClient,
    LinkedCatalog,
    href_of,
    is_encoded,
    is_no_such_place,
)
from .landing import QUERYABLES, Landing
from .search_request import parameters, sorted_as, sorted_otherwise

SEARCHED = "its items are found by a search: `mlhub-tui search`, or / in the app"
_FEW_COLLECTIONS = 100  # what a page has
_REFUSED_FIELD = frozenset({400, 422, 500})
_UNLISTED = frozenset({400, 401, 403, 422, 500})  # of a list of collections that no link names


class NotListed(UnexpectedAnswer, EntityDoesNotExist):
    """An API has no list of its collections."""


class STACAPISource(Source):
    """A `Source` that speaks the STAC API 1.0, and 0.9 as far as it answers; closing it closes its session.

    Entries of a listing that are no documents (no object, no id) are left out and counted in `skipped`, so
    that one broken record does not hide the others. What the API links and does not list is read as a static
    catalog below its landing page.
    """

    noun = "a STAC API"
    kind = Kind.STAC_API

    def __init__(self, session: Session) -> None:
        self.session, self.root_url = session, session.landing_url
        self._client = APIClient(session)
        self._linked = LinkedCatalog(self._client)
        self._has_no_search = False

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read of the documents that links lead to, a line each."""
        return self._linked.index.notes if self._linked.index else ()

    @property
    def unread(self) -> int:
        """How many of the documents that links lead to did not come so far."""
        return self._linked.index.unread if self._linked.index else 0

    @property
    def skipped(self) -> int:
        """How many entries of all listings so far were no documents."""
        return self._client.skipped

    async def about(self) -> About:
        """Return what the API's landing page says; it is asked for once."""
        landing = await self._client.landing(again=True)
        notes = [f"the landing page cannot be read: {landing.trouble}"] if landing.trouble else []
        if not landing.conforms and not landing.trouble:
            notes.append("the landing page does not say what the API conforms to: some of it may not answer")
        if not landing.may_search:
            notes.append("this API has no item search: items are filtered locally")
        return About(
            Kind.STAC_API,
            one_line(landing.raw.get("title") or landing.raw.get("id"), 200),
            clean(landing.raw.get("description")).strip(),
            FIELDS if self._filters_locally(landing) else landing.search_fields,
            tuple(notes),
            landing.document,
        )

    async def aclose(self) -> None:
        """Close the session and the cache."""
        await super().aclose()
        await self._linked.aclose()

    # The tree.

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return a page of the collections; below a collection of its items, below a catalog what it links.

        Where an API has no collections, the catalogs that its landing page links are the top.
        """
        if link is not None:
            collection_id = parent.id if parent and parent.kind is EntryKind.COLLECTION else ""
            if link.startswith("["):
                return as_entries(await self._items_page(collection_id, link), collection_id)
            step = PageRequest.decoded(link)
            return self._client.entries(
                await self.session.fetch_page(step, bare="collections"), collection_id
            )
        if parent is None:
            return await self._top(page_size)
        if parent.kind in (EntryKind.COLLECTION, EntryKind.CATALOG):
            return await self._below(parent, page_size)
        return Page(())

    async def _top(self, page_size: int | None) -> Page[Entry]:
        landing = await self._client.landing(again=True)
        linked = self._linked.entries(landing.raw, landing.url)
        try:
            page = self._client.entries(await self._collections_page(page_size))
        except NotListed as error:
            children = await self._linked.children(landing, page_size)
            if not linked and children.entries:
                return children
            if not linked and not landing.says_search:
                raise
            return Page(linked, notes=() if linked else (error.hint or error.message,))
        return page if page.entries or page.next or not linked else Page(linked)

    async def _below(self, parent: Entry, page_size: int | None) -> Page[Entry]:
        if parent.kind is EntryKind.COLLECTION and parent.id and parent.document is None:
            return as_entries(await self._items_page(parent.id, None, page_size), parent.id)
        document = parent.document or await self._client.document(parent.url or self._client.place(parent.id))
        is_collection, is_own = isinstance(document, Collection), self.session.is_own
        place = href_of(document, "items") or ("" if is_collection else href_of(document, "data"))
        linked = self._linked.entries(document.raw, document.url)
        # An API's link to another host is often its inner name: the API's own place is asked then.
        if place and (is_own(place) or not is_own(document.url)):
            fetched = await self._client.first(place, page_size, bare="collections")
            page = self._client.entries(fetched, document.id if is_collection else "")
        elif is_collection:
            try:
                found = await self._items_page(document.id, None, page_size, linked=False)
            except RequestError as error:
                if not linked or not is_no_such_place(error, document.id):
                    raise
                return Page(linked)
            page = as_entries(found, document.id)
        else:
            return Page(linked)
        return replace(page, entries=(*linked, *page.entries))

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, fetched if need be."""
        if entry.document is None and entry.url:
            try:
                return await self._client.document(entry.url)
            except EntityDoesNotExist:
                if not entry.collection_id or entry.kind is not EntryKind.ITEM:
                    raise
        return await super().document(entry)

    # Collections.

    async def walk_collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections, page after page; where they are not listed, those that links lead to."""

        async def page(link: str | None) -> Page[Collection]:
            step = PageRequest.decoded(link) if link is not None else None
            fetched = await (
                self.session.fetch_page(step, bare="collections") if step else self._collections_page()
            )
            return self._client.page(fetched, "collections", Collection)

        listed, missing = False, None
        try:
            async with aclosing(Listing(page).entries()) as entries:
                async for collection in entries:
                    listed = True
                    yield collection
        except NotListed as error:
            missing = error
        if listed and missing is None:
            return
        given: set[str] = set()
        async for collection in self._linked.collections():
            if collection.id not in given:
                yield collection
            given.add(collection.id)
        if missing is not None and not given:
            raise missing

    async def _collections_page(self, page_size: int | None = None) -> FetchedPage:
        """Return the first page of collections.

        Raises NotListed if there are none where the landing page says, nor where the STAC API has them.
        """
        landing = await self._client.landing()
        own = join(self.session.root_url, "collections")

        async def listed(url: str) -> FetchedPage:
            found = await self._client.first(url, page_size, "collections")
            if found.answer.keys().isdisjoint(("features", "children")):
                as_list(found.answer, found.url, "collections")
            return found

        try:
            return await self._client.first_there(landing.collections_url, own, listed)
        except RequestError as error:
            linked = [
                each for each in self._linked.entries(landing.raw, landing.url) if each.kind != EntryKind.ITEM
            ]
            is_unlisted = bool(linked) and not landing.href("data") and error.status in _UNLISTED
            if not is_unlisted and not is_no_such_place(error):
                raise
            words = landing.trouble or error.message
        if landing.says_search:
            raise NotListed(f"this API has no list of collections: {words}", url=own, hint=SEARCHED)
        what = "this API has no list of collections" if landing.conforms else "there is no STAC API"
        hint = (
            f"it links catalogs, which may be sources themselves: {shown(linked[0].url)}" if linked else None
        )
        raise NotListed(f"{what}: {words}", url=own, hint=hint)

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        collection_id = self.id_of(collection_id, "collection")
        missing = f"collection {shown_id(collection_id)} does not exist"
        try:
            with named(missing, COLLECTION_IDS):
                raw, url = await self._client.object(self._client.place(collection_id))
            return Collection(raw, url=url)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            if (elsewhere := await self._collection_elsewhere(collection_id)) is not None:
                return elsewhere
            landing = await self._client.landing()
            if landing.conforms and landing.says_search and not landing.has_collections:
                words = f"this API describes no collections, {shown_id(collection_id)} neither"
                raise NotListed(words, url=error.url, status=error.status, hint=SEARCHED) from None
            raise

    async def collection_named(self, identity: str) -> tuple[str, str]:
        """Return the id of a collection that may be given by its URL, twice."""
        identity = self.id_of(identity, "collection")
        return identity, identity

    async def _collection_elsewhere(self, collection_id: str) -> Collection | None:
        """Return a collection that is not at its own address, from links or from the list of collections.

        Of that list many pages are read only for an id that gateways may refuse.
        """
        if (linked := await self._linked.collection(collection_id)) is not None:
            return linked
        most, read = None if is_encoded(collection_id) else _FEW_COLLECTIONS, 0
        with suppress(RequestError):
            async with aclosing(self.walk_collections()) as collections:
                async for each in collections:
                    if each.id == collection_id:
                        return each
                    if (read := read + 1) == most:
                        break
        return None

    # Items.

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to."""
        return await self._items_page(self.id_of(collection_id, "collection"), link, page_size)

    async def _items_page(
        self,
        collection_id: str,
        link: str | None,
        page_size: int | None = None,
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
            return await (await self._linked.items_at(str(json.loads(link)[0]))).page(link, page_size)
        if link is not None:
            return await client.items(PageRequest.decoded(link))
        own = f"{self._client.place(collection_id)}/items"
        try:
            return client.page(await client.first(with_params(own, params), page_size), "features", Item)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            first = error
        document, missing = await self._described(collection_id, first)
        place = href_of(document, "items") if document is not None else ""
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
        if linked and document is not None and self._linked.entries(document.raw, document.url):
            return await (await self._linked.items_at(document.url)).page(None, page_size)
        if document is not None and first.status in NO_SUCH_PLACE:
            words = f"this API lists no items of collection {shown_id(document.id)}"
            raise NotListed(words, url=first.url, status=first.status, hint="its collections are all it has")
        raise missing or first

    async def _described(
        self, collection_id: str, failure: RequestError
    ) -> tuple[Document | None, EntityDoesNotExist | None]:
        """Return the document of a collection, and the error to raise where nothing has its items."""
        try:
            return await self._client.document(self._client.place(collection_id)), None
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise failure from None
            missing = None
            if isinstance(error, EntityDoesNotExist):
                words = f"collection {shown_id(collection_id)} does not exist"
                hint = COLLECTION_IDS if (await self._client.landing()).has_collections else SEARCHED
                missing = EntityDoesNotExist(words, url=error.url, status=error.status, hint=hint)
        return await self._collection_elsewhere(collection_id), missing

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item; by a search, or by a link, where it is not at its own address.

        Many gateways refuse an id with a slash or a percent sign in a path, however it is encoded.
        """
        collection_id, item_id = self.id_of(collection_id, "collection"), self.id_of(item_id, "item")
        place = f"{self._client.place(collection_id)}/items/{segment(item_id, 'item')}"
        missing = f"item {shown_id(item_id)} of collection {shown_id(collection_id)} does not exist"
        try:
            with named(missing, ITEM_IDS):
                raw, url = await self._client.object(place)
            if not is_encoded(item_id) or identity(raw.get("id")) == item_id:
                return Item(raw, url=url)
            raise EntityDoesNotExist(missing, url=url, status=404, hint=ITEM_IDS)
        except RequestError as error:
            if not is_no_such_place(error, item_id):
                raise
            first = error
        searches = (await self._client.landing()).may_search
        if not searches and not is_encoded(item_id):
            with suppress(RequestError):
                document, _ = await self._described(collection_id, first)
                if document is not None and self._linked.entries(document.raw, document.url):
                    return await (await self._linked.items_at(document.url)).item(item_id)
            raise first
        with suppress(RequestError):
            search = Search(collections=(collection_id,), ids=(item_id,))
            # Without a search the first items of the collection are looked through.
            for found in (await self.search_page(search, page_size=1 if searches else None)).entries:
                # Some searches ignore ids, or collections.
                if found.id == item_id and found.collection_id in ("", collection_id):
                    return found
        raise first

    # Searches.

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds.

        By POST where the API offers that, else by GET; an API that has no item search is walked collection
        by collection, and its items are filtered locally.

        Raises NotOffered if the search asks for something that is not in `About.search`.
        """
        search = replace(
            search,
            collections=tuple(self.id_of(each, "collection") for each in search.collections),
            ids=tuple(self.id_of(each, "item") for each in search.ids),
        )
        landing = await self._client.landing()
        if self._filters_locally(landing):
            return await self._search_locally(search, link, page_size, landing)
        check_search(search, landing.search_fields, "this API")
        if search.limit == 0:
            return Page(())
        left, inner = limit_of(link, search.limit)
        if inner is not None:
            return limit_page(await self._client.items(PageRequest.decoded(inner)), left)
        if search.sort:
            search = sorted_as(search, await self._client.sort_names(landing, search.collections))
        size = page_size if left is None else min(left, page_size or left)
        try:
            fetched = await self._search_sorted(search, size)
            return limit_page(self._client.page(fetched, "features", Item), left)
        except RequestError as error:
            if not is_no_such_place(error) or landing.conforms or search.filter:
                raise
        # The landing page did not say whether there is a search, and there is none.
        self._has_no_search = True
        return await self._search_locally(search, None, page_size, landing)

    async def _search_sorted(self, search: Search, size: int | None) -> FetchedPage:
        """Return the first page of a search; where it is refused, with the sort fields spelled otherwise."""
        try:
            return await self._client.search(search, size)
        except RequestError as error:
            other = sorted_otherwise(search)
            if error.status not in _REFUSED_FIELD or other == search:
                raise
            with suppress(RequestError):
                return await self._client.search(other, size)
            raise

    def _filters_locally(self, landing: Landing) -> bool:
        return self._has_no_search or not landing.may_search

    async def _search_locally(
        self, search: Search, link: str | None, page_size: int | None, landing: Landing
    ) -> Page[Item]:
        """Filter the items of collections; an API that takes box and dates there is given them."""
        box = search.bbox or geometry_bbox(search.intersects)
        rough = Search(bbox=box if box and box.west <= box.east else None, datetime=search.datetime)
        narrow = parameters(rough, landing, None) if landing.conforms and landing.has_items else None

        async def items_page(
            collection_id: str, *, link: str | None = None, page_size: int | None = None
        ) -> Page[Item]:
            return await self._items_page(collection_id, link, page_size, narrow)

        return await search_locally(search, items_page, link=link, page_size=page_size)

    async def queryables(self, collection_id: str | None = None) -> JsonDict:
        """Return the JSON schema of what a filter may name; NotOffered where there is none."""
        if collection_id is None:
            page, usual = await self._client.landing(), join(self.root_url, "queryables")
        else:
            collection = await self.collection(collection_id)
            page = Landing(collection.raw, collection.url, self.root_url)
            usual = f"{self._client.place(self.id_of(collection_id, 'collection'))}/queryables"
        try:
            return (await self._client.first_there(page.href(*QUERYABLES), usual, self._client.object))[0]
        except RequestError as error:
            if not is_no_such_place(error):
                raise
        raise NotOffered("this API does not say what a filter may name")


def _holds(found: FetchedPage, collection_id: str) -> bool:
    """Whether an answer has items, and all of this collection: some searches ignore what they do not know."""
    features = found.answer.get("features")
    return (
        isinstance(features, list)
        and bool(features)
        and all(isinstance(f, dict) and identity(f.get("collection")) == collection_id for f in features)
    )

"""A STAC API as a source: collections or catalogs, their items, and searches."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from ...auth import Kind
from ...errors import EntityDoesNotExist, NotOffered, RequestError
from ...http.pagination import PageRequest
from ...http.session import Session
from ...http.urls import join, segment, shown_id
from ...models import Collection, Document, Entry, EntryKind, Item, JsonDict, Search
from ...models.extent import geometry_bbox
from ...text import clean, one_line
from ..asset_links import AssetLinks
from ..base import COLLECTION_IDS, ITEM_IDS, About, Listing, Page, Source, check_search
from ..local_search import FIELDS, limit_of, limit_page, search_locally
from .api_client import APIClient, is_encoded, is_no_such_place
from .api_tree import SEARCHED, APITree, NotListed
from .landing import QUERYABLES, SORTABLES, Landing
from .search_request import parameters, sorted_as

_MOST_COLLECTIONS = 5  # that are asked for what they can be sorted by


class STACAPISource(Source):
    """A `Source` that speaks the STAC API 1.0, and 0.9 as far as it answers; closing it closes its session.

    Entries of a listing that are no documents (no object, no id) are left out and counted in `skipped`, so
    that one broken record does not hide the others.

    - `session`: The session with the API.
    """

    noun = "a STAC API"
    kind = Kind.STAC_API

    def __init__(self, session: Session) -> None:
        self.session = session
        self._client = APIClient(session)
        self._tree = APITree(self._client)
        self._has_no_search = False
        self._names: dict[str, frozenset[str]] = {}
        self.asset_links = AssetLinks(session.root_url, session)

    @property
    def root_url(self) -> str:
        """The root URL as it was given, with or without a slash at its end."""
        return self.session.landing_url

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be read of the documents that links lead to, a line each."""
        return tuple(self._tree.notes)

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

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return a page of the collections; below a collection of its items, below a catalog what it links.

        Where an API has no collections, the catalogs that its landing page links are the top.
        """
        if link is not None:
            collection = parent.id if parent and parent.kind is EntryKind.COLLECTION else ""
            return await self._tree.more(link, collection)
        if parent is None:
            return await self._tree.top(page_size)
        if parent.kind in (EntryKind.COLLECTION, EntryKind.CATALOG):
            return await self._tree.below(parent, page_size)
        return Page(())

    async def document(self, entry: Entry) -> Document:
        """Return the document of an entry, fetched if need be."""
        if entry.document is not None:
            return entry.document
        if entry.url:
            try:
                return await self._client.document(entry.url)
            except EntityDoesNotExist:
                if not entry.collection_id or entry.kind is not EntryKind.ITEM:
                    raise
        match entry.kind:
            case EntryKind.COLLECTION:
                return await self.collection(entry.id)
            case EntryKind.ITEM:
                return await self.item(entry.collection_id, entry.id)
        raise self.not_offered(f"{entry.kind}s by their id")

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
            search = sorted_as(search, await self._sort_names(landing, search.collections))
        size = page_size if left is None else min(left, page_size or left)
        try:
            fetched = await self._client.search(search, size)
            return limit_page(self._client.page(fetched, "features", Item), left)
        except RequestError as error:
            if not is_no_such_place(error) or landing.conforms or search.filter:
                raise
        # The landing page did not say whether there is a search, and there is none.
        self._has_no_search = True
        return await self._search_locally(search, None, page_size, landing)

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
            return await self._tree.items_page(collection_id, link, page_size, narrow)

        return await search_locally(search, items_page, link=link, page_size=page_size)

    async def _sort_names(self, landing: Landing, collections: Sequence[str]) -> frozenset[str]:
        """Return the names that an API, else its collections, list to sort by; empty where none."""
        names = await self._listed_names(landing)
        for collection in collections[:_MOST_COLLECTIONS] if not names else ():
            path = join(landing.root_url, f"collections/{segment(collection, 'collection')}")
            try:
                raw, url = await self._client.object(path)
            except RequestError:
                continue
            names |= await self._listed_names(Landing(raw, url, landing.root_url))
        return names

    async def _listed_names(self, page: Landing) -> frozenset[str]:
        """Return the names of the sortables that a page links, else of the queryables."""
        for relation in (SORTABLES, QUERYABLES):
            if (place := page.href(*relation)) is None:
                continue
            if not self.session.is_own(place):  # often the server's inner name
                place = join(f"{page.url.partition('?')[0].rstrip('/')}/", relation[-1])
            if place not in self._names:
                try:
                    schema, _ = await self._client.object(place)
                except RequestError:
                    schema = {}
                properties = schema.get("properties")
                self._names[place] = frozenset(properties if isinstance(properties, dict) else ())
            if names := self._names[place]:
                return names
        return frozenset()

    async def queryables(self, collection_id: str | None = None) -> JsonDict:
        """Return the JSON schema of what a filter may name; NotOffered where there is none."""
        if collection_id is None:
            page, path = await self._client.landing(), "queryables"
        else:
            collection_id = self.id_of(collection_id, "collection")
            path = f"collections/{segment(collection_id, 'collection')}/queryables"
            collection = await self.collection(collection_id)
            page = Landing(collection.raw, collection.url, self.root_url)
        usual = join(self.root_url, path)
        try:
            return (await self._client.first_there(page.href(*QUERYABLES), usual, self._client.object))[0]
        except RequestError as error:
            if not is_no_such_place(error):
                raise
        raise NotOffered("this API does not say what a filter may name")

    async def walk_collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections, page after page; where they are not listed, those that links lead to."""

        async def page(link: str | None) -> Page[Collection]:

            if link is None:
                fetched = await self._tree.collections()
            else:
                fetched = await self.session.fetch_page(PageRequest.decoded(link), bare="collections")
            return self._client.page(fetched, "collections", Collection)

        listed, missing = False, None
        try:
            async with aclosing(Listing(page).entries()) as entries:
                async for collection in entries:
                    listed = True
                    yield collection
        except NotListed as error:
            missing = error
        linked = [] if listed and missing is None else await self._tree.linked_collections()
        if missing is not None and not linked:
            raise missing
        for collection in linked:
            yield collection

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        collection_id = self.id_of(collection_id, "collection")
        place = join(self.root_url, f"collections/{segment(collection_id, 'collection')}")
        missing = f"collection {shown_id(collection_id)} does not exist"
        try:
            raw, url = await self._object(place, missing, COLLECTION_IDS)
        except RequestError as error:
            if not is_no_such_place(error, collection_id):
                raise
            if (linked := await self._tree.linked_collection(collection_id)) is not None:
                return linked
            if is_encoded(collection_id) and (listed := await self._listed(collection_id)):
                return listed
            landing = await self._client.landing()
            if landing.conforms and landing.says_search and not landing.has_collections:
                words = f"this API describes no collections, {shown_id(collection_id)} neither"
                raise NotListed(words, url=error.url, status=error.status, hint=SEARCHED) from None
            raise
        return Collection(raw, url=url)

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to.

        Raises NotOffered if `extensions` are named: only the MLHub API filters by them.
        """
        if extensions:
            raise self.not_offered("items by their extensions")
        return await self._tree.items_page(self.id_of(collection_id, "collection"), link, page_size)

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item; by a search where it is not at its own address.

        Many gateways refuse an id with a slash or a percent sign in a path, however it is encoded.
        """
        collection_id, item_id = self.id_of(collection_id, "collection"), self.id_of(item_id, "item")
        path = f"collections/{segment(collection_id, 'collection')}/items/{segment(item_id, 'item')}"
        missing = f"item {shown_id(item_id)} of collection {shown_id(collection_id)} does not exist"
        try:
            raw, url = await self._object(join(self.root_url, path), missing, ITEM_IDS)
            return Item(raw, url=url)
        except RequestError as error:
            if not is_no_such_place(error, item_id):
                raise
            if not (await self._client.landing()).may_search:
                if (linked := await self._tree.linked_item(collection_id, item_id)) is not None:
                    return linked
                raise
            first = error
        try:
            found = await self.search_page(Search(collections=(collection_id,), ids=(item_id,)), page_size=1)
        except RequestError:
            raise first from None
        # Some searches ignore ids, or collections.
        entry = next((entry for entry in found.entries if entry.id == item_id), None)
        if entry is None or entry.raw.get("collection", collection_id) != collection_id:
            raise first
        return entry

    async def aclose(self) -> None:
        """Close the session and the cache."""
        await super().aclose()
        await self._tree.aclose()

    async def _listed(self, collection_id: str) -> Collection | None:
        """Return a collection from the list of all; None where it is not in it, or there is no list."""
        try:
            return next((each for each in await self.collections() if each.id == collection_id), None)
        except RequestError:
            return None

    async def _object(self, url: str, missing: str, hint: str) -> tuple[JsonDict, str]:
        """Return a JSON object; where the API has none, the error names the thing."""
        try:
            return await self._client.object(url)
        except EntityDoesNotExist as error:
            raise EntityDoesNotExist(missing, url=error.url, status=error.status, hint=hint) from None

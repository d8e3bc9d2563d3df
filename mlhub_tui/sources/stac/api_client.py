"""The client of a STAC API: its landing page, its listings page by page, its documents, and what it links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from ...auth import other_spelling
from ...errors import AnswerCutShort, EntityDoesNotExist, RequestError, ServerUnreachable, UnexpectedAnswer
from ...http.cache import CachingClient, DocumentCache
from ...http.json_document import as_list, as_object, decode
from ...http.pagination import ACCEPT, FetchedPage, PageRequest, absolute, with_params
from ...http.session import Session
from ...http.urls import join, origin_of, quoted, segment, shown
from ...models import Catalog, Collection, Document, Entry, EntryKind, Item, JsonDict, Search
from ...models.document import identity, links_of
from ...text import one_line
from ..base import Page, as_entries
from ..documents import D, ItemList, document_of, documents, matched
from ..static.document_loader import DocumentLoader
from ..static.document_urls import same
from ..static.pages import CollectionIndex, ItemPages
from .landing import QUERYABLES, SORTABLES, Landing, below_root
from .search_request import search_request

T = TypeVar("T")
NO_SUCH_PLACE = frozenset({404, 405, 410, 501})
"""What APIs answer where an endpoint is not there."""
# Of a search by POST, after which GET is tried; CloudFront answers 403 to a method that it does not allow.
_NO_POST = frozenset({403, 404, 405, 415, 501})
_SPELLED_OTHERWISE = frozenset({400, 401, 403, 404, 405, 406, 410, 500, 501})
_REFUSED_PATH = frozenset({400, 403, 422, 500})
_PAGE = 100
_MOST_COLLECTIONS = 5  # that are asked for what they can be sorted by
_KINDS = {"child": EntryKind.CATALOG, "item": EntryKind.ITEM}


class APIClient:
    """Requests what a STAC API source needs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.skipped = 0
        self._posts = True
        self._names: dict[str, frozenset[str]] = {}
        self._landing: Landing | None = None
        self._asking = asyncio.Lock()

    async def landing(self, *, again: bool = False) -> Landing:
        """Return what the landing page says; it is asked for once.

        A root that answers with nothing, or with a web page, may still have its parts: the trouble is noted
        and the parts are looked for where the STAC API has them.

        - `again`: Whether a page that could not be read is asked for again; a guest network may let it pass
          now.

        Raises RequestError if the API cannot be reached, or refuses the secret.
        """
        async with self._asking:
            if self._landing is None or (again and self._landing.trouble):
                self._landing = await self._read_landing()
            return self._landing

    async def _read_landing(self) -> Landing:
        root = self.session.root_url
        try:
            raw, url = await self._root_object(self.session.landing_url)
        except (EntityDoesNotExist, UnexpectedAnswer) as error:
            return Landing({}, root, root, trouble=error.message)
        page = Landing(raw, url, root, _classes(raw))
        conformance = page.href("conformance", "http://www.opengis.net/def/rel/ogc/1.0/conformance")
        if page.conforms or conformance is None:
            return page
        try:
            classes = _classes(as_object(await self.session.get_json(conformance), conformance))
        except RequestError:
            return page
        return Landing(raw, url, root, classes)

    async def _root_object(self, root: str) -> tuple[JsonDict, str]:
        """Return the landing page; gateways may know their root with the slash only, or without it only."""
        try:
            return await self.object(root)
        except RequestError as error:
            other = other_spelling(root)
            if not other or not may_be_spelled_otherwise(error, root):
                raise
            try:
                return await self.object(other)
            except RequestError:
                raise error from None

    async def object(self, url: str) -> tuple[JsonDict, str]:
        """Return the JSON object at a URL, and where it came from."""
        response = await self.session.get(url, headers={"Accept": ACCEPT})
        place = self.session.bare(str(response.url))
        return as_object(await decode(response, self.session.keys), place), place

    async def document(self, url: str) -> Document:
        """Return the document at a URL."""
        raw, place = await self.object(url)
        found = document_of(raw, place)
        if isinstance(found, ItemList):
            raise UnexpectedAnswer(f"a list of items, not one document: {shown(place)}", url=shown(place))
        return found

    async def first(self, url: str, page_size: int | None, bare: str = "") -> FetchedPage:
        """Return the first page of a listing.

        A hundred at a time where nothing else is given: many servers give ten to who does not ask for more.
        """
        return await self.session.fetch_page(
            PageRequest(with_params(url, {"limit": page_size or _PAGE})), bare=bare
        )

    def page(self, fetched: FetchedPage, key: str, make: type[D]) -> Page[D]:
        """Return the documents of an answer as a page of a listing.

        Raises UnexpectedAnswer if there is no list under the key.
        """
        entries = as_list(fetched.answer, fetched.url, key)
        found, skipped = documents(entries, make, _alone(fetched.url, self.session.root_url))
        self.skipped += skipped
        following = fetched.next.encoded() if fetched.next else None
        return Page(tuple(found), following, matched(fetched.answer), skipped, fetched.stopped)

    async def items(self, step: PageRequest) -> Page[Item]:
        """Return the page of items that a step leads to."""
        return self.page(await self.session.fetch_page(step), "features", Item)

    def entries(self, fetched: FetchedPage, collection_id: str = "") -> Page[Entry]:
        """Return an answer's items, collections or catalogs as entries."""
        answer = fetched.answer
        if isinstance(answer.get("features"), list):
            return as_entries(self.page(fetched, "features", Item), collection_id)
        if "children" in answer and "collections" not in answer:
            return as_entries(self.page(fetched, "children", Catalog))
        return as_entries(self.page(fetched, "collections", Collection))

    async def first_there(self, named: str | None, usual: str, request: Callable[[str], Awaitable[T]]) -> T:
        """Return the answer of the place that a link names, or of the usual one, whichever is there.

        A link to another host is often a server's inner name, and comes last.

        Raises RequestError: That of the first place, where none is there; any other as it comes.
        """
        first, last = (named, usual) if named and self.session.is_own(named) else (usual, named)
        try:
            return await request(first)
        except RequestError as error:
            if not is_no_such_place(error) or not last or last == first:
                raise
            failure = error
        try:
            return await request(last)
        except RequestError as error:
            raise failure if is_no_such_place(error) else error from None

    async def search(self, search: Search, size: int | None) -> FetchedPage:
        """Return the first page of an item search.

        By GET where POST is not taken; of the place that the landing page names and the usual one, whichever
        is there.

        Raises NotOffered if the API offers no search.
        """
        landing = await self.landing()
        try:
            return await self._search(search, landing, size)
        except RequestError as error:
            if not is_no_such_place(error):
                raise
            failure, tried = error, {landing.search_url("GET")}
        for other in (replace(landing, search_at="named"), replace(landing, search_at="usual")):
            if (place := other.search_url("GET")) not in tried:
                tried.add(place)
                try:
                    return await self._search(search, other, size)
                except RequestError as error:
                    if not is_no_such_place(error):
                        raise
        raise failure

    async def _search(self, search: Search, landing: Landing, size: int | None) -> FetchedPage:
        step = search_request(search, landing, size, post=self._posts)
        try:
            found = await self.session.fetch_page(step)
        except RequestError as error:
            if step.method != "POST" or error.status not in _NO_POST or not landing.search_url("GET"):
                raise
            found = await self.session.fetch_page(search_request(search, landing, size, post=False))
            self._posts = False
        as_list(found.answer, found.url, "features")
        return found

    async def sort_names(self, landing: Landing, collections: Sequence[str]) -> frozenset[str]:
        """Return the names that an API, else its collections, list to sort by; empty where none."""
        names = await self._listed_names(landing)
        for collection in collections[:_MOST_COLLECTIONS] if not names else ():
            with suppress(RequestError):
                raw, url = await self.object(self.place(collection))
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
                properties = None
                with suppress(RequestError):
                    properties = (await self.object(place))[0].get("properties")
                self._names[place] = frozenset(properties if isinstance(properties, dict) else ())
            if names := self._names[place]:
                return names
        return frozenset()

    def place(self, collection_id: str) -> str:
        """Return where the document of a collection is."""
        return join(self.session.root_url, f"collections/{segment(collection_id, 'collection')}")


class LinkedCatalog:
    """What an API links and does not list: read as a static catalog below its landing page.

    - `index`: The collections of that catalog; None before they are wanted.
    """

    def __init__(self, client: APIClient) -> None:
        self._client, self._session = client, client.session
        self._cache = DocumentCache()
        self._loader: DocumentLoader | None = None
        self.index: CollectionIndex | None = None
        self._items: dict[str, ItemPages] = {}

    async def aclose(self) -> None:
        """Close the cache."""
        await asyncio.to_thread(self._cache.close)

    def entries(self, raw: JsonDict, url: str) -> tuple[Entry, ...]:
        """Return the entries that the links of a document name, each place once."""
        found: dict[str, Entry] = {}
        for link in links_of(raw, *_KINDS):
            with suppress(UnexpectedAnswer):
                place = below_root(link["href"], url, self._session.root_url, self._session.bare)
                collection = self._collection_at(place)
                kind = EntryKind.COLLECTION if collection else _KINDS[link["rel"]]
                found.setdefault(place, Entry(kind, collection, one_line(link.get("title"), 200), place))
        return tuple(found.values())

    def _collection_at(self, url: str) -> str:
        """Return the id of the collection that a URL of this API is the place of; empty where it is none."""
        path, base = (
            urlsplit(url).path.rstrip("/"),
            urlsplit(join(self._session.landing_url, "collections/")).path,
        )
        rest = path.removeprefix(base)
        if not self._session.is_own(url) or rest == path or not rest or "/" in rest:
            return ""
        return unquote(rest)

    async def _open(self) -> tuple[DocumentLoader, CollectionIndex]:
        """Return the documents that the landing page links, as a static catalog, and its collections."""
        if self._loader is None or self.index is None:
            landing = await self._client.landing()
            children = (e for e in self.entries(landing.raw, landing.url) if e.kind is not EntryKind.ITEM)
            hrefs = [child.url for child in children]
            listed = (await self.children(landing)).entries
            hrefs += [href_of(e.document, "self") or self._client.place(e.id) for e in listed if e.document]
            links = [{"rel": "child", "href": href} for href in hrefs]
            root = Catalog({"id": "root", "links": links}, url=landing.url)
            web = CachingClient(self._session, self._cache)
            self._loader = DocumentLoader(web, made={same(landing.url): root}, keys=self._session.keys)
            self.index = CollectionIndex(self._loader, landing.url)
        return self._loader, self.index

    async def children(self, landing: Landing, page_size: int | None = None) -> Page[Entry]:
        """Return the children that an API lists apart from collections (STAC API, Children)."""
        place = landing.href("children")
        if place is None:
            return Page(())
        with suppress(RequestError):
            return self._client.entries(await self._client.first(place, page_size))
        return Page(())

    async def collection(self, collection_id: str) -> Collection | None:
        """Return the collection of an id that links alone lead to; None without one."""
        landing = await self._client.landing()
        if all(entry.id for entry in self.entries(landing.raw, landing.url)):
            return None
        loader, index = await self._open()
        try:
            found = await loader.one(await index.url_of(collection_id))
        except RequestError:
            return None
        return found if isinstance(found, Collection) else None

    async def items_at(self, url: str) -> ItemPages:
        """Return the pages of the items that the document at a URL links."""
        if url not in self._items:
            self._items[url] = ItemPages((await self._open())[0], url)
        return self._items[url]

    async def collections(self) -> AsyncIterator[Collection]:
        """Yield the collections that links lead to."""
        async for collection in (await self._open())[1].collections():
            yield collection


def is_no_such_place(error: RequestError, identity: str = "") -> bool:
    """Whether an endpoint is not there at all, so that another one may serve.

    - `identity`: The id in its path: many gateways refuse one with a slash or a percent sign, however it is
      encoded.
    """
    if error.status in _REFUSED_PATH and is_encoded(identity):
        return True
    is_other = isinstance(error, UnexpectedAnswer) and not isinstance(error, AnswerCutShort)
    return error.status in NO_SUCH_PLACE or is_other


def is_encoded(identity: str) -> bool:
    """Whether an id is not the same in a path."""
    return quoted(identity) != identity


def may_be_spelled_otherwise(error: RequestError, url: str) -> bool:
    """Whether a root URL with nothing, or a web page, may be right with, or without, a slash at its end.

    So may one that redirects to another origin which cannot be reached, often the server's inner name.
    """
    if isinstance(error, ServerUnreachable):
        return origin_of(error.url) != origin_of(url)
    return error.status in _SPELLED_OTHERWISE or isinstance(error, UnexpectedAnswer)


def _classes(raw: JsonDict) -> tuple[str, ...]:
    value = raw.get("conformsTo")
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _alone(listing_url: str, root_url: str) -> Callable[[JsonDict], str]:
    """Return what tells where a document of a listing can be fetched alone (STAC API, "Endpoints").

    Not its `self` link, which is often wrong: the listing's own URL and the id; for what a search found, the
    collection and the id.
    """
    base = listing_url.partition("?")[0].rstrip("/")
    direct = base.endswith(("/items", "/collections"))

    def url_of(raw: JsonDict) -> str:
        own, collection = identity(raw.get("id")), identity(raw.get("collection"))
        if own in ("", ".", ".."):
            return listing_url
        if direct:
            return f"{base}/{quoted(own)}"
        if collection in ("", ".", ".."):
            return listing_url
        return f"{root_url}collections/{quoted(collection)}/items/{quoted(own)}"

    return url_of


def href_of(document: Document, relation: str) -> str:
    """Return where a link of a document leads; empty where there is none."""
    for link in links_of(document.raw, relation):
        with suppress(UnexpectedAnswer):
            return absolute(link["href"], document.url)
    return ""

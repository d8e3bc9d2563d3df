"""The client of a STAC API: its landing page once, its listings page by page, its documents one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import quote

from ...auth import other_spelling
from ...errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ...http.json_document import as_list, as_object, decode
from ...http.pagination import ACCEPT, FetchedPage, PageRequest, with_params
from ...http.session import Session
from ...http.urls import shown
from ...models import Document, Item, JsonDict, Search
from ...models.document import identity
from ..base import Page
from ..documents import D, ItemList, document_of, documents, matched
from .landing import Landing
from .search_request import search_request

T = TypeVar("T")
NO_SUCH_PLACE = frozenset({404, 405, 410, 501})
"""What APIs answer where an endpoint is not there."""
_NO_POST = frozenset({404, 405, 415, 501})  # of a search by POST, after which GET is tried
_SPELLED_OTHERWISE = frozenset({401, 403, 404, 405, 410})
_REFUSED_PATH = frozenset({400, 403, 422, 500})
_PAGE = 100


class APIClient:
    """Requests what a STAC API source needs."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.skipped = 0
        self._posts = True
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
            if not other or not may_be_spelled_otherwise(error):
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


def is_no_such_place(error: RequestError, identity: str = "") -> bool:
    """Whether an endpoint is not there at all, so that another one may serve.

    - `identity`: The id in its path: many gateways refuse one with a slash or a percent sign, however it is
      encoded.
    """
    if error.status in _REFUSED_PATH and is_encoded(identity):
        return True
    return error.status in NO_SUCH_PLACE or isinstance(error, UnexpectedAnswer)


def is_encoded(identity: str) -> bool:
    """Whether an id is not the same in a path."""
    return quote(identity, safe="", errors="replace") != identity


def may_be_spelled_otherwise(error: RequestError) -> bool:
    """Whether a root URL with nothing, or a web page, may be right with, or without, a slash at its end."""
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
            return f"{base}/{_segment(own)}"
        if collection in ("", ".", ".."):
            return listing_url
        return f"{root_url}collections/{_segment(collection)}/items/{_segment(own)}"

    return url_of


def _segment(text: str) -> str:
    return quote(text, safe="", errors="replace")

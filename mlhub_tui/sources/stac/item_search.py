"""The item search of a STAC API, page by page; an API without one is walked and sifted on this side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import RequestError
from ...http.hrefs import join, segment
from ...http.pagination import PageRequest
from ...models import Item, Search
from ...models.extent import geometry_bbox
from ..base import Page, check_search
from ..local_search import FIELDS, LocalSearch, limit_of, limit_page
from .api_client import Reader, is_no_such_place
from .api_tree import Tree
from .landing import QUERYABLES, SORTABLES, Landing
from .search_request import NO_POST, parameters, search_step, sorted_as

_MOST_COLLECTIONS = 5  # that are asked for what they can be sorted by


class ItemSearch:
    """Searches an API.

    Parameters
    ----------
    reader
        What asks the API.
    tree
        Lists the items of a collection, for an API that has no item search.
    """

    def __init__(self, reader: Reader, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree
        self._post = True
        self._missing = False
        self._names: dict[str, frozenset[str]] = {}

    async def fields(self) -> frozenset[str]:
        """Return the names of the fields of `Search` that can be asked for."""
        landing = await self._reader.landing()
        return FIELDS if self._missing or not landing.may_search else landing.search_fields

    async def page(self, search: Search, link: str | None, page_size: int | None) -> Page[Item]:
        """Return one page of what a search finds."""
        landing = await self._reader.landing()
        if self._missing or not landing.may_search:
            return await self._sift(search, link, page_size, landing)
        check_search(search, landing.search_fields, "this API")
        if search.limit == 0:
            return Page(())
        left, inner = limit_of(link, search.limit)
        if inner is not None:
            return limit_page(await self._reader.items(PageRequest.decoded(inner)), left)
        if search.sort:
            search = sorted_as(search, await self._sort_names(landing, search.collections))
        size = page_size if left is None else min(left, page_size or left)
        try:
            return limit_page(await self._first(search, size), left)
        except RequestError as error:
            if not is_no_such_place(error) or landing.conforms or search.filter:
                raise
        # The landing page did not say whether there is a search, and there is none.
        self._missing = True
        return await self._sift(search, None, page_size, landing)

    async def _sort_names(self, landing: Landing, collections: Sequence[str]) -> frozenset[str]:
        """Return the names that an API, else its collections, list to sort by; empty where none."""
        names = await self._listed_names(landing)
        for collection in collections[:_MOST_COLLECTIONS] if not names else ():
            path = join(landing.root_url, f"collections/{segment(collection, 'collection')}")
            try:
                raw, url = await self._reader.object(path)
            except RequestError:
                continue
            names |= await self._listed_names(Landing(raw, url, landing.root_url))
        return names

    async def _listed_names(self, page: Landing) -> frozenset[str]:
        """Return the names of the sortables that a page links, else of the queryables."""
        for relation in (SORTABLES, QUERYABLES):
            if (place := page.href(*relation)) is None:
                continue
            if not self._reader.session.is_own(place):  # often the server's inner name
                place = join(f"{page.url.partition('?')[0].rstrip('/')}/", relation[-1])
            if place not in self._names:
                try:
                    schema, _ = await self._reader.object(place)
                except RequestError:
                    schema = {}
                properties = schema.get("properties")
                self._names[place] = frozenset(properties if isinstance(properties, dict) else ())
            if names := self._names[place]:
                return names
        return frozenset()

    async def _sift(
        self, search: Search, link: str | None, page_size: int | None, landing: Landing
    ) -> Page[Item]:
        """Look through the items of collections; box and dates are told to an API that takes them there."""
        box = search.bbox or geometry_bbox(search.intersects)
        rough = Search(bbox=box if box and box.west <= box.east else None, datetime=search.datetime)
        narrow = parameters(rough, landing, None) if landing.conforms and landing.has_items else None

        async def items_page(
            collection_id: str, *, link: str | None = None, page_size: int | None = None
        ) -> Page[Item]:
            if link is not None:
                return await self._reader.items(PageRequest.decoded(link))
            first = await self._tree.items(collection_id, page_size, narrow)
            return self._reader.page(first, "features", Item)

        return await LocalSearch(items_page).page(search, link, page_size)

    async def _first(self, search: Search, size: int | None) -> Page[Item]:
        """Return the first page: by GET where a POST finds nobody, elsewhere where that finds nobody."""
        landing = await self._reader.landing()
        try:
            return await self._ask(search, landing, size)
        except RequestError as error:
            named = replace(landing, literal=True)
            if not is_no_such_place(error) or named.search_url("GET") == landing.search_url("GET"):
                raise
        return await self._ask(search, named, size)

    async def _ask(self, search: Search, landing: Landing, size: int | None) -> Page[Item]:
        step = search_step(search, landing, size, post=self._post)
        try:
            return await self._reader.items(step)
        except RequestError as error:
            if step.method != "POST" or error.status not in NO_POST or not landing.search_url("GET"):
                raise
        found = await self._reader.items(search_step(search, landing, size, post=False))
        self._post = False
        return found

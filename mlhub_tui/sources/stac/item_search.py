"""The item search of a STAC API, page by page; where an API has none, items are filtered locally."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import RequestError
from ...http.pagination import PageRequest
from ...http.urls import join, segment
from ...models import Item, Search
from ...models.extent import geometry_bbox
from ..base import Page, check_search
from ..local_search import FIELDS, limit_of, limit_page, search_locally
from .api_client import APIClient, is_no_such_place
from .api_tree import APITree
from .landing import QUERYABLES, SORTABLES, Landing
from .search_request import parameters, sorted_as

_MOST_COLLECTIONS = 5  # that are asked for what they can be sorted by


class ItemSearch:
    """Searches an API.

    Parameters
    ----------
    client
        Requests pages and documents.
    tree
        Lists the items of a collection, for an API that has no item search.
    """

    def __init__(self, client: APIClient, tree: APITree) -> None:
        self._client = client
        self._tree = tree
        self._missing = False
        self._names: dict[str, frozenset[str]] = {}

    async def fields(self) -> frozenset[str]:
        """Return the names of the fields of `Search` that can be asked for."""
        landing = await self._client.landing()
        return FIELDS if self._missing or not landing.may_search else landing.search_fields

    async def page(self, search: Search, link: str | None, page_size: int | None) -> Page[Item]:
        """Return one page of what a search finds."""
        landing = await self._client.landing()
        if self._missing or not landing.may_search:
            return await self._filter_locally(search, link, page_size, landing)
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
        self._missing = True
        return await self._filter_locally(search, None, page_size, landing)

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
            if not self._client.session.is_own(place):  # often the server's inner name
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

    async def _filter_locally(
        self, search: Search, link: str | None, page_size: int | None, landing: Landing
    ) -> Page[Item]:
        """Look through the items of collections; box and dates are told to an API that takes them there."""
        box = search.bbox or geometry_bbox(search.intersects)
        rough = Search(bbox=box if box and box.west <= box.east else None, datetime=search.datetime)
        narrow = parameters(rough, landing, None) if landing.conforms and landing.has_items else None

        async def items_page(
            collection_id: str, *, link: str | None = None, page_size: int | None = None
        ) -> Page[Item]:
            return await self._tree.items_page(collection_id, link, page_size, narrow)

        return await search_locally(search, items_page, link=link, page_size=page_size)

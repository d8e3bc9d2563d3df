"""Collections of a static catalog by id: an index that grows as far as the tree was crawled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ...errors import EntityDoesNotExist, RequestError
from ...http.urls import shown_id
from ...models import Collection, Item
from ...text import count
from ..base import COLLECTION_IDS
from .catalog_crawler import CHILDREN, CatalogCrawler
from .document_links import Children, refusal
from .document_loader import DocumentLoader
from .document_urls import is_web, place_named

_AT_ONCE = 64  # documents


class CollectionIndex:
    """The collections below a root, nearest first."""

    def __init__(self, loader: DocumentLoader, root_url: str) -> None:
        self._loader = loader
        self._local = not is_web(root_url)
        self._crawler = CatalogCrawler(loader, root_url, depth_first=False)
        self._crawling = asyncio.Lock()
        self._crawled = 0
        self._collections: list[str] = []
        self._urls: dict[str, str] = {}
        self._catalogs: dict[str, str] = {}
        self._failures: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read on the way, in a line."""
        if not self._failures:
            return ()
        what = count(len(self._failures), "catalog or collection", "catalogs or collections")
        return (f"{what} could not be read, the first: {self._failures[0]}",)

    async def collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections; the first ones while the tree is still crawled."""
        given = 0
        while given < len(self._collections) or await self._crawl(given):
            batch = self._collections[given : given + _AT_ONCE]
            given += len(batch)
            for loaded in await self._loader.load(batch):
                if isinstance(loaded, Collection):
                    yield loaded

    async def url_of(self, identity: str) -> str:
        """Return the place URL of a collection, or of a catalog where no collection has this id.

        The place URL itself is taken too: in static catalogs ids need not be unique.
        """
        if place := place_named(identity, local=self._local):
            return place
        while identity not in self._urls and await self._crawl(len(self._collections)):
            pass
        found = self._urls.get(identity) or self._catalogs.get(identity)
        if found is None:
            words = f"collection {shown_id(identity)} does not exist"
            raise EntityDoesNotExist(words, hint=COLLECTION_IDS)
        return found

    async def _crawl(self, known: int) -> bool:
        """Crawl until there are more than `known` collections; whether there are."""
        async with self._crawling:
            while len(self._collections) <= known:
                try:
                    holder = await self._crawler.visit(self._crawled)
                except RequestError as error:
                    self._failures.append(error.message)
                else:
                    if holder is None:
                        return False
                    if isinstance(holder, Children):
                        self._add(holder, self._crawler.url_of(self._crawled))
                self._crawled += 1
            return True

    def _add(self, holder: Children, url: str) -> None:
        if issubclass(holder.made, Collection):
            self._collections.append(url)
            self._urls.setdefault(holder.id, url)
        elif not issubclass(holder.made, Item):  # an item linked as a child
            self._catalogs.setdefault(holder.id, url)
        self._failures += filter(None, (refusal(holder.url, link.url) for link in holder.of_role(*CHILDREN)))

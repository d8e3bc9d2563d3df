"""Collections of a static catalog by id: an index that grows as far as the tree was crawled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import islice

from ...errors import EntityDoesNotExist, RequestError
from ...http.urls import shown_id
from ...models import Collection, Document, Item
from ...text import count
from ..base import COLLECTION_IDS
from .document_links import Children, Role, refusal
from .document_loader import DocumentLoader
from .document_urls import is_web, place_named, same

_AT_ONCE = 64  # documents


class CollectionIndex:
    """The collections below a root, found breadth first along `child` links, each document once.

    Parameters
    ----------
    loader
        Loads documents.
    root_url
        The root's place URL.
    """

    def __init__(self, loader: DocumentLoader, root_url: str) -> None:
        self._loader = loader
        self._local = not is_web(root_url)
        self._queue = deque([same(root_url)])
        self._seen = {hash(same(root_url))}
        self._crawling = asyncio.Lock()
        self._collections: list[str] = []
        self._urls: dict[str, str] = {}
        self._catalogs: dict[str, str] = {}
        self._failed = 0
        self._first_failure = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read on the way, in a line."""
        if not self._failed:
            return ()
        what = count(self._failed, "catalog or collection", "catalogs or collections")
        return (f"{what} could not be read, the first: {self._first_failure}",)

    async def collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections; the first ones while the tree is still crawled."""
        given = 0
        while True:
            while given < len(self._collections):
                batch = self._collections[given : given + _AT_ONCE]
                given += len(batch)
                for loaded in await self._loader.load(batch):
                    if isinstance(loaded, Collection):
                        yield loaded
            if not self._queue:
                return
            await self._crawl(given)

    async def url_of(self, identity: str) -> str:
        """Return the place URL of a collection, or of a catalog where no collection has this id.

        The place URL itself is taken too: in static catalogs ids need not be unique.
        """
        if place := place_named(identity, local=self._local):
            return place
        while identity not in self._urls and self._queue:
            await self._crawl(len(self._collections))
        found = self._urls.get(identity) or self._catalogs.get(identity)
        if found is None:
            words = f"collection {shown_id(identity)} does not exist"
            raise EntityDoesNotExist(words, hint=COLLECTION_IDS)
        return found

    async def _crawl(self, known: int) -> None:
        """Load the next documents of the queue, unless another task found more than `known` collections."""
        async with self._crawling:
            if len(self._collections) > known:
                return
            urls = list(islice(self._queue, _AT_ONCE))
            loaded = await self._loader.load(urls)
            holders = [
                await self._loader.holder(url) if isinstance(document, Document) else None
                for url, document in zip(urls, loaded, strict=True)
            ]
            for _ in urls:  # a cancelled crawl has taken nothing from the queue
                self._queue.popleft()
            for url, document, holder in zip(urls, loaded, holders, strict=True):
                self._note(url, document)
                if isinstance(holder, Children):
                    self._enqueue(holder)

    def _note(self, url: str, document: object) -> None:
        if isinstance(document, Collection):
            self._collections.append(url)
            self._urls.setdefault(document.id, url)
        elif isinstance(document, RequestError):
            self._fail(document.message)
        elif isinstance(document, Document) and not isinstance(document, Item):  # an item linked as a child
            self._catalogs.setdefault(document.id, url)

    def _enqueue(self, holder: Children) -> None:
        for link in holder.of_role(Role.CHILD):
            if hash(link.url) not in self._seen:
                self._seen.add(hash(link.url))
                if why := refusal(holder.url, link.url):
                    self._fail(why)
                else:
                    self._queue.append(link.url)

    def _fail(self, why: str) -> None:
        self._failed += 1
        self._first_failure = self._first_failure or why

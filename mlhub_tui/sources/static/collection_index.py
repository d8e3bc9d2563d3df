"""Finding collections by id: an index of the tree that grows as far as it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from ...errors import EntityDoesNotExist
from ...http.hrefs import shown_id
from ...models import Collection, Document, Item
from ...text import count
from ..base import COLLECTION_IDS
from .crawler import CatalogCrawler, Found
from .document_urls import is_web
from .documents import DocumentLoader


class CollectionIndex:
    """The collections below a root, by id and in the order they are found.

    Parameters
    ----------
    library
        Where documents come from.
    root_url
        The root's place URL.
    """

    def __init__(self, library: DocumentLoader, root_url: str) -> None:
        self._library = library
        self._walk = CatalogCrawler(library, root_url)
        self._one = asyncio.Lock()
        self._collections: list[str] = []
        self._urls: dict[str, str] = {}
        self._catalogs: dict[str, str] = {}
        self._problems = 0
        self._first_problem = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read on the way, in a line."""
        if not self._problems:
            return ()
        what = count(self._problems, "catalog or collection", "catalogs or collections")
        return (f"{what} could not be read, the first: {self._first_problem}",)

    async def collections(self) -> AsyncGenerator[Collection, None]:
        """Yield all collections; the first ones while the walk goes on."""
        given = 0
        while True:
            while given < len(self._collections):
                batch = self._collections[given : given + 64]
                given += len(batch)
                for loaded in await self._library.load(batch):
                    if isinstance(loaded, Collection):
                        yield loaded
            if self._walk.done:
                return
            await self._further(given)

    async def url_of(self, identity: str) -> str:
        """Return the place URL of a collection, or of a catalog where no collection has this id.

        Parameters
        ----------
        identity
            An id, or the place URL itself: in static catalogs ids need not be unique.

        Raises
        ------
        EntityDoesNotExist
            If the whole tree has none.
        """
        if is_web(identity) or identity.startswith("file:"):
            return identity
        while identity not in self._urls and not self._walk.done:
            await self._further(len(self._collections))
        found = self._urls.get(identity) or self._catalogs.get(identity)
        if found is None:
            words = f"collection {shown_id(identity)} does not exist"
            raise EntityDoesNotExist(words, hint=COLLECTION_IDS)
        return found

    async def _further(self, known: int) -> None:
        """CatalogCrawler on, unless somebody else did while this one waited."""
        async with self._one:
            if len(self._collections) > known or self._walk.done:
                return
            for found in await self._walk.wave():
                self._note(found)

    def _note(self, found: Found) -> None:
        document = found.document
        if isinstance(document, Collection):
            self._collections.append(found.url)
            self._urls.setdefault(document.id, found.url)
        elif isinstance(document, Item):
            return  # linked as a child
        elif isinstance(document, Document):
            self._catalogs.setdefault(document.id, found.url)
        else:
            self._problems += 1
            self._first_problem = self._first_problem or found.problem

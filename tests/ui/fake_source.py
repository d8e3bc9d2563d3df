"""A source that tests make up: any kind, any listing, with failures and waiting where they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from mlhub_tui.auth import Kind
from mlhub_tui.errors import EntityDoesNotExist, NotOffered
from mlhub_tui.http.credentials import Link
from mlhub_tui.models import (
    ArchiveInfo,
    CatalogInfo,
    Collection,
    Dataset,
    Document,
    Entry,
    Item,
    JsonDict,
    MLModel,
    Search,
)
from mlhub_tui.sources.base import About, Page, Source

Lister = Callable[[Entry | None, str | None], Page[Entry]]


class FakeSource(Source):
    """A `Source` over a function that lists.

    Parameters
    ----------
    kind
        What it speaks.
    lister
        Returns the page below an entry (None: the top) that a link leads to; may raise.
    documents
        Documents by URL, or by id where there is none.
    about
        What it says of itself.
    """

    kind = Kind.STAC_API
    root_url = "https://stac.example.org/"

    def __init__(
        self,
        kind: Kind,
        lister: Lister,
        documents: dict[str, Document] | None = None,
        about: About | None = None,
    ) -> None:
        self.kind = kind
        self._lister = lister
        self._documents = documents or {}
        self._about = about or About(kind, "Made up")
        self.asked: list[tuple[Entry | None, str | None]] = []
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def about(self) -> About:
        """Return what it says of itself."""
        return self._about

    async def entries(
        self, parent: Entry | None = None, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Entry]:
        """Return what the function lists, once the gate is open."""
        self.asked.append((parent, link))
        await self.gate.wait()
        return self._lister(parent, link)

    async def document(self, entry: Entry) -> Document:
        """Return a known document."""
        key = entry.url or entry.id
        self.fetched.append(key)
        if entry.document is not None:
            return entry.document
        try:
            return self._documents[key]
        except KeyError:
            raise EntityDoesNotExist(f"{key} does not exist") from None

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Offer no search."""
        raise NotOffered("nothing is searched here")

    async def queryables(self, collection_id: str | None = None) -> JsonDict:
        """Offer no filter."""
        raise NotOffered("nothing is filtered here")

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return the link as it is."""
        return Link(href)

    async def datasets(self, *, tags: Sequence[str] = (), text: Sequence[str] = ()) -> list[Dataset]:
        """Return no datasets."""
        return []

    async def dataset(self, id_or_doi: str) -> Dataset:
        """Have no dataset."""
        raise EntityDoesNotExist(f"{id_or_doi} does not exist")

    async def collections(self) -> list[Collection]:
        """Return no collections."""
        return []

    async def walk_collections(self) -> AsyncIterator[Collection]:
        """Yield no collections."""
        for collection in await self.collections():
            yield collection

    async def collection(self, collection_id: str) -> Collection:
        """Have no collection."""
        raise EntityDoesNotExist(f"{collection_id} does not exist")

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return no items."""
        return Page(())

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Have no item."""
        raise EntityDoesNotExist(f"{item_id} does not exist")

    async def models(self) -> list[MLModel]:
        """Return no models."""
        return []

    async def model(self, model_id: str) -> MLModel:
        """Have no model."""
        raise EntityDoesNotExist(f"{model_id} does not exist")

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Have no archive."""
        raise EntityDoesNotExist(f"{collection_id} does not exist")

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Have no archive."""
        raise EntityDoesNotExist(f"{dataset_id} does not exist")

    async def aclose(self) -> None:
        """Close nothing."""

"""What every source of data can do: the seam between the screens and any kind of API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..models import ArchiveInfo, CatalogInfo, Collection, Dataset, Item, MLModel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    Parameters
    ----------
    entries
        The documents of this page, in the server's order.
    next
        An opaque link to the next page, without keys; None at the end.
    matched
        How many there are in all, where the server says so.
    skipped
        How many entries of this page were left out because they are no documents.
    """

    entries: tuple[T, ...]
    next: str | None = None
    matched: int | None = None
    skipped: int = 0


class Source(Protocol):
    """A place that lists datasets, collections, items and models.

    Every method may raise the `RequestError` family of `errors`.
    """

    @property
    def root_url(self) -> str:
        """The URL that relative paths are resolved against; ends with a slash."""
        ...

    async def datasets(self, *, tags: Sequence[str] = (), text: Sequence[str] = ()) -> list[Dataset]:
        """Return all datasets that carry every tag and match every text phrase."""
        ...

    async def dataset(self, id_or_doi: str) -> Dataset:
        """Return one dataset by its ID, or by its DOI."""
        ...

    async def collections(self) -> list[Collection]:
        """Return all collections."""
        ...

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        ...

    async def items_page(
        self,
        collection_id: str,
        *,
        link: str | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> Page[Item]:
        """Return one page of a collection's items: the first, or the one `link` (a `Page.next`) leads to."""
        ...

    def items(
        self,
        collection_id: str,
        *,
        limit: int | None = None,
        page_size: int | None = None,
        extensions: Sequence[str] = (),
    ) -> AsyncIterator[Item]:
        """Yield up to `limit` items, a page in memory at a time; stops on a link that repeats."""
        ...

    async def item(self, collection_id: str, item_id: str) -> Item:
        """Return one item."""
        ...

    async def models(self) -> list[MLModel]:
        """Return all models."""
        ...

    async def model(self, model_id: str) -> MLModel:
        """Return one model."""
        ...

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what is known of a collection's archive; EntityDoesNotExist where there is none."""
        ...

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what is known of a dataset's STAC catalog archive."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...

"""What each way to download a dataset costs: its catalog and assets, or the archives of its collections."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import EntityDoesNotExist, NotOffered
from ..models import ArchiveInfo, CatalogInfo

_AT_ONCE = 4


class SizeProvider(Protocol):
    """What is asked of a `Source`."""

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        """Return what is known of a collection's archive."""
        ...

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        """Return what is known of a dataset's catalog archive."""
        ...


@dataclass(frozen=True, slots=True)
class ArchiveCost:
    """The archive of a collection: whether there is one, and its size in bytes where that is told."""

    collection: str
    there: bool
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """What a dataset offers.

    Parameters
    ----------
    archives
        The archives of its collections, in their order.
    catalog
        Whether its catalog can be fetched as one archive.
    catalog_size
        Bytes of that.
    estimated_size
        Bytes of everything, as the API estimates.
    """

    archives: tuple[ArchiveCost, ...] = ()
    catalog: bool = False
    catalog_size: int | None = None
    estimated_size: int | None = None

    @property
    def archives_size(self) -> int | None:
        """Bytes of all archives; None where one does not tell, or there are none."""
        sizes = [cost.size for cost in self.archives if cost.there]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None

    @property
    def archives_known(self) -> int:
        """Bytes of the archives that tell."""
        return sum(cost.size or 0 for cost in self.archives if cost.there)

    @property
    def missing(self) -> tuple[str, ...]:
        """Collections without an archive."""
        return tuple(cost.collection for cost in self.archives if not cost.there)


async def costs(source: SizeProvider, dataset: str, collections: Sequence[str]) -> Costs:
    """Ask what a dataset's archives and its catalog are; some questions at a time.

    Parameters
    ----------
    dataset
        Its id.
    collections
        The ids of its collections.

    Raises
    ------
    RequestError
        If the API cannot be asked; that something is not there is an answer.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def archive(collection: str) -> ArchiveCost:
        async with places:
            try:
                info = await source.archive_info(collection)
            except (EntityDoesNotExist, NotOffered):
                return ArchiveCost(collection, False)
            return ArchiveCost(collection, True, info.size)

    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(archive(collection)) for collection in collections]
            about = group.create_task(_catalog(source, dataset))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    archives, info = tuple(task.result() for task in asked), about.result()
    if info is None:
        return Costs(archives)
    return Costs(archives, True, info.stac_catalog_size, info.estimated_dataset_size)


async def _catalog(source: SizeProvider, dataset: str) -> CatalogInfo | None:
    try:
        return await source.catalog_info(dataset)
    except (EntityDoesNotExist, NotOffered):
        return None

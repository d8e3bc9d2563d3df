"""The index that a dataset's job is planned with: of its catalog archive, or of pages of items."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from ..auth.kind import Kind
from ..errors import NotOffered, TargetBusy
from ..http.key_removal import KeyRemoval
from ..models import Search
from ..text import count
from ..threads import in_thread
from .build import of_archive
from .dataset_text import today
from .index import Index
from .making import Show
from .pages import of_pages, of_search, read_before
from .progress import Progress
from .requests import DatasetRequest
from .resolver import ItemsSource, JobSource

_AGAIN = 0.5  # seconds between two looks whether another program has finished the same index
_PAGE = 250


async def index_of_archive(
    request: DatasetRequest, archive: Path, show: Show, keys: KeyRemoval | None = None
) -> Index:
    """Return the index of a catalog archive, made if need be; `keys` are not saved in it.

    Raises
    ------
    DamagedArchive
        If the archive cannot be read to its end.
    EntityDoesNotExist
        If there is nothing of STAC in it.
    MLHubException
        If the index cannot be written.
    """
    stop = threading.Event()

    def made() -> Index:
        return of_archive(
            archive,
            source=request.source,
            dataset=request.dataset_id,
            show=show,
            stopped=stop,
            keys=keys,
        )

    while True:
        try:
            return await in_thread(made, interrupt=stop.set)
        except TargetBusy:  # another program makes the very same one
            await asyncio.sleep(_AGAIN)


async def index_of_items(request: DatasetRequest, source: JobSource, show: Show) -> Index:
    """Return the index of the items of collections, read page by page; it counts for the day of the wish.

    A STAC API is asked for what the area and the time leave, where it has a search and not all was read to
    plan with.

    Raises
    ------
    NotOffered
        If the source has no items.
    RequestError
        If a page cannot be had; what came before is kept.
    """
    if not isinstance(source, ItemsSource):
        raise NotOffered("the source has no items")
    day = request.stamp[: len(today())]
    where, name, filters = request.source, request.dataset_id, request.filters
    names = request.collections
    planned = await in_thread(lambda: read_before(names, location=where, dataset=name, validator=day))
    if planned is not None:
        return planned
    if request.kind is Kind.STAC_API and filters.sifts_items:
        when = "" if filters.when is None else str(filters.when)
        search = Search(request.collections, bbox=filters.bbox, intersects=filters.intersects, datetime=when)
        try:
            return await of_search(
                source, search, location=where, dataset=name, validator=day, page_size=_PAGE, show=show
            )
        except NotOffered:
            pass  # it has no search: all items are read, and chosen from here
    return await of_pages(
        source, names, location=where, dataset=name, validator=day, page_size=_PAGE, show=show
    )


def words_of(progress: Progress) -> str:
    """Return how far an index is, in words."""
    what = "sorting" if progress.sorting else "indexing"
    return f"{what} {count(progress.items, 'item')}"

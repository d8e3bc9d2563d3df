"""Building the index of collections, or of a search, from pages of items: resumable page by page."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..errors import EntityDoesNotExist
from ..models import Collection, Document, Item, Search
from ..models.document import identity
from ..sources.asset_hrefs import asset_href
from ..sources.base import Page
from ..text import writable
from ..threads import in_thread
from .index import Index
from .index_builder import Builder
from .index_cache import Subject
from .making import Show, finish, opened, writing


class Pages(Protocol):
    """What an index needs of a `Source`."""

    async def collection(self, collection_id: str) -> Collection:
        """Return one collection."""
        ...

    async def items_page(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items."""
        ...


class Searched(Protocol):
    """What an index of a search needs of a `Source`."""

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of the items that a search finds."""
        ...


async def of_pages(
    source: Pages,
    collections: Sequence[str],
    *,
    location: str,
    dataset: str,
    validator: str = "",
    page_size: int | None = None,
    show: Show | None = None,
    fresh: bool = False,
) -> Index:
    """Return the index of collections of a STAC API or a static catalog, made page by page.

    What was read before a cancel, a failure or a kill is kept: the next call goes on with the next page.

    Parameters
    ----------
    source
        Where collections and items come from.
    collections
        Their ids.
    location
        The source's location, without keys.
    dataset
        What the collections are called together.
    validator
        What changes when the collections do, where somebody can tell.
    page_size
        How many items are wanted at a time; a wish.
    show
        Told how far it is, from a thread.
    fresh
        Whether a whole index that is there does not count.

    Raises
    ------
    RequestError
        If a page cannot be had; what came before is kept.
    TargetBusy
        If another program is building it.
    """

    def listing(collection: str) -> Listing:
        async def page(link: str | None) -> Page[Item]:
            return await source.items_page(collection, link=link, page_size=page_size)

        return Listing(collection, page, lambda: source.collection(collection))

    subject = _subject(collections, location, dataset, validator)
    return await _of_listings(subject, [listing(each) for each in collections], show, fresh)


def read_before(
    collections: Sequence[str], *, location: str, dataset: str, validator: str = ""
) -> Index | None:
    """Return the index that `of_pages` has made of collections, None where it is not whole; blocks."""
    return opened(_subject(collections, location, dataset, validator))


def _subject(collections: Sequence[str], location: str, dataset: str, validator: str) -> Subject:
    return Subject(location, dataset, json.dumps([validator, *collections]))


async def of_search(
    source: Searched,
    search: Search,
    *,
    location: str,
    dataset: str,
    validator: str = "",
    page_size: int | None = None,
    show: Show | None = None,
    fresh: bool = False,
) -> Index:
    """Return the index of the items that a search finds; else as `of_pages`."""

    async def page(link: str | None) -> Page[Item]:
        return await source.search_page(search, link=link, page_size=page_size)

    subject = Subject(location, dataset, validator + repr(search))
    return await _of_listings(subject, [Listing("", page)], show, fresh)


@dataclass(frozen=True, slots=True)
class Listing:
    """Pages of items: of a collection, with what describes it, or (with an empty name) of any."""

    collection: str
    page: Callable[[str | None], Awaitable[Page[Item]]]
    described: Callable[[], Awaitable[Collection]] | None = None


async def _of_listings(
    subject: Subject, listings: Sequence[Listing], show: Show | None, fresh: bool
) -> Index:
    if not fresh and (found := await in_thread(lambda: opened(subject))) is not None:
        return found
    stop = threading.Event()
    with writing(subject):
        builder = await in_thread(lambda: Builder(subject.path))
        try:
            for listing in listings:
                await _take_pages(listing, builder, show)
            await in_thread(lambda: finish(builder, subject, stop), interrupt=stop.set, grace=5.0)
        finally:
            await in_thread(builder.close)
    subject.drop_others()
    return await in_thread(lambda: Index(subject.path))


async def _take_pages(listing: Listing, builder: Builder, show: Show | None) -> None:
    """Take the pages of a listing that were not taken yet, and what to know of them."""
    name, begun = writable(listing.collection), builder.listings()
    link = begun.get(name)
    if name in begun and link is None:
        return
    missing: EntityDoesNotExist | None = None
    if name not in begun and listing.described is not None:
        try:
            described = await listing.described()
        except EntityDoesNotExist as error:
            missing = error  # an API that has a search alone describes no collections
        else:
            await in_thread(lambda: _take([described], builder))
    while True:
        page = await listing.page(link)
        if missing is not None and not page.entries:
            raise missing
        missing = None
        following = None if page.stopped or page.next == link else page.next

        def take(page: Page[Item] = page, following: str | None = following) -> None:
            _take(page.entries, builder, name)
            for line in page.notes:
                builder.take_note(line)
            builder.skip(0 if page.notes else page.skipped)  # notes say it themselves
            if page.stopped:
                builder.take_note(f"{name}: {page.stopped}" if name else page.stopped)
            builder.note_page(name, following)
            if show is not None:
                show(builder.progress)

        # A page is taken whole or not at all, so that the one after it is the right one to go on with.
        await in_thread(take, grace=5.0)
        if following is None:
            return
        link = following


def _take(found: Sequence[Document], builder: Builder, collection: str = "") -> None:
    for document in found:
        raw = document.raw
        if collection and not identity(raw.get("collection")):
            raw = {**raw, "collection": collection}
        assets = document.assets if isinstance(document, Item | Collection) else ()
        chosen = {asset.key: asset_href(document, asset) for asset in assets if asset.href}
        hrefs = {key: each.href for key, each in chosen.items()}
        builder.add(raw, hrefs=hrefs, paid={key: each.pays for key, each in chosen.items() if each.pays})

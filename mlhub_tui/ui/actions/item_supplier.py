"""Pages of items for download, export and preview: selected, listed, or found by a search."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...concurrency import together
from ...errors import MLHubException
from ...models import Document, Entry, EntryKind, Item, Search
from ...sources.asset_links import StorageTerms
from ...sources.base import Listing, Page
from ...text import count
from ..catalog.nodes import identity

if TYPE_CHECKING:
    from ...sources.base import Source
    from ..catalog.loader import Documents


PAGE = 100
"""Items; what most APIs give at most."""
_TOGETHER = 25  # documents of entries in a page
_SIDE_BY_SIDE = 6  # that are asked for at a time
Fetch = Callable[[str | None], Awaitable[Page[Document]]]
Again = Callable[[MLHubException], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class ItemSupplier:
    """Documents that can be walked through as often as need be.

    - `words`: What they are: `3 selected items`.
    - `fetch`: Gives the page that a link leads to; `more` do so for what comes behind.
    - `total`: How many there are, where that is known.
    - `whole`: Whether they are all that there is of something, so that their number may be large or unknown.
    - `belongs`: The id of the collection of items that do not say theirs.
    """

    words: str
    fetch: Fetch
    total: int | None = None
    whole: bool = False
    belongs: str = ""
    more: tuple[Fetch, ...] = ()

    async def pages(self, again: Again, limit: int | None = None) -> AsyncGenerator[Page[Document], None]:
        """Yield page after page, up to `limit` documents.

        - `again`: Asks whether a page that failed is to be asked for once more; if not, its error is raised.
        """
        left = limit
        for listing in [Listing(fetch) for fetch in (self.fetch, *self.more)]:
            while left is None or left > 0:
                try:
                    page = await listing.page()
                except MLHubException as error:
                    if not await again(error):
                        raise
                    continue
                if page is None:
                    if listing.stopped:
                        yield Page((), stopped=listing.stopped)
                    break
                matched = None if self.more else page.matched
                stopped = listing.stopped or page.stopped
                yield replace(page, entries=page.entries[:left], stopped=stopped, matched=matched)
                left = None if left is None else left - len(page.entries)


def with_terms(supply: ItemSupplier, source: Source) -> ItemSupplier:
    """Return a supply whose items have what their collections state of who pays for the transfer."""
    terms = StorageTerms(source.collection)

    def stating(fetch: Fetch) -> Fetch:
        async def stated(link: str | None) -> Page[Document]:
            page = await fetch(link)
            return replace(page, entries=tuple([await terms.of(one, supply.belongs) for one in page.entries]))

        return stated

    return replace(supply, fetch=stating(supply.fetch), more=tuple(map(stating, supply.more)))


async def never(_: MLHubException) -> bool:
    """Ask for no page again."""
    return False


def of_documents(words: str, documents: Sequence[Document]) -> ItemSupplier:
    """Return a supply of documents that are in memory."""

    async def fetch(link: str | None) -> Page[Document]:
        return Page(tuple(documents))

    return ItemSupplier(words, fetch, len(documents))


def of_entries(words: str, entries: Sequence[Entry], documents: Documents) -> ItemSupplier:
    """Return a supply of the documents of entries; what cannot be loaded is left out and named."""

    async def fetch(link: str | None) -> Page[Document]:
        start = int(link or 0)
        stop = start + _TOGETHER
        wanted = entries[start:stop]

        async def load(entry: Entry) -> Document | None:
            return documents.of(entry) or await documents.load(entry)

        found = await together(load, wanted, _SIDE_BY_SIDE)
        notes = tuple(
            f"{entry.label} was left out: {documents.why_not(entry) or 'it could not be loaded'}"
            for entry, document in zip(wanted, found, strict=True)
            if document is None
        )
        there = tuple(document for document in found if document is not None)
        following = str(stop) if stop < len(entries) else None
        return Page(there, following, len(entries), len(notes), notes=notes)

    belongs = {entry.collection_id for entry in entries}
    return ItemSupplier(words, fetch, len(entries), belongs=belongs.pop() if len(belongs) == 1 else "")


def of_search(words: str, source: Source, search: Search, total: int | None = None) -> ItemSupplier:
    """Return a supply of all items that a search finds."""

    async def fetch(link: str | None) -> Page[Document]:
        return _documents(await source.search_page(search, link=link, page_size=PAGE))

    return ItemSupplier(words, fetch, total, whole=True)


def of_part(words: str, whole: ItemSupplier, entries: Sequence[Entry]) -> ItemSupplier:
    """Return a supply of those documents of another that some entries stand for, walking no further.

    A large part of a listing is had faster, and in fewer requests, by listing it again.
    """
    wanted = {(entry.id, entry.url) for entry in entries}
    left = set(wanted)

    async def fetch(link: str | None) -> Page[Document]:
        if link is None:
            left.clear()
            left.update(wanted)
        page = await whole.fetch(link)
        there = tuple(document for document in page.entries if (document.id, document.url) in wanted)
        left.difference_update((document.id, document.url) for document in there)
        if not left:
            return replace(page, entries=there, next=None, matched=len(wanted), stopped="")
        missing = f"{count(len(left), 'item')} did not come again" if page.next is None else ""
        return replace(
            page,
            entries=there,
            matched=len(wanted),
            looked=len(page.entries),
            stopped=page.stopped or missing,
        )

    return ItemSupplier(words, fetch, len(wanted))


def of_items(words: str, source: Source, holder: Entry) -> ItemSupplier:
    """Return a supply of all items of a collection or catalog."""
    name = identity(holder, source.kind)

    async def fetch(link: str | None) -> Page[Document]:
        return _documents(await source.items_page(name, link=link, page_size=PAGE))

    return ItemSupplier(words, fetch, whole=True, belongs=holder.id)


def supplies_of(entries: Sequence[Entry], documents: Documents) -> list[ItemSupplier]:
    """Return the items that some entries are, and all items of those that hold some."""
    source, supplies = documents.source, list[ItemSupplier]()
    items = [entry for entry in entries if entry.kind is EntryKind.ITEM]
    holders = [e for e in entries if e.kind in (EntryKind.COLLECTION, EntryKind.CATALOG)]
    if items:
        words = f"item {items[0].label}" if len(items) == 1 else f"{len(items):,} selected items"
        supplies.append(of_entries(words, items, documents))
    if holders and source is not None:
        first, *others = [of_items(f"all items of {holder.label}", source, holder) for holder in holders]
        if others:
            words, more = f"all items of {len(holders):,} collections", tuple(one.fetch for one in others)
            first = replace(first, words=words, belongs="", more=more)
        supplies.append(first)
    return supplies


def _documents(page: Page[Item]) -> Page[Document]:
    entries: tuple[Document, ...] = page.entries
    seen = page.looked, page.notes, page.lacking
    return Page(entries, page.next, page.matched, page.skipped, page.stopped, *seen)

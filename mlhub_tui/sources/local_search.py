"""Searches on this side, of items that a source only lists: its pages are read on until enough fit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from ..errors import EntityDoesNotExist, NotOffered, RequestError, UnexpectedAnswer
from ..http.pagination import REPEATED
from ..models import Item, Search
from .base import Page
from .bounded import bounded, unbounded
from .item_filter import sieve, time_of
from .queries import check

FIELDS = frozenset({"collections", "ids", "bbox", "intersects", "datetime", "text", "sort", "limit"})
"""Names of the fields of `Search` that a search on this side takes."""
MOST_SORTED = 10_000
"""Items; to sort them all must be held, so that more are not sorted."""
_LOOKED_AT_ONCE = 1_000  # items; then what was found so far is shown, and the search can be left
_MOST_ASKED_FOR = 40  # items; more ids than that are found sooner by a look through all
_AT_ONCE = 4
OneItem = Callable[[str, str], Awaitable[Item]]
Fetch = Callable[[str | None], Awaitable[Page[Item]]]


class ItemsPage(Protocol):
    """What gives the items of a collection page by page, as `Source.items_page` does."""

    async def __call__(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items."""
        ...


async def sifted_page(
    search: Search, fetch: Fetch, link: str | None = None, page_size: int | None = None
) -> Page[Item]:
    """Return one page of the items of a listing that fit a search.

    Pages of the listing are read one after the other until there are `page_size` items that fit, or a
    thousand were looked at; the page may be empty and still have a next one.

    Parameters
    ----------
    fetch
        Gives the page of the listing that a link leads to; the first one for None.

    Raises
    ------
    NotOffered
        If the search has a filter, or is to sort more than ten thousand items.
    """
    check(search, FIELDS, "a search on this side")
    if search.sort:
        return bounded(await _sorted(search, fetch), search.limit)
    left, inner = unbounded(link, search.limit)
    wanted = page_size or 1 if left is None else min(left, page_size or left)
    if wanted == 0:
        return Page(())
    found = await _sift(search, fetch, inner, wanted, _LOOKED_AT_ONCE)
    return bounded(found, left)


async def _sift(
    search: Search, fetch: Fetch, link: str | None, wanted: int, most: int, *, whole: bool = False
) -> Page[Item]:
    """Read a listing on until enough was found or looked at; what a page gave is given whole.

    Where a page fails after others came, these are given, and the failing one is the next; not where only
    the `whole` is of use.
    """
    fitting = sieve(search)
    found: list[Item] = []
    notes: dict[str, None] = {}
    looked = skipped = timeless = 0
    seen = {link}
    while True:
        try:
            page = await fetch(link)
        except RequestError:
            if whole or not looked:
                raise
            return Page(tuple(found), link, None, skipped, "", looked, tuple(notes), timeless)
        found.extend(filter(fitting, page.entries))
        notes.update(dict.fromkeys(page.notes))
        timeless += sum(time_of(item) is None for item in page.entries) if search.datetime else 0
        looked, skipped, link = looked + len(page.entries), skipped + page.skipped, page.next
        if link is None or link in seen:
            stopped = REPEATED if link is not None else page.stopped
            return Page(tuple(found), None, None, skipped, stopped, looked, tuple(notes), timeless)
        seen.add(link)
        if len(found) >= wanted or looked + skipped >= most:
            return Page(tuple(found), link, None, skipped, "", looked, tuple(notes), timeless)


async def _sorted(search: Search, fetch: Fetch) -> Page[Item]:
    """Return all that fits in order; the last field of the order sorts first, as sorts are stable."""
    page = await _sift(replace(search, sort=()), fetch, None, MOST_SORTED + 1, MOST_SORTED + 1, whole=True)
    if page.next is not None:
        raise NotOffered(
            f"more than {MOST_SORTED:,} items: too many to sort on this side",
            hint="search within fewer collections, or leave out the order",
        )
    items = list(page.entries)
    for name in reversed(search.sort):
        items.sort(key=_by(name.lstrip("+-")), reverse=name.startswith("-"))
    return replace(page, entries=tuple(items), matched=len(items))


def _by(name: str) -> Callable[[Item], tuple[int, float, str]]:
    """Return the key to sort by a property: numbers before texts, what is missing before both."""

    def key(item: Item) -> tuple[int, float, str]:
        field = name.removeprefix("properties.")
        value = item.raw.get(field) if field in ("id", "collection") else item.properties.get(field)
        if field == "datetime":
            span = time_of(item)
            moment = span and (span.start or span.end)
            return (1, moment.timestamp(), "") if moment else (0, 0.0, "")
        if isinstance(value, int | float):
            return 1, float(value), ""
        return (2, 0.0, value) if isinstance(value, str) and value else (0, 0.0, "")

    return key


class LocalSearch:
    """Searches the collections of a source that lists items but cannot be asked for some of them.

    Parameters
    ----------
    items_page
        Gives the items of a collection.
    item
        Gives one item of a collection by its id, where that is quicker than to look through all.
    """

    def __init__(self, items_page: ItemsPage, item: OneItem | None = None) -> None:
        self._items_page = items_page
        self._item = item

    async def page(self, search: Search, link: str | None, page_size: int | None) -> Page[Item]:
        """Return one page of what a search finds, collection after collection.

        Raises
        ------
        NotOffered
            If no collection is named, or as `sifted_page`.
        """
        if not search.collections:
            raise NotOffered("here a search needs a collection to look in", hint="name one or more of them")
        pairs = [(collection, identity) for collection in search.collections for identity in search.ids]
        if self._item is not None and link is None and 0 < len(pairs) <= _MOST_ASKED_FOR:
            named = await _named(self._item, pairs)

            async def once(_: str | None) -> Page[Item]:
                return named

            return await sifted_page(search, once)

        async def fetch(link: str | None) -> Page[Item]:
            at, inner = _place(link, len(search.collections))
            page = await self._items_page(search.collections[at], link=inner, page_size=page_size)
            if page.next is not None:
                return replace(page, next=json.dumps({"at": at, "link": page.next}))
            last = at + 1 == len(search.collections)
            return page if last else replace(page, next=json.dumps({"at": at + 1}))

        return await sifted_page(search, fetch, link, page_size)


async def _named(item: OneItem, pairs: Sequence[tuple[str, str]]) -> Page[Item]:
    """Return the items of these collections and ids that are there, asked for a few at a time."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(collection: str, identity: str) -> Item | None:
        async with gate:
            try:
                return await item(collection, identity)
            except EntityDoesNotExist:
                return None

    found = await asyncio.gather(*(one(*pair) for pair in dict.fromkeys(pairs)), return_exceptions=True)
    for failure in found:
        if isinstance(failure, BaseException):
            raise failure
    return Page(tuple(entry for entry in found if isinstance(entry, Item)))


def _place(link: str | None, collections: int) -> tuple[int, str | None]:
    """Return the collection's number and the link within it."""
    if link is None:
        return 0, None
    try:
        parts = json.loads(link)
        return range(collections)[int(parts["at"])], parts.get("link")
    except (IndexError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnexpectedAnswer("this is no link to a page") from error

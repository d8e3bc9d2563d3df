"""Sifting: searches on this side, of items that a source only lists."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..errors import NotOffered, UnexpectedAnswer
from ..models import BBox, Item, Search
from ..models.extent import geometry_bbox
from ..models.when import Span, parse_span, span_of
from .base import Page
from .bounded import bounded, unbounded
from .queries import check
from .steps import REPEATED

FIELDS = frozenset({"collections", "ids", "bbox", "intersects", "datetime", "text", "sort", "limit"})
"""Names of the fields of `Search` that a search on this side takes."""
MOST_SORTED = 10_000
"""Items; to sort them all must be held, so that more are not sorted."""
_LOOKED_AT_ONCE = 1_000  # items; then what was found so far is shown, and the search can be left
Fetch = Callable[[str | None], Awaitable[Page[Item]]]


class ItemsPage(Protocol):
    """What gives the items of a collection page by page, as `Source.items_page` does."""

    async def __call__(
        self, collection_id: str, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        """Return one page of a collection's items."""
        ...


def fits(item: Item, search: Search) -> bool:
    """Whether an item is what a search asks for; see `sieve`."""
    return sieve(search)(item)


def sieve(search: Search) -> Callable[[Item], bool]:
    """Return what tells whether an item fits a search, as an item search of the STAC API would decide.

    An item without a date is in no stretch of time, one without a place in no box. A geometry counts by the
    box around it, on both sides, which finds a little more than a server would. The collection, the filter,
    the order and the number of a search are not looked at.

    Raises
    ------
    InvalidSearch
        If the search's dates are none.
    """
    ids, words = frozenset(search.ids), search.text.casefold().split()
    span, box = parse_span(search.datetime), search.bbox or geometry_bbox(search.intersects)

    def fitting(item: Item) -> bool:
        return (
            (not ids or item.id in ids)
            and (span is None or _is_then(item, span))
            and (box is None or (item.bbox is not None and touch(item.bbox, box)))
            and (not words or _says(item, words))
        )

    return fitting


def _is_then(item: Item, wanted: Span) -> bool:
    own = span_of(item.interval.start, item.interval.end)
    return own is not None and own.meets(wanted)


def touch(one: BBox, other: BBox) -> bool:
    """Whether two boxes have a point in common; `west > east` crosses the antimeridian (RFC 7946, 5.2)."""
    if one.north < other.south or other.north < one.south:
        return False
    return any(
        west <= other_east and other_west <= east
        for west, east in _stretches(one)
        for other_west, other_east in _stretches(other)
    )


def _stretches(box: BBox) -> tuple[tuple[float, float], ...]:
    """Return the longitudes of a box as stretches that do not cross the antimeridian."""
    if box.west <= box.east:
        return ((box.west, box.east),)
    return ((box.west, 180.0), (-180.0, box.east))


def _says(item: Item, words: Sequence[str]) -> bool:
    """Whether every word occurs in an item's id, title, description, keywords or other properties."""
    written = "\n".join((item.id, item.collection_id, *_texts(item.properties))).casefold()
    return all(word in written for word in words)


def _texts(properties: Mapping[str, Any]) -> list[str]:
    """Return the scalar values of properties, and those of lists in them."""
    values: list[Any] = []
    for value in properties.values():
        values.extend(value if isinstance(value, list) else [value])
    return [str(v) for v in values if isinstance(v, str | int | float) and not isinstance(v, bool)]


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


async def _sift(search: Search, fetch: Fetch, link: str | None, wanted: int, most: int) -> Page[Item]:
    """Read a listing on until enough was found or looked at; what a page gave is given whole."""
    fitting = sieve(search)
    found: list[Item] = []
    notes: dict[str, None] = {}
    looked = skipped = 0
    seen = {link}
    while True:
        page = await fetch(link)
        found.extend(filter(fitting, page.entries))
        notes.update(dict.fromkeys(page.notes))
        looked, skipped, link = looked + len(page.entries), skipped + page.skipped, page.next
        if link is None or link in seen:
            stopped = REPEATED if link is not None else page.stopped
            return Page(tuple(found), None, None, skipped, stopped, looked, tuple(notes))
        seen.add(link)
        if len(found) >= wanted or looked >= most:
            return Page(tuple(found), link, None, skipped, "", looked, tuple(notes))


async def _sorted(search: Search, fetch: Fetch) -> Page[Item]:
    """Return all that fits in order; the last field of the order sorts first, as sorts are stable."""
    page = await _sift(replace(search, sort=()), fetch, None, MOST_SORTED + 1, MOST_SORTED + 1)
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
        if field == "datetime" and value is None:
            value = item.interval.start
        if isinstance(value, int | float):
            return 1, float(value), ""
        return (2, 0.0, value) if isinstance(value, str) and value else (0, 0.0, "")

    return key


class SiftedSearch:
    """Searches the collections of a source that lists items but cannot be asked for some of them.

    Parameters
    ----------
    items_page
        Gives the items of a collection.
    """

    def __init__(self, items_page: ItemsPage) -> None:
        self._items_page = items_page

    async def page(self, search: Search, link: str | None, page_size: int | None) -> Page[Item]:
        """Return one page of what a search finds, collection after collection.

        Raises
        ------
        NotOffered
            If no collection is named, or as `sifted_page`.
        """
        if not search.collections:
            raise NotOffered("here a search needs a collection to look in", hint="name one or more of them")

        async def fetch(link: str | None) -> Page[Item]:
            at, inner = _place(link, len(search.collections))
            page = await self._items_page(search.collections[at], link=inner, page_size=page_size)
            if page.next is not None:
                return replace(page, next=json.dumps({"at": at, "link": page.next}))
            last = at + 1 == len(search.collections)
            return page if last else replace(page, next=json.dumps({"at": at + 1}))

        return await sifted_page(search, fetch, link, page_size)


def _place(link: str | None, collections: int) -> tuple[int, str | None]:
    """Return the collection's number and the link within it."""
    if link is None:
        return 0, None
    try:
        parts = json.loads(link)
        return range(collections)[int(parts["at"])], parts.get("link")
    except (IndexError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnexpectedAnswer("this is no link to a page") from error

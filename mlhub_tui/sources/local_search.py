"""Searches filtered locally, of items that a source only lists: its pages are read until enough match."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from ..concurrency import together
from ..errors import EntityDoesNotExist, InvalidSearch, NotOffered, RequestError, UnexpectedAnswer
from ..http.pagination import EMPTY_PAGES, REPEATED
from ..models import BBox, Item, Search
from ..models.extent import geometry_bbox
from ..models.search import parse_span, time_of
from ..text import one_line
from .base import ALL_EMPTY, ENOUGH, Lacking, LostDocument, Page, check_search

T = TypeVar("T")
FIELDS = frozenset({"collections", "ids", "bbox", "intersects", "datetime", "text", "sort", "limit"})
"""Names of the fields of `Search` that a local search takes."""
MAX_SORTED = 10_000
"""Items; to sort them all must be held, so that more are not sorted."""
_READ_AT_ONCE = 1_000  # items; then what was found so far is shown, and the search can be left
_MAX_REQUESTED = 40  # items; more ids than that are found sooner by reading all
_AT_ONCE = 4
ItemsPage = Callable[..., Awaitable[Page[Item]]]
"""Returns a page of a collection's items, as `Source.items_page` does."""
OneItem = Callable[[str, str], Awaitable[Item]]
Fetch = Callable[[str | None], Awaitable[Page[Item]]]


async def search_locally(
    search: Search,
    items_page: ItemsPage,
    *,
    link: str | None = None,
    page_size: int | None = None,
    item: OneItem | None = None,
) -> Page[Item]:
    """Return one page of what a search finds, collection after collection, in a source that only lists items.

    Pages are read until `page_size` items match, or a thousand were read; the page may be empty and still
    have a next one.

    - `item`: Returns one item of a collection by its id, where that is quicker than reading all.
    """
    if not search.collections:
        raise NotOffered("here a search requires a collection", hint="name one or more of them")
    check_search(search, FIELDS, "a local search")
    pairs = [(collection, identity) for collection in search.collections for identity in search.ids]
    fetch = _one_after_the_other(search.collections, items_page, page_size)
    if item is not None and link is None and 0 < len(pairs) <= _MAX_REQUESTED:
        named = await _named(item, pairs)

        async def fetch(_: str | None) -> Page[Item]:
            return named

    if search.sort:
        return limit_page(await _sorted(search, fetch), search.limit)
    left, inner = limit_of(link, search.limit)
    wanted = page_size or 1 if left is None else min(left, page_size or left)
    if wanted == 0:
        return Page(())
    return limit_page(await _filtered(search, fetch, inner, wanted, _READ_AT_ONCE), left)


def _one_after_the_other(collections: Sequence[str], items_page: ItemsPage, page_size: int | None) -> Fetch:
    """Return what gives the pages of one collection after the other."""
    empty = 0  # pages of one collection in a row

    async def fetch(link: str | None) -> Page[Item]:
        nonlocal empty
        at, inner = _parts(link, ("at", int), ("link", str | None)) if link else (0, None)
        if at not in range(len(collections)):
            raise UnexpectedAnswer("this is no link to a page")
        page = await items_page(collections[at], link=inner, page_size=page_size)
        empty = empty + 1 if page.next is not None and not page.entries else 0
        if empty > EMPTY_PAGES:
            return replace(page, next=None, stopped=ALL_EMPTY)
        if page.next is not None:
            return replace(page, next=json.dumps({"at": at, "link": page.next}))
        last = at + 1 == len(collections)
        return page if last else replace(page, next=json.dumps({"at": at + 1}))

    return fetch


def _parts(link: str, *wanted: tuple[str, Any]) -> tuple[Any, ...]:
    """Return the parts of a link; raises UnexpectedAnswer if it has not got them."""
    with suppress(ValueError, RecursionError, AttributeError):
        found = json.loads(link)
        parts = tuple(found.get(name) for name, _ in wanted)
        if all(isinstance(part, kind) for part, (_, kind) in zip(parts, wanted, strict=True)):
            return parts
    raise UnexpectedAnswer("this is no link to a page")


async def _filtered(
    search: Search, fetch: Fetch, link: str | None, wanted: int, most: int, *, whole: bool = False
) -> Page[Item]:
    """Read a listing until enough was found or read; what a page gave is given whole.

    Where a page fails after others came, these are given, and the failing one is the next; not where only
    the `whole` is of use.
    """
    matches = item_filter(search)
    found: list[Item] = []
    notes: dict[str, None] = {}
    lost: list[LostDocument] = []
    read = skipped = 0
    lacking, in_area = Lacking(), search.bbox is not None or search.intersects is not None
    seen = {link}
    stopped = ""
    while True:
        try:
            page = await fetch(link)
        except RequestError:
            if whole or not read:
                raise
            break
        found.extend(filter(matches, page.entries))
        notes.update(dict.fromkeys(page.notes))
        timeless = sum(time_of(item.properties) is None for item in page.entries) if search.datetime else 0
        placeless = sum(item.bbox is None for item in page.entries) if in_area else 0
        lacking = lacking.plus(Lacking(timeless, placeless))
        read, skipped, link = read + len(page.entries), skipped + page.skipped, page.next
        lost += page.lost
        if link is None or link in seen:
            link, stopped = None, REPEATED if link is not None else page.stopped
            break
        seen.add(link)
        if len(found) >= wanted or read + skipped >= most:
            break
    return Page(tuple(found), link, None, skipped, stopped, read, tuple(notes), lacking, tuple(lost))


async def _sorted(search: Search, fetch: Fetch) -> Page[Item]:
    """Return all that matches in order; the last field of the order sorts first, as sorts are stable.

    Raises InvalidSearch if no item has a field of the order.
    """
    page = await _filtered(replace(search, sort=()), fetch, None, MAX_SORTED + 1, MAX_SORTED + 1, whole=True)
    if page.next is not None:
        raise NotOffered(
            f"more than {MAX_SORTED:,} items: too many to sort locally",
            hint="search within fewer collections, or leave out the order",
        )
    items = list(page.entries)
    known = {"id", "collection", "datetime"}.union(*(item.properties for item in items))
    fields = [name.lstrip("+-").removeprefix("properties.") for name in search.sort]
    if items and (unknown := [field for field in fields if field not in known]):
        there = ", ".join(one_line(each, 60) for each in sorted(known))
        words = f"no item found has the field {one_line(', '.join(unknown), 100)} to sort by"
        raise InvalidSearch(words, hint=f"they have {there}")
    for name in reversed(search.sort):
        items.sort(key=_by(name.lstrip("+-")), reverse=name.startswith("-"))
    return replace(page, entries=tuple(items), matched=len(items))


def _by(name: str) -> Callable[[Item], tuple[int, float, str]]:
    """Return the key to sort by a property: numbers before texts, what is missing before both."""
    field = name.removeprefix("properties.")

    def key(item: Item) -> tuple[int, float, str]:
        value = item.raw.get(field) if field in ("id", "collection") else item.properties.get(field)
        if field == "datetime":
            span = time_of(item.properties)
            moment = span and (span.start or span.end)
            return (1, moment.timestamp(), "") if moment else (0, 0.0, "")
        if isinstance(value, int | float):
            return 1, float(value), ""
        return (2, 0.0, value) if isinstance(value, str) and value else (0, 0.0, "")

    return key


async def _named(item: OneItem, pairs: Sequence[tuple[str, str]]) -> Page[Item]:
    """Return the items of these collections and ids that exist, requested a few at a time."""

    async def one(pair: tuple[str, str]) -> Item | None:
        with suppress(EntityDoesNotExist):
            return await item(*pair)
        return None

    found = await together(one, dict.fromkeys(pairs), _AT_ONCE)
    return Page(tuple(entry for entry in found if entry is not None))


def limit_page(page: Page[T], left: int | None) -> Page[T]:
    """Return a page of at most `left` entries, whose link tells how many are left after it."""
    if left is None:
        return page
    rest = left - len(page.entries)
    if rest <= 0:
        more = page.next is not None or rest < 0
        reason = page.stopped or (ENOUGH if more else "")
        return replace(page, entries=page.entries[:left], next=None, stopped=reason)
    if page.next is None:
        return page
    return replace(page, next=json.dumps({"left": rest, "link": page.next}))


def limit_of(link: str | None, limit: int | None) -> tuple[int | None, str | None]:
    """Return how many entries are left, and the link inside; `limit` is that of the first page."""
    if link is None or limit is None:
        return limit, link
    left, inner = _parts(link, ("left", int), ("link", str))
    return left, inner


def item_filter(search: Search) -> Callable[[Item], bool]:
    """Return whether an item matches a search, decided as an item search of the STAC API would.

    An item without a date is in no stretch of time, one without a place in no box. A geometry counts by the
    box around it, on both sides, which finds a little more than a server would. The collection, the filter,
    the order and the number of a search do not count.
    """
    ids, words = frozenset(search.ids), search.text.casefold().split()
    span, box = parse_span(search.datetime), search.bbox or geometry_bbox(search.intersects)

    def matches(item: Item) -> bool:
        return (
            (not ids or item.id in ids or item.url in ids)
            and (span is None or ((own := time_of(item.properties)) is not None and own.meets(span)))
            and (box is None or (item.bbox is not None and intersect(item.bbox, box)))
            and (not words or _contains(item, words))
        )

    return matches


def intersect(one: BBox, other: BBox) -> bool:
    """Whether two boxes have a point in common; `west > east` crosses the antimeridian (RFC 7946, 5.2)."""
    if one.north < other.south or other.north < one.south:
        return False
    return any(
        part.west <= another.east and another.west <= part.east
        for part in one.parts
        for another in other.parts
    )


def _contains(item: Item, words: Sequence[str]) -> bool:
    """Whether every word occurs in an item's id, title, description, keywords or other properties."""
    written = "\n".join((item.id, item.collection_id, *_texts(item.properties))).casefold()
    return all(word in written for word in words)


def _texts(properties: Mapping[str, Any]) -> list[str]:
    """Return the scalar values of properties, and those of lists in them."""
    values: list[Any] = []
    for value in properties.values():
        values.extend(value if isinstance(value, list) else [value])
    return [str(v) for v in values if isinstance(v, str | int | float) and not isinstance(v, bool)]

"""Whether an item is what a search asks for: the rules of the STAC API's item search, on this side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..models import BBox, Item, Search
from ..models.extent import geometry_bbox
from ..models.when import Span, parse_span, span_of


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


def time_of(item: Item) -> Span | None:
    """Return an item's time; None where it has none that can be read."""
    return span_of(item.interval.start, item.interval.end)


def _is_then(item: Item, wanted: Span) -> bool:
    own = time_of(item)
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

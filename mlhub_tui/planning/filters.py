"""Filters: which part of a dataset is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..errors import InvalidSearch
from ..models import BBox, JsonDict
from ..models.when import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a dataset is wanted; everything given must hold.

    Parameters
    ----------
    collections
        The wanted collections, each with the wanted asset keys (none: all of them); none: all collections.
        As `collection_filter` of the seed library: the keys do not count for a collection's own assets.
    bbox
        A box that the items touch; `west > east` crosses the antimeridian.
    intersects
        A GeoJSON geometry that the items touch; not together with `bbox`.
    exact
        Whether the items' own geometries are tested; else their boxes are, as the seed library does.
    when
        A stretch of time that the items' times meet, both ends in it.
    catalog_only
        Whether no assets are wanted at all.

    Items without a place or without a time are kept, whatever the filters say.

    Raises
    ------
    InvalidSearch
        If there are both a box and a geometry, or the box is no box.
    """

    collections: tuple[tuple[str, frozenset[str]], ...] = ()
    bbox: BBox | None = None
    intersects: JsonDict | None = field(default=None, hash=False)
    exact: bool = False
    when: Span | None = None
    catalog_only: bool = False

    def __post_init__(self) -> None:
        if self.bbox is not None and self.intersects is not None:
            raise InvalidSearch("an area is given twice: as a box and as a geometry", hint="give one of them")
        if self.bbox is not None and self.bbox.south > self.bbox.north:
            words = f"the box is upside down: its south, {self.bbox.south:g}, is north of {self.bbox.north:g}"
            raise InvalidSearch(words, hint="give west, south, east, north in degrees")

    @staticmethod
    def keys(wanted: Mapping[str, Iterable[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the value of `collections` for a mapping of collection ids to asset keys."""
        return tuple((collection, frozenset(keys)) for collection, keys in wanted.items())

    def wants(self, collection: str) -> bool:
        """Whether a collection is wanted, whole or in part."""
        return not self.collections or any(name == collection for name, _ in self.collections)

    @property
    def sifts_items(self) -> bool:
        """Whether some items of a wanted collection may be left out."""
        return self.bbox is not None or self.intersects is not None or self.when is not None


def microseconds(moment: datetime) -> int:
    """Return a time as microseconds since 1970; without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def bounds(span: Span) -> tuple[int | None, int | None]:
    """Return the ends of a stretch of time in microseconds, None for an open one."""
    first = None if span.start is None else microseconds(span.start)
    if span.end is None:
        return first, None
    last = microseconds(span.end)
    # A day that is typed ends with its last millisecond: the microseconds of that one are in it, too.
    return first, last + 999 if span.end.microsecond == 999_000 and last != first else last

"""Filters: which part of a dataset is wanted, and how a job saves that as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import InvalidSearch
from ..models import BBox, JsonDict
from ..models.when import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a dataset is wanted; every condition given must hold.

    Items without a place or a time match every area and time. InvalidSearch if a box and a geometry are
    given, or the box is upside down.
    """

    # Collections, each with the wanted asset keys (none: all); empty: all. As radiant_mlhub's
    # `collection_filter`: keys do not restrict a collection's own assets.
    collections: tuple[tuple[str, frozenset[str]], ...] = ()
    bbox: BBox | None = None  # items touch it; `west > east` crosses the antimeridian
    intersects: JsonDict | None = field(default=None, hash=False)  # GeoJSON that items touch
    exact: bool = False  # whether the items' geometries are compared, instead of their boxes
    when: Span | None = None  # the items' times meet it, both ends included
    catalog_only: bool = False  # no assets at all

    def __post_init__(self) -> None:
        if self.bbox is not None and self.intersects is not None:
            raise InvalidSearch("an area is given twice: as a box and as a geometry", hint="give one of them")
        if self.bbox is not None and self.bbox.south > self.bbox.north:
            words = f"the box is upside down: its south, {self.bbox.south:g}, is north of {self.bbox.north:g}"
            raise InvalidSearch(words, hint="give west, south, east, north in degrees")

    @staticmethod
    def keys(wanted: Mapping[str, Iterable[str]]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the value of `collections` for asset keys by collection id."""
        return tuple((collection, frozenset(keys)) for collection, keys in wanted.items())

    def wants(self, collection: str) -> bool:
        """Whether a collection is wanted, whole or in part."""
        return not self.collections or any(name == collection for name, _ in self.collections)

    @property
    def selects_items(self) -> bool:
        """Whether some items of a wanted collection may be left out."""
        return self.bbox is not None or self.intersects is not None or self.when is not None

    def to_json(self) -> JsonDict:
        """Return the filters as a JSON object."""
        ends = None if self.when is None else (self.when.start, self.when.end)
        return {
            "collections": {name: sorted(keys) for name, keys in self.collections},
            "bbox": None if self.bbox is None else list(asdict(self.bbox).values()),
            "intersects": self.intersects,
            "exact": self.exact,
            "when": ends and [end and end.isoformat() for end in ends],
            "catalog_only": self.catalog_only,
        }

    @classmethod
    def from_json(cls, raw: Any) -> Filters:
        """Return the filters that `to_json` wrote; InvalidSearch if it did not."""
        try:
            return cls(
                cls.keys(raw["collections"]),
                BBox.parse(raw["bbox"]),
                raw["intersects"],
                bool(raw["exact"]),
                raw["when"] and Span(*(end and datetime.fromisoformat(end) for end in raw["when"])),
                bool(raw["catalog_only"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidSearch("the filters of a job cannot be read", hint="make the job again") from None


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since 1970; without a zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def bounds(span: Span) -> tuple[int | None, int | None]:
    """Return the ends of a time span in microseconds since 1970, None for an open one."""
    first = None if span.start is None else microseconds(span.start)
    if span.end is None:
        return first, None
    last = microseconds(span.end)
    # A day that is typed ends with its last millisecond: the microseconds of that one belong to it.
    return first, last + 999 if span.end.microsecond == 999_000 and last != first else last

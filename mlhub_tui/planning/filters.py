"""Filters: which part of a dataset is wanted, how a job saves that, and which items touch an area."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from ..errors import InvalidSearch, MLHubException
from ..models import BBox, JsonDict
from ..models.extent import geometry_bbox
from ..models.search import Span, geometry_of
from ..text import writable

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; east is above 180 across the antimeridian."""
Row = tuple[int, float, float, float, float, str | None]
"""An item: its number, the four sides of its box, its geometry as JSON."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoShapely(MLHubException):
    """The exact test of geometries was requested, and shapely is not installed."""

    default_hint = "run `pip install 'mlhub-tui[geometry]'`, or leave the exact test out"


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a dataset is wanted; every condition given must hold.

    Items without a place are in no area (as in an item search of the STAC API), those without a time match
    every time. InvalidSearch if a box and a geometry are given, or the box is upside down.
    """

    # Collections, each with the wanted asset keys (none: all); empty: all. As radiant_mlhub's
    # `collection_filter`: keys do not restrict a collection's own assets.
    collections: tuple[tuple[str, frozenset[str]], ...] = ()
    bbox: BBox | None = None  # items touch it; `west > east` crosses the antimeridian
    intersects: JsonDict | None = field(default=None, hash=False)  # GeoJSON that items touch
    exact: bool = False  # whether the items' geometries are compared, instead of their boxes
    when: Span | None = None  # the items' times meet it, both ends included
    catalog_only: bool = False  # no assets at all
    # Whether `collections` name listings: what these have is wanted, of whichever collection the items are.
    as_listed: bool = False

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

    def of_items(self, listed: Mapping[str, Sequence[str]]) -> Filters:
        """Return the filters with the collections that items name, in place of the listings they are in.

        - `listed`: The collections of each listing.
        """
        if not self.as_listed:
            return self
        wanted: dict[str, frozenset[str]] = {}
        for name, keys in self.collections:
            for owner in listed.get(writable(name)) or [name]:
                wanted[owner] = added_keys(keys, wanted.get(owner, keys))
        return replace(self, collections=tuple(wanted.items()), as_listed=False)

    @property
    def by_place(self) -> bool:
        """Whether items are selected by an area."""
        return self.bbox is not None or self.intersects is not None

    @property
    def selects_items(self) -> bool:
        """Whether some items of a wanted collection may be left out."""
        return self.by_place or self.when is not None

    def to_json(self) -> JsonDict:
        """Return the filters as a JSON object."""
        ends = None if self.when is None else (self.when.start, self.when.end)
        return {
            "collections": {name: sorted(keys) for name, keys in self.collections},
            "bbox": None if self.bbox is None else list(self.bbox),
            "intersects": self.intersects,
            "exact": self.exact,
            "when": ends and [end and end.isoformat() for end in ends],
            "catalog_only": self.catalog_only,
            "as_listed": self.as_listed,
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
                bool(raw.get("as_listed")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InvalidSearch("the filters of a job cannot be read", hint="make the job again") from None


def added_keys(keys: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Return both sets of asset keys of a collection as one; none are all keys, which is more than some."""
    return keys | others if keys and others else frozenset()


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


def check_shapely() -> None:
    """Raise NoShapely where the exact test cannot be made."""
    if _shapely() is None:
        raise NoShapely("the exact test of geometries needs shapely, which is not installed")


def _shapely() -> Any:
    try:
        return import_module("shapely")
    except ImportError:
        return None


class Area:
    """A GeoJSON geometry that items touch or not: planar, its border included (OGC Simple Features).

    `value` is a geometry, a collection of them, a feature or several; with `exact` it is compared with the
    items' geometries instead of their boxes. Without shapely the box around it stands for it.

    Raises InvalidSearch if it is no GeoJSON, or its numbers are no degrees; NoShapely if the exact test needs
    shapely, and it is not installed. `boxes` are those that it is in.
    """

    def __init__(self, value: Any, *, exact: bool = False) -> None:
        geometry = geometry_of(value)
        if exact:
            check_shapely()
        self._exact, self._shapely = exact, _shapely()
        if self._shapely is None:
            box = geometry_bbox(geometry)
            self.boxes: list[Box] = [*box.parts] if box is not None else []
            return
        shapely = self._shapely
        try:
            shape = shapely.from_geojson(json.dumps(geometry))
            # Part by part: where two polygons of one geometry overlap, that is no hole.
            parts = shapely.get_parts(shapely.get_parts(shape))
            self._area = shapely.union_all(shapely.make_valid(parts))
        except shapely.errors.ShapelyError:
            raise InvalidSearch("the GeoJSON cannot be read") from None
        self.boxes = [tuple(shapely.bounds(self._area).tolist())]
        shapely.prepare(self._area)

    @classmethod
    def of_box(cls, box: BBox) -> Area:
        """Return a box as an area for the exact test."""
        return cls(box.outline, exact=True)

    def touching(self, rows: Sequence[Row]) -> Iterator[int]:
        """Yield the numbers of the items, whose boxes touch one of `boxes`, that touch it themselves."""
        if self._shapely is None or not rows:
            yield from (row[0] for row in rows)
            return
        shapely = self._shapely
        numbers, west, south, east, north, geometries = zip(*rows, strict=True)
        shapes = shapely.box(west, south, east, north)
        if self._exact:
            own = shapely.make_valid(shapely.from_geojson(geometries, on_invalid="ignore"))
            for at, shape in enumerate(own):
                if shape is not None:
                    # Written on both sides of 180 degrees: eastwards of it, its parts are neighbours.
                    shapes[at] = _turned(shapely, shape, 360, west=True) if east[at] > 180 else shape
        touch = shapely.intersects(self._area, shapes)
        sides = shapely.bounds(shapes)
        for over, degrees in ((sides[:, 2] > 180, -360), (sides[:, 0] < -180, 360)):
            touch[over] |= shapely.intersects(self._area, _turned(shapely, shapes[over], degrees))
        yield from (number for number, touches in zip(numbers, touch.tolist(), strict=True) if touches)


def _turned(shapely: Any, shapes: Any, degrees: int, *, west: bool = False) -> Any:
    """Return shapes turned around the globe; `west`: only what is west of Greenwich."""

    def turn(points: Any) -> Any:
        points[points[:, 0] < 0 if west else slice(None), 0] += degrees
        return points

    return shapely.transform(shapes, turn)

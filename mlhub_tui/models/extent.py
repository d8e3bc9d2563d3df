"""Extents: where and when, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..text import date, one_line


@dataclass(frozen=True, slots=True)
class BBox:
    """A bounding box in degrees, WGS 84; `west > east` means it crosses the antimeridian (RFC 7946, 5.2)."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, value: Any) -> BBox | None:
        """Return a box of 4 or 6 numbers (heights left out), or None where it is none."""
        if not isinstance(value, list | tuple) or len(value) not in (4, 6):
            return None
        half = len(value) // 2
        west, south, east, north = (_finite(value[at]) for at in (0, 1, half, half + 1))
        if west is None or south is None or east is None or north is None:
            return None
        return cls(west, south, east, north)

    def __str__(self) -> str:
        return (
            f"{_degrees(self.west, 'E', 'W')} to {_degrees(self.east, 'E', 'W')}, "
            f"{_degrees(self.south, 'N', 'S')} to {_degrees(self.north, 'N', 'S')}"
        )


def _finite(value: Any) -> float | None:
    """Return a JSON number as a float, None where it is none, not finite, or too large for one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.2f}°{positive if value >= 0 else negative}"


@dataclass(frozen=True, slots=True)
class Interval:
    """A time interval as received, RFC 3339; an empty end is open."""

    start: str
    end: str

    @classmethod
    def parse(cls, value: Any) -> Interval | None:
        """Return the interval of a list of two date-times or nulls, or None where it is none."""
        if not isinstance(value, list | tuple) or len(value) != 2:
            return None
        return cls(one_line(value[0]), one_line(value[1]))

    def __str__(self) -> str:
        if not self.start and not self.end:
            return "no dates given"
        if date(self.start) == date(self.end):
            return date(self.start)
        return f"{date(self.start) or 'open'} to {date(self.end) or 'open'}"


@dataclass(frozen=True, slots=True)
class Extent:
    """The boxes and intervals of a collection; the first of each covers all (STAC Collection spec)."""

    bboxes: tuple[BBox, ...] = ()
    intervals: tuple[Interval, ...] = ()

    @classmethod
    def parse(cls, value: Any) -> Extent:
        """Return what can be read of an extent object; old flat lists are understood too."""
        if not isinstance(value, dict):
            return cls()
        boxes = (BBox.parse(entry) for entry in _nested(value.get("spatial"), "bbox"))
        intervals = (Interval.parse(entry) for entry in _nested(value.get("temporal"), "interval"))
        return cls(tuple(b for b in boxes if b), tuple(i for i in intervals if i))


def _nested(value: Any, key: str) -> list[Any]:
    """Return the entries of `{key: [[...], ...]}`, `{key: [...]}` or a bare list (STAC before 0.9)."""
    entries = value.get(key) if isinstance(value, dict) else value
    if not isinstance(entries, list) or not entries:
        return []
    return entries if isinstance(entries[0], list) else [entries]


def around(boxes: Sequence[BBox]) -> BBox | None:
    """Return the box around boxes; all longitudes where one of them crosses the antimeridian."""
    if not boxes:
        return None
    south, north = min(box.south for box in boxes), max(box.north for box in boxes)
    if any(box.west > box.east for box in boxes):
        return BBox(-180.0, south, 180.0, north)
    return BBox(min(box.west for box in boxes), south, max(box.east for box in boxes), north)


def geometry_bbox(geometry: Any) -> BBox | None:
    """Return the box around a GeoJSON geometry's coordinates, or None where it has none."""
    if not isinstance(geometry, dict):
        return None
    points = list(_points(geometry.get("coordinates")))
    if not points:
        return None
    longitudes, latitudes = zip(*points, strict=True)
    return BBox(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """Walk nested GeoJSON coordinates without recursion, so that no document can exhaust the stack."""
    stack = [coordinates]
    while stack:
        entry = stack.pop()
        if not isinstance(entry, list) or not entry:
            continue
        if isinstance(entry[0], list):
            stack.extend(entry)
        elif len(entry) >= 2:
            longitude, latitude = _finite(entry[0]), _finite(entry[1])
            if longitude is not None and latitude is not None:
                yield longitude, latitude

"""Extents: where and when, read tolerantly from what catalogs really hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ..text import date, one_line


class BBox(NamedTuple):
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

    @classmethod
    def of_document(cls, value: Any) -> BBox | None:
        """Return the box that a document has, brought onto the globe; None where its numbers are no degrees.

        Longitudes from 0 to 360 become those from -180 to 180, corners and latitudes that are the other way
        around are turned, and latitudes that stand first are put second. One in a list is read too.
        """
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        box = cls.parse(inner)
        return None if box is None else _on_globe(*box)

    @property
    def parts(self) -> tuple[BBox, ...]:
        """The one or two boxes between -180 and 180 that it is, where it crosses the antimeridian."""
        if self.west <= self.east:
            return (self,)
        return self._replace(east=180.0), self._replace(west=-180.0)

    @property
    def outline(self) -> dict[str, Any]:
        """Its parts as a GeoJSON geometry."""
        rings = [[[[w, s], [e, s], [e, n], [w, n], [w, s]]] for w, s, e, n in self.parts]
        return {"type": "MultiPolygon", "coordinates": rings}

    def __str__(self) -> str:
        return (
            f"{_degrees(self.west, 'E', 'W')} to {_degrees(self.east, 'E', 'W')}, "
            f"{_degrees(self.south, 'N', 'S')} to {_degrees(self.north, 'N', 'S')}"
        )


def _finite(value: Any) -> float | None:
    """Return a number, also one written as text, None where it is none, not finite, or too large for one."""
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
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
        boxes = (BBox.of_document(entry) for entry in _nested(value.get("spatial"), "bbox"))
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


def item_bbox(bbox: Any, geometry: Any) -> BBox | None:
    """Return the box of an item: its own, of its geometry where it has none; None where it has neither."""
    box = BBox.of_document(bbox)
    if box is not None and box.west <= box.east and (box.west, box.east) != (-180, 180):
        return box
    around = geometry_bbox(geometry)
    if box is not None and box.west <= box.east:  # of all longitudes, as of what crosses the antimeridian
        return around if around is not None and around.west > around.east else box
    if box is None or around is None:
        return box or around
    # West of its east: it crosses the antimeridian, unless the geometry lies between the two.
    turned = box.east - _CLOSE <= around.west <= around.east <= box.west + _CLOSE
    return BBox(box.east, box.south, box.west, box.north) if turned else box


def geometry_bbox(geometry: Any) -> BBox | None:
    """Return the box around a GeoJSON geometry, or None where it has none.

    What is cut at the antimeridian (RFC 7946, 3.1.9), or runs across it, has a box that crosses it.
    """
    stretches: list[tuple[float, float]] = []
    latitudes: list[float] = []
    for line, connected in _lines(geometry):
        points = [point for point in map(_point, line) if point is not None]
        if points:
            latitudes += (latitude for _, latitude in points)
            stretches.append(_stretch(points, connected))
    if not stretches:
        return None
    west, east = _joined(stretches)
    return _on_globe(west, min(latitudes), east, max(latitudes))


def _lines(geometry: Any) -> Iterator[tuple[list[Any], bool]]:
    """Yield the lists of positions of a geometry, and whether each leads to the next.

    Without recursion, so that no document can exhaust the stack.
    """
    stack = [(geometry, True)]
    while stack:
        entry, connected = stack.pop()
        if isinstance(entry, dict):
            parts = entry.get("geometries")
            stack += ((part, True) for part in (parts if isinstance(parts, list) else ()))
            stack.append((entry.get("coordinates"), entry.get("type") != "MultiPoint"))
        elif isinstance(entry, list) and entry:
            if not isinstance(entry[0], list):
                yield [entry], False
            elif entry[0] and isinstance(entry[0][0], list):
                stack += ((part, connected) for part in entry)
            else:
                yield entry, connected


def _point(position: Any) -> tuple[float, float] | None:
    if not isinstance(position, list) or len(position) < 2:
        return None
    longitude, latitude = _finite(position[0]), _finite(position[1])
    return None if longitude is None or latitude is None else (longitude, latitude)


def _stretch(points: list[tuple[float, float]], connected: bool) -> tuple[float, float]:
    """Return the longitudes of a line; the east is above 180 where it runs across the antimeridian."""
    longitudes = [longitude for longitude, _ in points]
    west, east = min(longitudes), max(longitudes)
    if not connected or east - west <= 180 or (west <= -180 and east >= 180) or west < -180 or east > 180:
        return west, east
    latitudes = [latitude for _, latitude in points]
    around = [longitude + 360 if longitude < 0 else longitude for longitude in longitudes]
    jumps = any(abs(one - other) > 180 for one, other in pairwise(longitudes))
    # A box around nearly the whole earth has such jumps too: what runs across is a scene, which is small.
    if not jumps or max(max(around) - min(around), max(latitudes) - min(latitudes)) > _LARGEST_SCENE:
        return west, east
    return min(around), max(around)


def _joined(stretches: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the longitudes around several stretches; across the antimeridian where some meet there."""
    west, east = min(west for west, _ in stretches), max(east for _, east in stretches)
    at_east = any(abs(east - 180) < _CLOSE and west > -180 + _CLOSE for west, east in stretches)
    at_west = any(abs(west + 180) < _CLOSE and east < 180 - _CLOSE for west, east in stretches)
    if not (at_east and at_west) and east <= 180:
        return west, east
    around = [(w + 360, e + 360) if e < 0 and w < 0 else (w, e) for w, e in stretches]
    joined = min(west for west, _ in around), max(east for _, east in around)
    return joined if joined[1] - joined[0] < east - west else (west, east)


def _on_globe(west: float, south: float, east: float, north: float) -> BBox | None:
    """Return a box with longitudes from -180 to 180 and latitudes from -90 to 90; None where it is none."""
    if max(abs(south), abs(north)) > 90 + _CLOSE and max(abs(west), abs(east)) <= 90 + _CLOSE:
        west, south, east, north = south, west, north, east
    if south > north:
        south, north = north, south
        west, east = min(west, east), max(west, east)
    if max(abs(south), abs(north)) > 90 + _CLOSE or max(abs(west), abs(east)) > 540:
        return None
    south, north = max(south, -90.0), min(north, 90.0)
    if east - west >= 360 - _CLOSE:
        return BBox(-180.0, south, 180.0, north)
    left, right = _longitude(west), _longitude(east)
    if left == 180 and right < left:
        left = -180.0
    if right == -180 and left > right:
        right = 180.0
    return BBox(left, south, right, north)


def _longitude(degrees: float) -> float:
    if abs(degrees) <= 180:
        return degrees
    if abs(degrees) <= 180 + _CLOSE:
        return 180.0 if degrees > 0 else -180.0
    return (degrees + 180) % 360 - 180


_CLOSE = 1e-3  # degrees: what programs add when they round, some hundred metres
_LARGEST_SCENE = 60  # degrees

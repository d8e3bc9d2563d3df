"""Whether a GeoJSON geometry and a box have a point in common: the test of the seed library, without shapely.

Planar, borders included, as shapely's `intersects` (OGC Simple Features). Edges are kept in bands of
latitude, so that a test looks at those near the box only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..errors import InvalidSearch
from ..models import JsonDict
from ..models.area import geometry_of
from .records import Place

Point = tuple[float, float]
Edge = tuple[float, float, float, float]

_MOST_BANDS = 512
_SQUARES = 32


def geometries(value: Any) -> tuple[JsonDict, ...]:
    """Return the simple geometries of GeoJSON: of a geometry, a collection of them, or of features.

    Raises
    ------
    InvalidSearch
        If it is none, has no geometry at all, or numbers that are no degrees.
    """
    found = geometry_of(value)
    return tuple(found["geometries"]) if found["type"] == "GeometryCollection" else (found,)


class Shape:
    """Geometries to test boxes against.

    Parameters
    ----------
    value
        GeoJSON, as `geometries` takes it.

    Raises
    ------
    InvalidSearch
        If it is none.

    Attributes
    ----------
    place
        The box around it.
    """

    def __init__(self, value: Any) -> None:
        self._parts = [part for geometry in geometries(value) for part in _parts(geometry)]
        wests, souths, easts, norths = zip(*(part.place for part in self._parts), strict=True)
        self.place: Place = (min(wests), min(souths), max(easts), max(norths))
        self._squares: dict[tuple[int, int], bool | None] = {}
        self._scales = tuple(
            _SQUARES / (high - low) if high > low else 0.0
            for low, high in zip(self.place[:2], self.place[2:], strict=True)
        )

    def touches(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether the box and a geometry have a point in common; east above 180 goes on at -180."""
        if east > 180 and not math.isinf(east):
            return self.touches(west, south, 180, north) or self.touches(-180, south, east - 360, north)
        left, bottom, right, top = self.place
        if left <= west and east <= right and bottom <= south and north <= top:
            across, up = self._scales
            square = int((west - left) * across), int((south - bottom) * up)
            # Most boxes are small, and lie where all of the neighbourhood is inside, or all of it outside.
            if square == (int((east - left) * across), int((north - bottom) * up)):
                known = self._square(square)
                if known is not None:
                    return known
        return any(part.touches(west, south, east, north) for part in self._parts)

    def _square(self, square: tuple[int, int]) -> bool | None:
        """Return whether all boxes in a square of the raster touch a geometry, None where some may not."""
        if square in self._squares:
            return self._squares[square]
        (left, bottom, *_), (across, up) = self.place, self._scales
        # A little wider than it is, so that rounding puts no box beside its square.
        west, east = (left + (square[0] + step) / across if across else left for step in (-0.01, 1.01))
        south, north = (bottom + (square[1] + step) / up if up else bottom for step in (-0.01, 1.01))
        found = self._squares[square] = self._sort_out(west, south, east, north)
        return found

    def _sort_out(self, west: float, south: float, east: float, north: float) -> bool | None:
        if self.covers(west, south, east, north):
            return True
        return None if any(part.touches(west, south, east, north) for part in self._parts) else False

    def covers(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether the box is certain to lie inside a geometry, away from its border."""
        return any(part.covers(west, south, east, north) for part in self._parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A point, a line or a polygon: its box, its edges by bands of latitude, and whether it has an inside."""

    place: Place
    bands: tuple[tuple[Edge, ...], ...]
    solid: bool

    def touches(self, west: float, south: float, east: float, north: float) -> bool:
        left, bottom, right, top = self.place
        if left > east or right < west or bottom > north or top < south:
            return False
        if left >= west and right <= east and bottom >= south and top <= north:
            return True
        if any(_crosses(edge, west, south, east, north) for edge in self._near(south, north)):
            return True
        return self.solid and self._holds(west, south)

    def covers(self, west: float, south: float, east: float, north: float) -> bool:
        left, bottom, right, top = self.place
        if not self.solid or left > west or right < east or bottom > south or top < north:
            return False
        if any(_crosses(edge, west, south, east, north) for edge in self._near(south, north)):
            return False
        return self._holds(west, south)

    def _near(self, south: float, north: float) -> Iterator[Edge]:
        for band in self.bands[self._band(south) : self._band(north) + 1]:
            yield from band

    def _band(self, latitude: float) -> int:
        return _band(latitude, self.place, len(self.bands))

    def _holds(self, x: float, y: float) -> bool:
        """Whether a point lies inside, by the number of edges to its east (holes are edges, too)."""
        if not self.place[1] <= y <= self.place[3]:
            return False
        inside = False
        for x0, y0, x1, y1 in self.bands[self._band(y)]:
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                inside = not inside
        return inside


def _band(latitude: float, place: Place, count: int) -> int:
    _, south, _, north = place
    if latitude <= south or north <= south:
        return 0
    return (
        count - 1 if latitude >= north else min(count - 1, int((latitude - south) / (north - south) * count))
    )


def _crosses(edge: Edge, west: float, south: float, east: float, north: float) -> bool:
    """Whether a straight edge has a point in common with a box (Liang and Barsky's clipping)."""
    x0, y0, x1, y1 = edge
    if max(x0, x1) < west or min(x0, x1) > east or max(y0, y1) < south or min(y0, y1) > north:
        return False
    if (west <= x0 <= east and south <= y0 <= north) or (west <= x1 <= east and south <= y1 <= north):
        return True
    dx, dy = x1 - x0, y1 - y0
    # The corners lie on both sides of the edge's line, or on it: the boxes of both overlap already.
    sides = [dx * (y - y0) - dy * (x - x0) for x in (west, east) for y in (south, north)]
    return min(sides) <= 0 <= max(sides)


def _parts(geometry: JsonDict) -> Iterator[_Part]:
    """Yield the parts of a simple geometry."""
    kind = geometry["type"]
    try:
        yield from _MAKERS[kind](geometry["coordinates"])
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        raise InvalidSearch(f"the coordinates of the GeoJSON {kind} are none") from None


def _point(coordinates: Any) -> Iterator[_Part]:
    x, y = _xy(coordinates)
    yield _part([[(x, y)]], solid=False)


def _line(coordinates: Any) -> Iterator[_Part]:
    yield _part([[_xy(point) for point in coordinates]], solid=False)


def _polygon(coordinates: Any) -> Iterator[_Part]:
    rings = [[_xy(point) for point in ring] for ring in coordinates]
    if any(len(ring) < 4 for ring in rings):
        raise ValueError("a ring has 4 points at least")
    yield _part(rings, solid=True)


def _xy(point: Any) -> Point:
    x, y = float(point[0]), float(point[1])
    if isinstance(point, str) or not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError("no position")
    return x, y


def _part(lines: Sequence[Sequence[Point]], *, solid: bool) -> _Part:
    points = [point for line in lines for point in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    place = (min(xs), min(ys), max(xs), max(ys))
    edges = [(*a, *b) for line in lines for a, b in pairwise(line)]
    edges = edges or [(*points[0], *points[0])]
    bands: list[list[Edge]] = [[] for _ in range(max(1, min(_MOST_BANDS, len(edges) // 2)))]
    for edge in edges:
        low, high = sorted((edge[1], edge[3]))
        for number in range(_band(low, place, len(bands)), _band(high, place, len(bands)) + 1):
            bands[number].append(edge)
    return _Part(place, tuple(tuple(band) for band in bands), solid)


def _many(maker: Any) -> Any:
    def make(coordinates: Any) -> Iterator[_Part]:
        for entry in coordinates:
            yield from maker(entry)

    return make


_MAKERS: dict[str, Any] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": _many(_point),
    "MultiLineString": _many(_line),
    "MultiPolygon": _many(_polygon),
}

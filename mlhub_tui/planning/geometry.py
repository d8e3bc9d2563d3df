"""Areas: which items' boxes or geometries touch a box or a GeoJSON geometry, with shapely where installed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import pairwise
from math import isfinite
from typing import Any

from ..errors import InvalidSearch, MLHubException
from ..models import JsonDict
from ..models.area import geometry_of
from .records import Box

Point = tuple[float, float]
Row = tuple[int, float, float, float, float, str | None]
"""An item: its number, west, south, east (above 180 across the antimeridian), north, geometry as JSON."""


class NoShapely(MLHubException):
    """The exact test of geometries was requested, and shapely is not installed."""

    default_hint = "run `pip install 'mlhub-tui[geometry]'`, or leave the exact test out"


def check_shapely() -> None:
    """Raise NoShapely where the exact test cannot be made."""
    if _shapely() is None:
        raise NoShapely("the exact test of geometries needs shapely, which is not installed")


def _shapely() -> Any:
    try:
        return import_module("shapely")
    except ImportError:
        return None


def halves(box: Box) -> list[Box]:
    """Return the one or two boxes between -180 and 180 that a box is, where it crosses the antimeridian."""
    west, south, east, north = box
    if east > 180:
        return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]
    if west > east:
        return [(west, south, 180.0, north), (-180.0, south, east, north)]
    return [box]


class Area:
    """A GeoJSON geometry that items touch or not: planar, its border included (OGC Simple Features).

    - `value`: A geometry, a collection of them, a feature or several.
    - `exact`: Whether the items' geometries are compared, instead of their boxes.

    Raises InvalidSearch if it is no GeoJSON, or its numbers are no degrees; NoShapely if the exact test needs
    shapely, and it is not installed.

    - `box`: The box around it.
    """

    def __init__(self, value: Any, *, exact: bool = False) -> None:
        found = geometry_of(value)
        geometries = found["geometries"] if found["type"] == "GeometryCollection" else [found]
        self._parts = [part for geometry in geometries for part in _parts(geometry)]
        points = [point for lines, _ in self._parts for line in lines for point in line]
        xs, ys = zip(*points, strict=True)
        self.box: Box = (min(xs), min(ys), max(xs), max(ys))
        if exact:
            check_shapely()
        self._exact = exact
        self._shapely = shapely = _shapely()
        if shapely is not None:
            try:
                shapes = shapely.from_geojson([json.dumps(geometry) for geometry in geometries])
                # Part by part: where two polygons of one geometry overlap, that is no hole.
                self._area = shapely.union_all(shapely.make_valid(shapely.get_parts(shapes)))
            except shapely.errors.ShapelyError:
                raise InvalidSearch("the GeoJSON cannot be read") from None
            shapely.prepare(self._area)

    @classmethod
    def of_box(cls, box: Box) -> Area:
        """Return a box as an area for the exact test."""
        rings = [[[[w, s], [e, s], [e, n], [w, n], [w, s]]] for w, s, e, n in halves(box)]
        return cls({"type": "MultiPolygon", "coordinates": rings}, exact=True)

    def touching(self, rows: Sequence[Row]) -> Iterator[int]:
        """Yield the numbers of the items that touch it."""
        if self._shapely is None:
            for number, west, south, east, north, _ in rows:
                boxes = halves((west, south, east, north))
                if any(_touches(lines, solid, box) for box in boxes for lines, solid in self._parts):
                    yield number
        elif rows:
            shapely, area = self._shapely, self._area
            numbers, wests, souths, easts, norths, geometries = zip(*rows, strict=True)
            touch = shapely.intersects(area, shapely.box(wests, souths, easts, norths))
            for at, (east, geometry) in enumerate(zip(easts, geometries, strict=True)):
                if (self._exact and geometry is not None) or east > 180:
                    box = wests[at], souths[at], east, norths[at]
                    touch[at] = self._touches_exactly(box, geometry if self._exact else None)
            yield from (number for number, touches in zip(numbers, touch.tolist(), strict=True) if touches)

    def _touches_exactly(self, box: Box, geometry: str | None) -> bool:
        """Whether an item touches it, by its geometry where one is saved, else by its box."""
        shapely = self._shapely
        try:
            shape = None if geometry is None else shapely.from_geojson(geometry)
        except shapely.errors.ShapelyError:
            shape = None
        if shape is None:
            return any(shapely.intersects(self._area, shapely.box(*half)) for half in halves(box))
        if box[2] > 180:  # written on both sides of 180: eastwards of it, its parts are neighbours
            shape = shapely.transform(shape, lambda points: _shifted(points, points[:, 0] < 0, 360))
        shape = shapely.make_valid(shape)
        west, _, east, _ = shapely.bounds(shape)
        shapes = [shape]
        if west < -180 or east > 180:
            turn = -360 if east > 180 else 360
            shapes.append(shapely.transform(shape, lambda points: _shifted(points, slice(None), turn)))
        return any(shapely.intersects(self._area, each) for each in shapes)


def _shifted(points: Any, which: Any, degrees: int) -> Any:
    moved = points.copy()
    moved[which, 0] += degrees
    return moved


def _parts(geometry: JsonDict) -> Iterator[tuple[list[list[Point]], bool]]:
    """Yield points, lines and polygons of a simple geometry as lines, and whether these have an inside."""
    kind: str = geometry["type"]
    coordinates: Any = geometry.get("coordinates")
    try:
        several: list[Any] = list(coordinates) if kind.startswith("Multi") else [coordinates]
        for part in several:
            if kind.endswith("Point"):
                yield [[_point(part)]], False
            elif kind.endswith("LineString"):
                yield [_line(part, 1)], False
            else:
                yield [_line(ring, 4) for ring in part], True
    except (TypeError, ValueError, IndexError, OverflowError):
        raise InvalidSearch(f"the coordinates of the GeoJSON {kind} are none") from None


def _line(points: Iterable[Any], least: int) -> list[Point]:
    line = [_point(point) for point in points]
    if len(line) < least:
        raise ValueError("too few points")
    return line


def _point(point: Any) -> Point:
    x, y = float(point[0]), float(point[1])
    if isinstance(point, str) or not (isfinite(x) and isfinite(y)):
        raise ValueError("no position")
    return x, y


def _touches(lines: list[list[Point]], solid: bool, box: Box) -> bool:
    """Whether a part and a box have a point in common, without shapely."""
    west, south = box[:2]
    inside = False  # whether the box's corner is: an odd number of edges to its east (holes are edges, too)
    for line in lines:
        for (x0, y0), (x1, y1) in pairwise(line) if len(line) > 1 else [(line[0], line[0])]:
            if _crosses(x0, y0, x1, y1, box):
                return True
            if (y0 > south) != (y1 > south) and west < x0 + (south - y0) / (y1 - y0) * (x1 - x0):
                inside = not inside
    return solid and inside


def _crosses(x0: float, y0: float, x1: float, y1: float, box: Box) -> bool:
    """Whether a straight edge has a point in common with a box."""
    west, south, east, north = box
    if max(x0, x1) < west or min(x0, x1) > east or max(y0, y1) < south or min(y0, y1) > north:
        return False
    if (west <= x0 <= east and south <= y0 <= north) or (west <= x1 <= east and south <= y1 <= north):
        return True
    # The corners lie on both sides of the edge's line, or on it: the boxes of both overlap already.
    sides = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x in (west, east) for y in (south, north)]
    return min(sides) <= 0 <= max(sides)

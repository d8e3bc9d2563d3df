"""Footprints of items and extents as boxes and outlines, also over the antimeridian."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ...models import BBox, Document, Item

_MOST_POINTS = 400
"""Points of an outline at most; of longer ones every other is left out, until they are as short."""
_MOST_RINGS = 20


class Outline(NamedTuple):
    """A closed line in degrees; longitudes go on beyond 180 where it crosses the antimeridian."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]


class Footprint(NamedTuple):
    """Where something lies.

    Parameters
    ----------
    box
        The box around it.
    outlines
        Its outer lines; empty where it is the box itself.
    """

    box: Box
    outlines: tuple[Outline, ...] = ()


def footprint_of(document: Document) -> Footprint | None:
    """Return where an item lies, None where it has no place or is no item."""
    if not isinstance(document, Item):
        return None
    box = plain(found) if (found := document.bbox) is not None else None
    if box is None:
        return None
    return Footprint(box, outlines_of(document.raw.get("geometry"), box))


def footprints_of(boxes: Sequence[BBox]) -> list[Footprint]:
    """Return the boxes of an extent as footprints; those that lie nowhere are left out."""
    return [Footprint(found) for box in boxes if (found := plain(box)) is not None]


def outlines_of(geometry: Any, box: Box) -> tuple[Outline, ...]:
    """Return the outer lines of a GeoJSON polygon or several; nothing for all else and plain boxes."""
    found = []
    for ring in _rings(geometry):
        outline = _outline(ring, box)
        if outline is None:
            return ()
        found.append(outline)
        if len(found) == _MOST_RINGS:
            break
    if len(found) == 1 and _is_box(found[0]):
        return ()
    return tuple(found)


def _rings(geometry: Any) -> Iterator[list[Any]]:
    if not isinstance(geometry, dict) or not isinstance(coordinates := geometry.get("coordinates"), list):
        return
    kind = geometry.get("type")
    for polygon in [coordinates] if kind == "Polygon" else coordinates if kind == "MultiPolygon" else []:
        if isinstance(polygon, list) and polygon and isinstance(polygon[0], list):
            yield polygon[0]


def _outline(ring: list[Any], box: Box) -> Outline | None:
    """Return a ring that follows the globe, None where it is none."""
    step = max(1, math.ceil(len(ring) / _MOST_POINTS))
    xs: list[float] = []
    ys: list[float] = []
    for point in [*ring[::step], ring[0]] if ring else []:
        try:
            x, y = float(point[0]), float(point[1])
        except (TypeError, ValueError, IndexError, KeyError, OverflowError):
            return None
        if not (abs(x) <= 540 and abs(y) <= 90):
            return None
        # An edge takes the shorter way around the globe.
        if xs:
            x += 360 * round((xs[-1] - x) / 360)
        xs.append(x)
        ys.append(y)
    if len(xs) < 4:
        return None
    turn = 360 * round((box[0] - min(xs)) / 360)
    return Outline(tuple(x + turn for x in xs), tuple(ys))


def _is_box(outline: Outline) -> bool:
    return len(set(outline.xs)) == 2 == len(set(outline.ys)) and len(outline.xs) <= 6


Box = tuple[float, float, float, float]
"""West, south, east, north in degrees: west from -180 to below 180, east from west to west + 360."""

_FARTHEST = 1e6
"""Degrees; a longitude beyond is no turn around the globe but a fault."""


def plain(box: BBox | Sequence[float]) -> Box | None:
    """Return a box as it lies on the globe, None where it lies nowhere.

    A box whose west is east of its east crosses the antimeridian (RFC 7946, section 5.2); one whose east is
    beyond 180 degrees does, too. Latitudes beyond the poles are cut, and swapped ones put right.
    """
    if isinstance(box, BBox):
        west, south, east, north = box.west, box.south, box.east, box.north
    else:
        west, south, east, north = box
    if not max(abs(west), abs(east)) <= _FARTHEST:
        return None
    south, north = max(min(south, north), -90.0), min(max(south, north), 90.0)
    if not south <= north:
        return None
    width = east - west if east >= west else (east - west) % 360
    if width >= 360:
        return (-180.0, south, 180.0, north)
    start = (west + 180) % 360 - 180
    return (start, south, start + width, north)


def plain_boxes(boxes: Iterable[BBox | Sequence[float] | None]) -> list[Box]:
    """Return those of some boxes that lie on the globe."""
    return [found for box in boxes if box is not None and (found := plain(box)) is not None]


def parts(boxes: Sequence[BBox]) -> Sequence[BBox]:
    """Return the boxes of an extent without the first, where that is around all others.

    It should be (STAC Collection spec, Spatial Extent Object), and then tells less than they do.
    """
    if len(boxes) < 2:
        return boxes
    whole = plain(boxes[0])
    inside = whole is not None and all(_holds(whole, box) for box in plain_boxes(boxes[1:]))
    return boxes[1:] if inside else boxes


def _holds(whole: Box, box: Box) -> bool:
    start = (box[0] - whole[0]) % 360
    start = 0 if start > 359.999 else start
    across = start + box[2] - box[0] <= whole[2] - whole[0] + 0.001
    return across and whole[1] <= box[1] + 0.001 and box[3] <= whole[3] + 0.001


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the narrowest box around some, which may cross the antimeridian; None around nothing.

    What is left out is the widest gap between them, on the circle of longitudes.
    """
    if not boxes:
        return None
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    gap = west = east = 0.0
    reach = max(box[2] for box in boxes) - 360  # what crosses the antimeridian covers the beginning, too
    for left, right in sorted((box[0], box[2]) for box in boxes):
        if left - reach > gap:
            gap, west, east = left - reach, left, reach
        reach = max(reach, right)
    if gap <= 0:
        return (-180.0, south, 180.0, north)
    return (west, south, east if east >= west else east + 360, north)


def halves(box: Box) -> list[Box]:
    """Return a box in parts that do not cross the antimeridian."""
    west, south, east, north = box
    if east <= 180:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]


def as_bbox(box: Box, digits: int = 6) -> BBox:
    """Return a box as documents and searches have it: `west > east` over the antimeridian."""
    west, south, east, north = box
    if east - west >= 360:
        return BBox(-180.0, round(south, digits), 180.0, round(north, digits))
    east = east - 360 if east > 180 else east
    return BBox(*(round(value, digits) + 0.0 for value in (west, south, east, north)))

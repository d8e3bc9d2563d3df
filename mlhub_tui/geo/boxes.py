"""Boxes to draw and to compare: on the globe, west first, over the antimeridian where they cross it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..models import BBox

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees: west from -180 to below 180, east from west to west + 360."""

WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
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

"""Footprints of items and extents as boxes and outlines, also over the antimeridian."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ...metadata.places import Box, plain
from ...models import BBox, Document, Item

_MOST_POINTS = 400
"""Points of an outline at most; of longer ones every other is left out, until they are as short."""
_MOST_RINGS = 20


class Outline(NamedTuple):
    """A closed line in degrees; longitudes continue beyond 180 where it crosses the antimeridian."""

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
